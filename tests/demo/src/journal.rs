//! What one session saw. The sessions' journals are merged when the evening is over.

use crate::calls::{Refusal, Seat};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// The columns in which calls are counted.
#[derive(Clone, Copy)]
pub enum Call {
    Hold,
    Confirm,
    Other,
}

/// The code of an answer that was given before; not in the catalogue, since the call succeeded.
pub const REPLAYED: &str = "HF001 again";
pub const KILLED: &str = "57P01";

/// A mishap and what must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tale {
    AskTwice,
    DoubleClick,
    AnswerLost,
    KilledAndBack,
    KilledForGood,
    CancelledKey,
    HoldRunsOut,
    HandedOn,
    StrangersHold,
    PartyTooBig,
    TablesApart,
    KeyForOtherTables,
}

impl Tale {
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::AskTwice => ("asked twice with the same key", "the first answer again"),
            Self::DoubleClick => ("asked by two sessions at once, one key", "one effect, one answer"),
            Self::AnswerLost => ("answer lost on the way, asked again", "the lost answer"),
            Self::KilledAndBack => ("killed before COMMIT, asked again", "seated as if for the first time"),
            Self::KilledForGood => ("killed before COMMIT, never came back", "nothing left but a hold with a deadline"),
            Self::CancelledKey => ("cancelled, then the old key asked again", "refused, not confirmed again"),
            Self::HoldRunsOut => ("confirmed after the hold ran out", "refused"),
            Self::HandedOn => ("tables cancelled or not taken up in time", "free for the next in line"),
            Self::StrangersHold => ("confirmed with another booking's hold", "refused"),
            Self::PartyTooBig => ("party too big for the table", "refused"),
            Self::TablesApart => ("joined tables that stand apart", "refused"),
            Self::KeyForOtherTables => ("same key for other tables", "refused"),
        }
    }

    /// Whether it must end as promised every time: given back tables may go to somebody who is quicker.
    pub fn is_certain(self) -> bool {
        self != Self::HandedOn
    }
}

/// An answer that reached the guest.
pub struct Answer {
    pub booking: Uuid,
    pub key: String,
    pub seats: Vec<Seat>,
}

/// A transaction whose session was ended between the confirm and its COMMIT.
pub struct Kill {
    pub booking: Uuid,
    pub key: String,
    pub transaction_id: String,
    pub came_back: bool,
}

/// A request whose answer is known beforehand: the same again, or a refusal by a rule.
pub struct Expectation {
    pub booking: Uuid,
    pub request: &'static str,
    pub expected: &'static str,
    pub got: String,
}

/// The next in line for tables that were given back.
pub struct Heir {
    pub booking: Uuid,
    pub tables: Vec<Uuid>,
}

#[derive(Default)]
pub struct Latencies {
    pub confirms: Vec<Duration>,
    /// The first confirm of a session loads the library and plans its statements.
    pub first_confirms: Vec<Duration>,
    pub replays: Vec<Duration>,
}

#[derive(Default)]
pub struct Journal {
    pub outcomes: BTreeMap<String, [u64; 3]>,
    /// Told as promised, told at all.
    pub tales: BTreeMap<Tale, (u64, u64)>,
    pub latencies: Latencies,
    pub answers: Vec<Answer>,
    pub kills: Vec<Kill>,
    pub expectations: Vec<Expectation>,
    pub heirs: Vec<Heir>,
    pub seated: u64,
    pub turned_away: u64,
}

impl Journal {
    pub fn count(&mut self, call: Call, code: &str) {
        self.outcomes.entry(code.to_string()).or_default()[call as usize] += 1;
    }

    pub fn refused(&mut self, call: Call, refusal: &Refusal) {
        self.count(call, &refusal.code);
    }

    pub fn tale(&mut self, tale: Tale, as_promised: bool) {
        let told = self.tales.entry(tale).or_default();
        told.0 += u64::from(as_promised);
        told.1 += 1;
    }

    pub fn handed_on(&mut self, booking: Uuid, tables: Vec<Uuid>, granted: bool) {
        self.heirs.push(Heir { booking, tables });
        self.tale(Tale::HandedOn, granted);
    }

    pub fn merge(&mut self, other: Self) {
        for (code, counts) in other.outcomes {
            let sum = self.outcomes.entry(code).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        for (tale, (kept, told)) in other.tales {
            let sum = self.tales.entry(tale).or_default();
            *sum = (sum.0 + kept, sum.1 + told);
        }
        self.latencies.confirms.extend(other.latencies.confirms);
        self.latencies.first_confirms.extend(other.latencies.first_confirms);
        self.latencies.replays.extend(other.latencies.replays);
        self.answers.extend(other.answers);
        self.kills.extend(other.kills);
        self.expectations.extend(other.expectations);
        self.heirs.extend(other.heirs);
        self.seated += other.seated;
        self.turned_away += other.turned_away;
    }
}

/// The value that `percent` of the samples do not exceed (nearest rank). None without samples.
pub fn percentile(samples: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&samples, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&samples, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&samples[..1], 99), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn merged_journals_add_up() {
        let mut one = Journal::default();
        let mut two = Journal::default();
        one.count(Call::Hold, "HF003");
        two.count(Call::Hold, "HF003");
        two.count(Call::Confirm, "HF001");
        two.tale(Tale::AskTwice, false);
        one.tale(Tale::AskTwice, true);
        one.merge(two);
        assert_eq!(one.outcomes["HF003"], [2, 0, 0]);
        assert_eq!(one.outcomes["HF001"], [0, 1, 0]);
        assert_eq!(one.tales[&Tale::AskTwice], (1, 2));
    }
}
