//! Whose turn it is: the queue that the sessions serve together.

use crate::floor::TableIndex;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

pub struct Turn {
    pub booking: usize,
    /// Tables that were just left by somebody, to be tried before the booking's own wishes.
    pub first_wish: Option<Vec<TableIndex>>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Turn>,
    being_served: usize,
}

#[derive(Default)]
pub struct Turns {
    line: Mutex<Line>,
    changed: Condvar,
}

impl Turns {
    pub fn new(bookings: &[usize]) -> Self {
        let turns = Self::default();
        turns.line().waiting = bookings.iter().map(|&booking| Turn { booking, first_wish: None }).collect();
        turns
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().expect("a session panicked")
    }

    /// The next turn; waits while somebody is served who may still bring an heir. None: the evening is over.
    pub fn next(&self) -> Option<Serving<'_>> {
        let mut line = self.line();
        loop {
            if let Some(turn) = line.waiting.pop_front() {
                line.being_served += 1;
                return Some(Serving { turns: self, turn, heir: None });
            }
            if line.being_served == 0 {
                return None;
            }
            line = self.changed.wait(line).expect("a session panicked");
        }
    }
}

/// A turn being served; when it is dropped, the turn is over and the heir comes next.
pub struct Serving<'a> {
    turns: &'a Turns,
    pub turn: Turn,
    pub heir: Option<Turn>,
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut line = self.turns.line();
        line.being_served -= 1;
        if let Some(heir) = self.heir.take() {
            line.waiting.push_front(heir);
        }
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_heir_is_served_after_the_last_in_line() {
        let turns = Turns::new(&[4]);
        let mut serving = turns.next().expect("one waits");
        assert_eq!(serving.turn.booking, 4);
        serving.heir = Some(Turn { booking: 9, first_wish: Some(vec![1]) });
        drop(serving);
        assert_eq!(turns.next().expect("the heir").turn.booking, 9);
        assert!(turns.next().is_none());
    }
}
