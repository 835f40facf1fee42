//! What is told of a device while it works, and the folder in which is kept what it hands over.

use super::bar;
use super::say::note;
use crate::device::Cache;
use crate::error::Error;
use crate::gpu::Attendant;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Compiling that takes no longer is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// How often the line is drawn.
const TICK: Duration = Duration::from_millis(200);

/// Attends a device for the one who typed a command.
pub(super) struct Attending {
    cache: Cache,
    /// Whether there is a line that shows how far compiling is.
    shows: AtomicBool,
    bar: Mutex<Option<ProgressBar>>,
    /// Whether it was said that something cannot be kept.
    said: AtomicBool,
}

impl Attending {
    /// With a line for what takes long, on a terminal, if `shows`.
    pub(super) fn new(shows: bool) -> Arc<Self> {
        let shows = AtomicBool::new(shows && std::io::stderr().is_terminal());
        Arc::new(Self { cache: Cache::of_user(), shows, bar: Mutex::new(None), said: AtomicBool::new(false) })
    }

    /// Shows nothing from here on: another line is drawn there.
    pub(super) fn hush(&self) {
        self.shows.store(false, Ordering::Relaxed);
    }

    /// Says once that the folder is of no use.
    fn say(&self, error: &Error) {
        if !self.said.swap(true, Ordering::Relaxed) {
            note!("{error}; so nothing is kept for the next run (WGRAD_CACHE names another folder, or is off)");
        }
    }
}

impl Attendant for Attending {
    fn compiling(&self, done: usize, of: usize) {
        let Ok(mut bar) = self.bar.lock() else { return };
        if done == of {
            bar.take().iter().for_each(ProgressBar::finish_and_clear);
        } else if self.shows.load(Ordering::Relaxed) {
            bar.get_or_insert_with(|| line(of)).set_position(done as u64);
        }
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.cache.read(name).unwrap_or_else(|error| {
            self.say(&error);
            None
        })
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        if let Err(error) = self.cache.write(name, bytes) {
            self.say(&error);
        }
    }

    fn note(&self, text: &str) {
        note!("{text}");
    }
}

/// A line that is empty at first.
fn line(of: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(of as u64), bar::target());
    let late = |state: &ProgressState, out: &mut dyn Write| {
        if state.elapsed() >= WORTH_A_LINE {
            let (done, of) = (state.pos(), state.len().unwrap_or_default());
            // A line that cannot be drawn is not worth a failure.
            let _ = write!(out, "compiling kernels for this driver: {done} of {of}, {} s", state.elapsed().as_secs());
        }
    };
    if let Ok(style) = ProgressStyle::with_template("{late}") {
        bar.set_style(style.with_key("late", late));
    }
    bar.enable_steady_tick(TICK);
    bar
}
