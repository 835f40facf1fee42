//! Stopping by a signal: Ctrl-C, a terminal that closes, `kill`.

#[cfg(unix)]
use crate::threads;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// For so long after the first signal another is taken for the same wish: terminals and their parents send several at once,
/// and a finger may slip. A run is mostly saved by then.
const GRACE: Duration = Duration::from_secs(1);

/// The wish to stop.
struct Wish {
    stop: Arc<AtomicBool>,
    first: Option<Instant>,
}

impl Wish {
    /// Takes a signal, and says whether the process is to end at once.
    fn is_urgent(&mut self, now: Instant) -> bool {
        self.stop.store(true, Ordering::SeqCst);
        now.duration_since(*self.first.get_or_insert(now)) >= GRACE
    }
}

/// A flag that the first signal to stop sets; one that comes a second later or more ends the process. A signal that was
/// ignored when the process began stays ignored: `nohup` has the process outlive its terminal, and a shell without job control
/// has its background jobs outlive Ctrl-C.
#[cfg(unix)]
pub(super) fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let stop = Arc::new(AtomicBool::new(false));
    let all = [(SIGINT, "INT"), (SIGTERM, "TERM"), (SIGHUP, "HUP")];
    let mut signals =
        Signals::new(all.iter().filter(|(signal, name)| !is_ignored(*signal, name)).map(|(signal, _)| signal))?;
    let mut wish = Wish { stop: Arc::clone(&stop), first: None };
    threads::apart(move || {
        for _ in signals.forever() {
            if wish.is_urgent(Instant::now()) {
                signal_hook::low_level::exit(130);
            }
        }
    })?;
    Ok(stop)
}

/// The same where there is only Ctrl-C.
#[cfg(not(unix))]
pub(super) fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut wish = Wish { stop: Arc::clone(&stop), first: None };
    let stops = move || {
        if wish.is_urgent(Instant::now()) {
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

    #[test]
    fn signals_of_one_second_are_one_wish() {
        let (stop, start) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let mut wish = Wish { stop: Arc::clone(&stop), first: None };
        assert!(!wish.is_urgent(start) && stop.load(Ordering::SeqCst));
        assert!(
            !wish.is_urgent(start + Duration::from_millis(50)) && !wish.is_urgent(start + Duration::from_millis(999))
        );
        assert!(wish.is_urgent(start + GRACE));
    }

    /// Rust ignores SIGPIPE in every program, but not in its children; nothing ignores SIGHUP here unless the tests are
    /// run so.
    #[test]
    fn both_ways_to_ask_agree() {
        assert_eq!(listed(SIGPIPE), Some(true));
        assert_eq!(listed(SIGHUP), Some(outlives(SIGHUP, "HUP")));
    }
}
