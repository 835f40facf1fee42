//! Mutations of bytes, drawn from a stream.

use rand::RngExt;
use wgrad::random::Stream;

/// No input grows over this.
const LARGEST: usize = 1 << 20;

/// Numbers at which readers go wrong, as texts.
const NUMBERS: [&str; 24] = [
    "0",
    "-1",
    "1",
    "-0",
    "00",
    "1e308",
    "1e-308",
    "1e39",
    "1e99999",
    "-1e400",
    "NaN",
    "inf",
    "-inf",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "0.0000000000000000000000000000000000000000000001",
    "123456789012345678901234567890",
];

/// The same as words of 32 and 64 bits.
const WORDS: [u64; 12] =
    [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, i64::MAX as u64, u64::MAX];

/// The bytes with one to six mutations. Parts come from `others` too, and from `tokens`.
pub fn mutated(mut bytes: Vec<u8>, others: &[Vec<u8>], tokens: &[&str], stream: &mut Stream) -> Vec<u8> {
    // Half of the inputs have one, so that many are read, or refused late.
    let most = if stream.random_range(0..2) == 0 { 1 } else { 6 };
    for _ in 0..stream.random_range(1..=most) {
        mutate(&mut bytes, others, tokens, stream);
        bytes.truncate(LARGEST);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], tokens: &[&str], stream: &mut Stream) {
    let (from, to) = chunk(bytes.len(), stream);
    let at = stream.random_range(0..=bytes.len());
    match stream.random_range(0..15) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << stream.random_range(0..8),
        2 if at < bytes.len() => bytes[at] = [0, 1, 9, 10, 34, 44, 0x7f, 0x80, 0xff][stream.random_range(0..9)],
        3 => bytes.truncate(at),
        4 => _ = bytes.drain(from..to),
        5 => {
            let copy = bytes[from..to].to_vec();
            insert(bytes, at, &copy);
        }
        6 => {
            let most = if stream.random_range(0..50) == 0 { 5000 } else { 20 };
            let copy = bytes[from..to].repeat(stream.random_range(1..=most).min(LARGEST / (to - from).max(1)));
            insert(bytes, at, &copy);
        }
        7 | 8 if !tokens.is_empty() => {
            let token = tokens[stream.random_range(0..tokens.len())];
            insert(bytes, at, token.as_bytes());
        }
        9 => {
            let other = &others[stream.random_range(0..others.len())];
            let cut = stream.random_range(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[cut..]);
        }
        10 => {
            let noise: Vec<u8> = (0..stream.random_range(1..=16)).map(|_| stream.random_range(0..=255u8)).collect();
            insert(bytes, at, &noise);
        }
        11 => word(bytes, at, stream),
        12 | 13 => decimal(bytes, at, stream),
        _ => line(bytes, at, stream),
    }
}

/// A part of `length` bytes, mostly a small one.
fn chunk(length: usize, stream: &mut Stream) -> (usize, usize) {
    let from = stream.random_range(0..=length);
    let most = if stream.random_range(0..4) == 0 { length } else { 32 };
    (from, (from + stream.random_range(0..=most)).min(length))
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// Writes a number of two, four or eight bytes over what is there.
fn word(bytes: &mut [u8], at: usize, stream: &mut Stream) {
    let (word, width) = (WORDS[stream.random_range(0..WORDS.len())], [2, 4, 8][stream.random_range(0..3)]);
    let little = word.to_le_bytes();
    let mut written = little[..width].to_vec();
    if stream.random_range(0..2) == 0 {
        written.reverse();
    }
    // Fields lie at multiples of their widths, mostly near the beginning.
    let at = if stream.random_range(0..2) == 0 { at } else { 4 * stream.random_range(0..8) };
    bytes.iter_mut().skip(at).zip(written).for_each(|(byte, new)| *byte = new);
}

/// Puts another number in the place of the next one that is written in digits.
fn decimal(bytes: &mut Vec<u8>, at: usize, stream: &mut Stream) {
    let Some(from) = bytes[at..].iter().position(u8::is_ascii_digit).map(|ahead| at + ahead) else { return };
    let digits = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let number = NUMBERS[stream.random_range(0..NUMBERS.len())];
    bytes.splice(from..from + digits, number.bytes());
}

/// Doubles or takes out the line that begins next.
fn line(bytes: &mut Vec<u8>, at: usize, stream: &mut Stream) {
    let next = |from: usize| bytes[from..].iter().position(|&byte| byte == b'\n').map(|ahead| from + ahead + 1);
    let Some(from) = next(at) else { return };
    let to = next(from).unwrap_or(bytes.len());
    if stream.random_range(0..2) == 0 {
        bytes.drain(from..to);
    } else {
        let copy = bytes[from..to].to_vec();
        insert(bytes, from, &copy);
    }
}
