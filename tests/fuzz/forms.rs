//! Forms of files around what is mutated: a mutation that only breaks a checksum or a length reaches nothing behind them.

use flate2::{Compression, Crc, write::GzEncoder};
use serde_json::Value;
use std::io::Write;

/// Where a mutation takes hold.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Of the file's own bytes.
    Raw,
    /// Of what a gzip file unpacks to; the seed is not packed.
    Gzip,
    /// Of the header of a safetensors file, whose length is made right.
    Header,
    /// Of the description within that header, which stays a JSON text.
    Description,
    /// Of a PNG file, whose checksums are made right.
    Png,
}

impl Form {
    /// The seed with a mutation in its place.
    pub fn apply(self, seed: &[u8], mutate: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        match self {
            Self::Raw => mutate(seed.to_vec()),
            Self::Gzip => packed(&mutate(seed.to_vec())),
            Self::Png => checked(mutate(seed.to_vec())),
            Self::Header => {
                let (header, data) = parts(seed);
                joined(&mutate(header.to_vec()), data)
            }
            Self::Description => {
                let (header, data) = parts(seed);
                let mut json: Value = serde_json::from_slice(header).unwrap();
                let Some(text) = json["__metadata__"]["wgrad"].as_str() else { return mutate(seed.to_vec()) };
                let text = mutate(text.as_bytes().to_vec());
                json["__metadata__"]["wgrad"] = String::from_utf8_lossy(&text).into();
                joined(json.to_string().as_bytes(), data)
            }
        }
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Header and data of a safetensors file.
fn parts(file: &[u8]) -> (&[u8], &[u8]) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    file[8..].split_at(length)
}

fn joined(header: &[u8], data: &[u8]) -> Vec<u8> {
    // As the format asks, the data begin at a multiple of eight bytes.
    let padding = vec![b' '; header.len().next_multiple_of(8) - header.len()];
    let length = (header.len() + padding.len()) as u64;
    [&length.to_le_bytes()[..], header, &padding, data].concat()
}

/// Puts the right checksum behind every chunk of a PNG file, as far as chunks can be followed.
fn checked(mut file: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(end) = at.checked_add(8).and_then(|body| body.checked_add(length)).filter(|end| end + 4 <= file.len())
        else {
            break;
        };
        let mut crc = Crc::new();
        crc.update(&file[at + 4..end]);
        file[end..end + 4].copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
    file
}
