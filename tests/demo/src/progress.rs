//! What is going on while it goes on: one line that is written over on a terminal, else a line now and then.

use crate::guest::Fate;
use crate::ink::{Ink, Tone};
use std::io::{Write, stdout};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const BAR: usize = 30;

/// Counters that the sessions raise and the progress line reads.
pub struct Board {
    total: u64,
    seated: AtomicU64,
    taken: AtomicU64,
    gone: AtomicU64,
    over: AtomicBool,
}

impl Board {
    pub fn new(total: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self { total: total as u64, seated: zero(), taken: zero(), gone: zero(), over: AtomicBool::new(false) }
    }

    pub fn served(&self, fate: Fate) {
        match fate {
            Fate::Seated => &self.seated,
            Fate::Taken => &self.taken,
            Fate::Gone => &self.gone,
        }
        .fetch_add(1, Relaxed);
    }

    pub fn close(&self) {
        self.over.store(true, Relaxed);
    }

    fn done(&self) -> u64 {
        (self.seated.load(Relaxed) + self.taken.load(Relaxed) + self.gone.load(Relaxed)).min(self.total)
    }

    fn line(&self, ink: Ink) -> String {
        let done = self.done();
        let steps = (done as usize * BAR) / (self.total.max(1) as usize);
        let bar = format!(
            "{}{}",
            ink.glyph("█", "#").repeat(steps),
            ink.paint(Tone::Dim, &ink.glyph("░", ".").repeat(BAR - steps))
        );
        format!(
            " {bar} {done:>3} of {} guests: {} seated, {} found no table",
            self.total,
            self.seated.load(Relaxed),
            self.taken.load(Relaxed),
        )
    }

    /// Shows the progress until the board is closed.
    pub fn show(&self, ink: Ink) {
        let mut shown = 0;
        loop {
            let over = self.over.load(Relaxed);
            let quarter = if over { 4 } else { self.done() * 4 / self.total.max(1) };
            if ink.terminal {
                print!("\r\x1b[2K{}", self.line(ink));
                let _ = stdout().flush();
            } else if quarter > shown {
                shown = quarter;
                println!("{}", self.line(ink));
            }
            if over {
                break;
            }
            thread::sleep(Duration::from_millis(40));
        }
        if ink.terminal {
            println!();
        }
    }
}

/// Says what is being done before it is done.
pub fn say(ink: Ink, text: &str) {
    println!(" {}", ink.paint(Tone::Dim, text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ink::{PLAIN, WIDTH};

    #[test]
    fn the_line_counts_and_fits() {
        let board = Board::new(4);
        board.served(Fate::Seated);
        board.served(Fate::Taken);
        let line = board.line(PLAIN);
        assert!(line.contains("###############..............."), "{line}");
        assert!(line.contains("2 of 4 guests: 1 seated, 1 found no table"), "{line}");
        assert!(line.len() <= WIDTH);
    }
}
