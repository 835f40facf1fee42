//! What Linux says of this process and of the others. Other systems say nothing, and then nothing is reported.

use std::fs;
use std::time::Instant;

/// Ticks a second of the times in `/proc`: fixed by Linux's interface.
const TICKS: f64 = 100.0;

/// Cores' worth of processor time over a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Taken by this process: 2 is two cores at work all the time.
    pub own: f64,
    /// Taken by all others. A measurement counts where this is small.
    pub other: f64,
}

/// The beginning of a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    started: Instant,
    all: f64,
    own: f64,
}

impl Load {
    /// Begins to count processor time; none where the system does not say it.
    pub fn start() -> Option<Self> {
        let (all, own) = busy()?;
        Some(Self { started: Instant::now(), all, own })
    }

    /// What was used since [`Load::start`]; none where the system does not say it.
    pub fn usage(&self) -> Option<Usage> {
        let (all, own) = busy()?;
        let seconds = self.started.elapsed().as_secs_f64();
        let own = (own - self.own) / seconds;
        Some(Usage { own, other: (all - self.all) / seconds - own })
    }
}

/// Seconds of processor time since the start, of the whole machine and of this process.
fn busy() -> Option<(f64, f64)> {
    let all = fs::read_to_string("/proc/stat").ok()?;
    Some((machine(&all)?, field(&stat()?, 11)? / TICKS + field(&stat()?, 12)? / TICKS))
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
fn machine(stat: &str) -> Option<f64> {
    let ticks: Vec<f64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|v| v.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7].iter().map(|&i| ticks.get(i).copied());
    busy.sum::<Option<f64>>().map(|ticks| ticks / TICKS)
}

fn stat() -> Option<String> {
    fs::read_to_string("/proc/self/stat").ok()
}

/// A field of `/proc/self/stat`, counted from the one behind the name, which may hold blanks and brackets.
fn field(stat: &str, index: usize) -> Option<f64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(index)?.parse().ok()
}

/// Seconds of processor time that the calling thread has taken so far. What `/proc` says of it stands still between the ticks
/// of the scheduler, this clock does not.
#[cfg(unix)]
pub(super) fn thread_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(not(unix))]
pub(super) fn thread_seconds() -> Option<f64> {
    None
}

/// Seconds since this process was made, to a hundredth.
pub fn since_process_start() -> Option<f64> {
    let up: f64 = fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
    Some(up - field(&stat()?, 19)? / TICKS)
}

/// The most memory that this process held at once so far, in bytes.
pub fn peak_rss() -> Option<u64> {
    high_water(&fs::read_to_string("/proc/self/status").ok()?)
}

/// The line `VmHWM:  123 kB`.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let own = "12 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 1100 1200 13 14 15 16 17 18 1900";
        assert_eq!([11, 12, 19].map(|i| field(own, i)), [Some(1100.0), Some(1200.0), Some(1900.0)]);
        assert_eq!(field("12 (a", 0), None);
        assert_eq!(machine("cpu  100 200 300 9 9 400 500 600 0 0\ncpu0 1"), Some(21.0));
        assert_eq!(machine("cpu 1 2"), None);
        assert_eq!(high_water("VmPeak: 1 kB\nVmHWM:\t  24 kB\n"), Some(24 * 1024));
        assert_eq!(high_water(""), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_clock_of_a_thread_does_not_stand_still() {
        let times: Vec<f64> = (0..1000).filter_map(|_| thread_seconds()).collect();
        assert!(times.is_sorted() && times[999] > times[0] && times[999] - times[0] < 1.0);
        let distinct = times.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!(distinct > 500, "{distinct} of 999");
    }
}
