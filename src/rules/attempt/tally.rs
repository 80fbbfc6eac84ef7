//! The attempts of one transaction that are not counted yet, and what each comes to when the transaction, or a part
//! of it, ends: nothing goes unseen, also not what was rolled back (G10).

use crate::rules::attempt::by_part::{ByPart, Part};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::Outcome;

/// A label set, by its place in the table.
pub type LabelSetNumber = u32;

/// An attempt, by the number that its session gave it; zero is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticket(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TallyState {
    Running,
    /// It ended well, and what it wrote lives or dies with its part of the transaction.
    Written(Written),
}

/// What an attempt wrote comes to if its transaction commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub outcome: Outcome,
    /// When the caller stops waiting for it; None for as long as it takes.
    pub deadline: Option<Instant>,
}

impl Written {
    /// Had it happened by its deadline? None: it had none.
    #[must_use]
    pub fn in_time(&self, at: Instant) -> Option<bool> {
        self.deadline.map(|deadline| at <= deadline)
    }
}

#[derive(Debug, Clone, Copy)]
struct Open {
    ticket: Ticket,
    /// Under what it is counted.
    label_set: LabelSetNumber,
    standing: TallyState,
}

/// What a session keeps between the beginning of its transaction and the end.
#[derive(Debug, Default)]
pub struct Tally {
    last: u64,
    open: ByPart<Open>,
}

impl Tally {
    #[must_use]
    pub const fn new() -> Tally {
        Tally { last: 0, open: ByPart::new() }
    }

    /// How many attempts end with the transaction.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub fn begin(&mut self, part: Part, label_set: LabelSetNumber) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.open.push(part, Open { ticket, label_set, standing: TallyState::Running });
        ticket
    }

    /// The attempt ended with an answer that no rollback changes. False: it is counted already.
    pub fn answered(&mut self, ticket: Ticket) -> bool {
        self.take(ticket).is_some()
    }

    /// The attempt ended well; it counts when the transaction commits.
    pub fn written(&mut self, ticket: Ticket, part: Part, written: Written) {
        if let Some(open) = self.take(ticket) {
            self.open.push(part, Open { standing: TallyState::Written(written), ..open });
        }
    }

    // Attempts end in the reverse order of their beginning, so the last is looked at first.
    fn take(&mut self, ticket: Ticket) -> Option<Open> {
        self.open.take(|open| open.ticket == ticket)
    }

    /// What the part wrote now lives or dies with the one around it.
    pub fn part_committed(&mut self, part: Part, around: Part) {
        self.open.part_committed(part, around);
    }

    /// A savepoint was rolled back to, an exception was caught.
    pub fn part_aborted(&mut self, part: Part, mut count: impl FnMut(LabelSetNumber, Outcome)) {
        self.open.part_aborted(part).for_each(|open| count(open.label_set, undone(open.standing)));
    }

    pub fn aborted(&mut self, mut count: impl FnMut(LabelSetNumber, Outcome)) {
        self.open.drain().for_each(|open| count(open.label_set, undone(open.standing)));
    }

    /// The transaction committed, or was prepared. An attempt that never ended has failed all the same.
    pub fn committed(&mut self, mut count: impl FnMut(LabelSetNumber, Result<Written, Outcome>)) {
        self.open.drain().for_each(|open| match open.standing {
            TallyState::Written(written) => count(open.label_set, Ok(written)),
            TallyState::Running => count(open.label_set, Err(Outcome::Failed)),
        });
    }
}

/// What a rollback makes of it: one that was still running was ended by an error, or with its session.
fn undone(standing: TallyState) -> Outcome {
    match standing {
        TallyState::Running => Outcome::Failed,
        TallyState::Written(_) => Outcome::RolledBack,
    }
}
