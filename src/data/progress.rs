//! How far the reading of many pictures is, for a program that shows it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is called with how many pictures are read, and of how many.
type Show = fn(done: usize, of: usize);

static SHOW: OnceLock<Show> = OnceLock::new();

/// Has `show` called after each picture that is read from now on, by the thread that has read it. The last call of a set has
/// as many pictures done as there are, also where reading ends early. Only the first call in a process has an effect.
pub fn show_progress(show: Show) {
    let _ = SHOW.set(show);
}

/// The pictures that are being read.
#[derive(Debug)]
pub(super) struct Progress {
    done: AtomicUsize,
    of: usize,
}

impl Progress {
    /// So many pictures are to be read.
    pub(super) fn new(of: usize) -> Self {
        Self { done: AtomicUsize::new(0), of }
    }

    /// One more picture is read.
    pub(super) fn one(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done < self.of {
            show(done, self.of);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        show(self.of, self.of);
    }
}

fn show(done: usize, of: usize) {
    if let Some(show) = SHOW.get() {
        show(done, of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    static TOLD: Mutex<Vec<(usize, usize)>> = Mutex::new(vec![]);

    /// Other tests of this process read pictures too, but never so many.
    const MANY: usize = 1_000_003;

    fn note(done: usize, of: usize) {
        if let (MANY, Ok(mut told)) = (of, TOLD.lock()) {
            told.push((done, of));
        }
    }

    #[test]
    fn each_picture_is_told_and_the_end_also_where_reading_stops() {
        show_progress(note);
        let progress = Progress::new(MANY);
        progress.one();
        progress.one();
        drop(progress);
        assert_eq!(TOLD.lock().ok().as_deref(), Some(&vec![(1, MANY), (2, MANY), (MANY, MANY)]));
    }
}
