//! What is counted of calls: the numbers, the times, and the file that keeps them over a restart.

pub mod counter;
pub mod histogram;
pub mod lock_wait;
pub mod phase_times;
pub mod saved;

use crate::rules::attempt::function::{Function, Path};
use crate::rules::refusal::outcome::{CATALOGUE, Outcome};
use counter::{COUNTERS, Counter};
use histogram::Histogram;
use phase_times::TIMED;

/// Under what an attempt is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Its number; 0 with the schema's where the table of label sets had no room for it.
    pub database: u32,
    pub schema: u32,
    /// The schema's name when it was last called.
    pub schema_name: String,
    pub function: Function,
    pub path: Path,
}

/// What was counted: started = the outcomes + in flight + prepared, whenever nothing moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    pub started: u64,
    pub in_flight: u64,
    pub prepared: u64,
    pub counters: [u64; COUNTERS.len()],
    pub outcomes: [u64; CATALOGUE.len()],
    pub times: [Histogram; TIMED.len()],
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            started: 0,
            in_flight: 0,
            prepared: 0,
            counters: [0; COUNTERS.len()],
            outcomes: [0; CATALOGUE.len()],
            times: [Histogram::default(); TIMED.len()],
        }
    }
}

impl Counts {
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    #[must_use]
    pub fn counted(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }

    pub fn add(&mut self, other: &Counts) {
        self.started += other.started;
        self.in_flight += other.in_flight;
        self.prepared += other.prepared;
        self.counters.iter_mut().zip(other.counters).for_each(|(into, number)| *into += number);
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(into, number)| *into += number);
        self.times.iter_mut().zip(&other.times).for_each(|(into, times)| into.add_all(times));
    }
}
