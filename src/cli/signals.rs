//! Stopping by a signal: Ctrl-C, a terminal that closes, `kill`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that the first signal to stop sets; the second one ends the process. A signal that was ignored when the process
/// began stays ignored: `nohup` has the process outlive its terminal, and a shell without job control has its background
/// jobs outlive Ctrl-C.
#[cfg(unix)]
pub(super) fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;

    let stop = Arc::new(AtomicBool::new(false));
    for (signal, name) in [(SIGINT, "INT"), (SIGTERM, "TERM"), (SIGHUP, "HUP")] {
        if !is_ignored(signal, name) {
            // In this order: the first signal finds the flag not set yet.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
        }
    }
    Ok(stop)
}

/// The same where there is only Ctrl-C.
#[cfg(not(unix))]
pub(super) fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    use std::sync::atomic::Ordering;

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let stops = move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(stops).map_err(io::Error::other)?;
    Ok(stop)
}

/// Whether this process ignores a signal, as its parent has wanted.
#[cfg(unix)]
fn is_ignored(signal: i32, name: &str) -> bool {
    listed(signal).unwrap_or_else(|| outlives(signal, name))
}

/// What Linux says of that, if this is Linux.
#[cfg(unix)]
fn listed(signal: i32) -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let ignored = u64::from_str_radix(ignored.trim(), 16).ok()?;
    Some(ignored >> (signal - 1) & 1 == 1)
}

/// Whether a child that sends itself the signal lives on: it has the dispositions of its parent, but for handlers.
#[cfg(unix)]
fn outlives(signal: i32, name: &str) -> bool {
    use std::os::unix::process::ExitStatusExt;

    let status = std::process::Command::new("/bin/sh").args(["-c", &format!("kill -s {name} $$")]).status();
    status.is_ok_and(|status| status.signal() != Some(signal))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use signal_hook::consts::{SIGHUP, SIGPIPE};

    /// Rust ignores SIGPIPE in every program, but not in its children; nothing ignores SIGHUP here unless the tests are
    /// run so.
    #[test]
    fn both_ways_to_ask_agree() {
        assert_eq!(listed(SIGPIPE), Some(true));
        assert_eq!(listed(SIGHUP), Some(outlives(SIGHUP, "HUP")));
    }
}
