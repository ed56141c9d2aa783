//! One line on standard error that says how far it is. Nothing when that is not a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// See the module.
pub struct Progress {
    shown: bool,
    last: Option<Instant>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { shown: std::io::stderr().is_terminal(), last: None }
    }
}

impl Progress {
    /// `done` of `total`, at most five times a second (and always at the end).
    pub fn show(&mut self, label: &str, done: usize, total: usize, note: &str) {
        let soon = self.last.is_some_and(|last| last.elapsed() < Duration::from_millis(200));
        if !self.shown || (soon && done < total) {
            return;
        }
        self.last = Some(Instant::now());
        let filled = 30 * done.min(total) / total.max(1);
        let bar: String = (0..30).map(|i| if i < filled { '#' } else { '.' }).collect();
        let _ = write!(std::io::stderr(), "\r\x1b[K{label} [{bar}] {done}/{total} {note}");
        let _ = std::io::stderr().flush();
    }

    /// Leaves the line.
    pub fn done(&mut self) {
        if self.shown && self.last.take().is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}
