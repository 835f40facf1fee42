//! The line at the bottom of the terminal that shows how far something is.

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Work that takes no longer is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// How often a line of work that may end soon is drawn.
const TICK: Duration = Duration::from_millis(200);

/// Columns that stay free at the right for the `^C` that a terminal shows: on a full line it would go on to the next one, and
/// the line that is left behind would never be erased.
const FREE: u16 = 4;

/// How often a line is drawn in a second.
const RATE: u8 = 20;

/// Where such a line is drawn.
pub(super) fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Narrow(Term::stderr())), RATE)
}

/// A line that says how much of some work is done, once the work has taken so long that it is worth a line. It is never drawn where
/// stderr is no terminal.
pub(super) fn late(of: usize, what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(of as u64), target());
    let late = move |state: &ProgressState, out: &mut dyn Write| {
        if state.elapsed() >= WORTH_A_LINE {
            let (done, of) = (state.pos(), state.len().unwrap_or_default());
            // A line that cannot be drawn is not worth a failure.
            let _ = write!(out, "{what}: {done} of {of}, {} s", state.elapsed().as_secs());
        }
    };
    if let Ok(style) = ProgressStyle::with_template("{late}") {
        bar.set_style(style.with_key("late", late));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// A terminal without its last columns.
#[derive(Debug)]
struct Narrow<T>(T);

impl<T: TermLike> TermLike for Narrow<T> {
    fn width(&self) -> u16 {
        self.0.width().saturating_sub(FREE).max(1)
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A terminal of 40 columns that keeps how far each line has gone.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<(usize, usize)>>);

    impl Paper {
        fn put(&self, text: &str) {
            if let Ok(mut place) = self.0.lock() {
                place.0 += text.chars().count();
                place.1 = place.1.max(place.0);
            }
        }

        fn home(&self) {
            if let Ok(mut place) = self.0.lock() {
                place.0 = 0;
            }
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            40
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.put(text);
            self.home();
            Ok(())
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.put(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.home();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn there_is_room_for_what_a_terminal_shows_of_ctrl_c() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(Narrow(paper.clone())));
        let bar = ProgressBar::with_draw_target(Some(10), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:10} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message("a message that is longer than the terminal is wide");
        bar.tick();
        let widest = paper.0.lock().map_or(0, |place| place.1);
        assert_eq!(widest, 40 - usize::from(FREE));
        bar.finish_and_clear();
    }
}
