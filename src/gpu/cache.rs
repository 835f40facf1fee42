//! The file in which compiled pipelines outlive the process, where the driver hands them out.
//!
//! They are kept by whoever attends the device, as a file for each adapter and driver: `wgradpc1`, the CRC-32 of all that
//! follows, the length of the identity, the identity, the driver's data; numbers are 32 bits, lowest byte first. The
//! identity is adapter, backend, driver, its version and that of wgrad, so that what is old does not pile up.

const MAGIC: &[u8] = b"wgradpc1";

/// The CRC-32 of bytes.
pub(super) fn crc(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

/// A file that holds the driver's data.
pub(super) fn seal(data: &[u8], identity: &str) -> Vec<u8> {
    let rest = [&(identity.len() as u32).to_le_bytes(), identity.as_bytes(), data].concat();
    [MAGIC, &crc(&rest).to_le_bytes(), &rest].concat()
}

/// The driver's data, or what is wrong with the file.
pub(super) fn unseal<'a>(file: &'a [u8], identity: &str) -> Result<&'a [u8], &'static str> {
    let sealed = || {
        let (sum, rest) = file.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (length, named) = rest.split_first_chunk()?;
        let (found, data) = named.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        (crc(rest) == u32::from_le_bytes(*sum)).then_some((found, data))
    };
    match sealed() {
        None => Err("are broken, and are made anew"),
        Some((found, _)) if found != identity.as_bytes() => {
            Err("are of another driver or another version of wgrad, and are made anew")
        }
        Some((_, data)) => Ok(data),
    }
}

#[cfg(test)]
mod tests {
    use super::{seal, unseal};

    #[test]
    fn what_is_not_whole_or_not_ours_is_not_handed_to_a_driver() {
        let file = seal(b"pipelines", "one\n1.0");
        assert_eq!(unseal(&file, "one\n1.0"), Ok(&b"pipelines"[..]));
        assert!(unseal(&file, "one\n1.1").is_err_and(|what| what.contains("another driver")));
        for end in 0..file.len() {
            assert!(unseal(&file[..end], "one\n1.0").is_err_and(|what| what.contains("broken")), "{end}");
        }
        for at in 0..file.len() {
            let mut bad = file.clone();
            bad[at] ^= 4;
            assert!(unseal(&bad, "one\n1.0").is_err_and(|what| what.contains("broken")), "{at}");
        }
    }
}
