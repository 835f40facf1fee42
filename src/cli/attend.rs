//! What is told of a device while it works, and the folder in which is kept what it hands over.

use super::bar;
use super::say::note;
use crate::device::Cache;
use crate::error::Error;
use crate::gpu::Attendant;
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

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
            bar.get_or_insert_with(|| bar::late(of, "compiling kernels for this driver")).set_position(done as u64);
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
