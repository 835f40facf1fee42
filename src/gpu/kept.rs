//! Compiled pipelines that outlive the process, where the driver hands them out.
//!
//! They are kept by whoever attends the device, as a file for each adapter and driver: `wgradpc1`, the CRC-32 of all that
//! follows, the length of the identity, the identity, the driver's data; numbers are 32 bits, lowest byte first. The
//! identity is adapter, backend, driver, its version and that of wgrad, so that what is old does not pile up.

use super::device::{AdapterReport, Gpu};
use std::sync::Arc;

const MAGIC: &[u8] = b"wgradpc1";

/// Who is told what a device is at, from any thread, and keeps what it hands over. Nothing is kept or told without one.
pub trait Attendant: Send + Sync {
    /// So many kernels of those at hand are compiled, from none to all of them.
    fn compiling(&self, done: usize, of: usize);

    /// What [`Attendant::keep`] was given last under a name, in this process or an earlier one.
    fn kept(&self, name: &str) -> Option<Vec<u8>>;

    /// Keeps bytes under a name that can be a file's.
    fn keep(&self, name: &str, bytes: &[u8]);

    /// What the user should know, in a sentence.
    fn note(&self, text: &str);
}

impl Gpu {
    /// Lets someone attend from here on, who may have kept pipelines of an earlier process. Those that cannot be used are
    /// told of, and made anew.
    pub fn attend(&self, attendant: Arc<dyn Attendant>) {
        *self.attendant.borrow_mut() = Some(Arc::clone(&attendant));
        let Some(name) = &self.kept_as else { return };
        let file = attendant.kept(name);
        let data = file.as_deref().map(|bytes| unseal(bytes, &identity(self.report())));
        let data = data.and_then(|data| {
            let told = data.inspect_err(|what| attendant.note(&format!("the compiled kernels kept in {name} {what}")));
            told.ok()
        });
        match self.begin_cache(data) {
            Ok(()) => self.kept.set(data.map(crc)),
            Err(why) => {
                attendant.note(&format!("the driver does not take the compiled kernels kept in {name} ({why})"));
                if let Err(why) = self.begin_cache(None) {
                    attendant.note(&format!("the driver keeps no compiled kernels ({why})"));
                }
            }
        }
    }

    pub(super) fn attendant(&self) -> Option<Arc<dyn Attendant>> {
        self.attendant.borrow().clone()
    }

    /// Hands the pipelines over, if there are new ones.
    pub(super) fn keep_pipelines(&self) {
        let data = self.pipelines.borrow().cache.as_ref().and_then(wgpu::PipelineCache::get_data);
        let (Some(data), Some(name), Some(attendant)) = (data, &self.kept_as, self.attendant()) else { return };
        if self.kept.replace(Some(crc(&data))) != Some(crc(&data)) {
            attendant.keep(name, &seal(&data, &identity(self.report())));
        }
    }
}

fn identity(report: &AdapterReport) -> String {
    let AdapterReport { name, backend, driver, driver_version, .. } = report;
    [name, backend, driver, driver_version, env!("CARGO_PKG_VERSION")].join("\n")
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

fn seal(data: &[u8], identity: &str) -> Vec<u8> {
    let rest = [&(identity.len() as u32).to_le_bytes(), identity.as_bytes(), data].concat();
    [MAGIC, &crc(&rest).to_le_bytes(), &rest].concat()
}

/// The driver's data, or what is wrong with the file.
fn unseal<'a>(file: &'a [u8], identity: &str) -> Result<&'a [u8], &'static str> {
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
