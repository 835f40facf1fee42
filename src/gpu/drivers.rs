//! What drivers print to stderr while adapters are looked for and opened: window libraries, for example, complain there of
//! a missing `XDG_RUNTIME_DIR`, which no computation needs.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether [`quiet_drivers`] was called.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From here on, what drivers print to stderr while adapters are looked for or opened is shown only where no adapter is
/// found or the opening fails; at most 16 KiB of it, or what else a pipe of this system holds.
///
/// File descriptor 2 of the whole process leads elsewhere during that time, so this is for programs that own their stderr.
/// Rust code of other threads that prints there waits until it is over. It has no effect on systems other than Unix.
pub fn quiet_drivers() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Does work that calls drivers. What they printed is shown afterwards if the work failed.
pub(super) fn quietly<T>(work: impl FnOnce() -> T, failed: impl FnOnce(&T) -> bool) -> T {
    #[cfg(unix)]
    if QUIET.load(Ordering::Relaxed)
        && let Ok(redirected) = redirected::Redirected::new()
    {
        let done = work();
        let show = failed(&done);
        redirected.end(show);
        return done;
    }
    let _ = failed;
    work()
}

#[cfg(unix)]
mod redirected {
    use std::io::{self, PipeReader, Read, StderrLock, Write};
    use std::os::fd::{AsFd, OwnedFd};

    /// Stderr that leads into a pipe, until it is dropped.
    pub(super) struct Redirected {
        /// Where stderr led before.
        own: OwnedFd,
        printed: PipeReader,
        show: bool,
        /// Other threads of Rust code wait here for stderr.
        lock: StderrLock<'static>,
    }

    impl Redirected {
        pub(super) fn new() -> io::Result<Self> {
            let lock = io::stderr().lock();
            let own = lock.as_fd().try_clone_to_owned()?;
            let (printed, into) = io::pipe()?;
            // Whoever prints more than the pipe holds loses the rest, and does not wait for a reader.
            rustix::io::ioctl_fionbio(&into, true)?;
            rustix::io::ioctl_fionbio(&printed, true)?;
            rustix::stdio::dup2_stderr(&into)?;
            // A panic of the work is shown.
            Ok(Self { own, printed, show: true, lock })
        }

        pub(super) fn end(mut self, show: bool) {
            self.show = show;
        }
    }

    impl Drop for Redirected {
        fn drop(&mut self) {
            // Without stderr there is nobody to be told of this.
            let _ = rustix::stdio::dup2_stderr(&self.own);
            let mut text = vec![];
            // The end is an error where the driver left a process of its own that holds the pipe.
            let _ = self.printed.read_to_end(&mut text);
            if self.show {
                let _ = self.lock.write_all(&text);
            }
        }
    }
}

/// What a driver or wgpu says, in one line: wgpu heads every complaint by its kind and puts the causes below.
pub(super) fn reason(error: &impl ToString) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !["", "Caused by:", "Validation Error"].contains(line));
    lines.collect::<Vec<_>>().join(": ")
}
