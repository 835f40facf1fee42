//! The line that shows how far the reading of pictures is.

use super::bar;
use crate::data;
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::sync::Mutex;

/// The line, while there is one.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows from here on how far the reading of pictures is, if stderr is a terminal.
pub(super) fn shown() {
    if std::io::stderr().is_terminal() {
        data::show_progress(show);
    }
}

fn show(done: usize, of: usize) {
    let Ok(mut line) = LINE.lock() else { return };
    if done == of {
        line.take().iter().for_each(ProgressBar::finish_and_clear);
    } else {
        line.get_or_insert_with(|| bar::late(of, "reading pictures")).set_position(done as u64);
    }
}
