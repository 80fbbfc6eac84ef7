//! The attempts of one transaction that are not counted yet, and what each comes to when the transaction, or a part
//! of it, ends: nothing goes unseen, also not what was rolled back (G10).

use crate::rules::booking::window::Instant;
use crate::rules::refusal::outcome::Outcome;

/// A part of a transaction: its subtransaction, by the server's number.
pub type Part = u32;

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
    part: Part,
    standing: TallyState,
}

/// What a session keeps between the beginning of its transaction and the end.
#[derive(Debug, Default)]
pub struct Tally {
    last: u64,
    open: Vec<Open>,
}

/// How much room a session keeps for its next transaction.
const KEPT: usize = 256;

impl Tally {
    #[must_use]
    pub const fn new() -> Tally {
        Tally { last: 0, open: Vec::new() }
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
        self.open.push(Open { ticket, label_set, part, standing: TallyState::Running });
        ticket
    }

    /// The attempt ended with an answer that no rollback changes. False: it is counted already.
    pub fn answered(&mut self, ticket: Ticket) -> bool {
        let found = self.find(ticket);
        found.is_some_and(|at| {
            self.open.remove(at);
            true
        })
    }

    /// The attempt ended well; it counts when the transaction commits.
    pub fn written(&mut self, ticket: Ticket, part: Part, written: Written) {
        if let Some(at) = self.find(ticket) {
            let open = &mut self.open[at];
            (open.part, open.standing) = (part, TallyState::Written(written));
        }
    }

    // Attempts end in the reverse order of their beginning, so the last is looked at first.
    fn find(&self, ticket: Ticket) -> Option<usize> {
        self.open.iter().rposition(|open| open.ticket == ticket)
    }

    /// What the part wrote now lives or dies with the one around it.
    pub fn part_committed(&mut self, part: Part, around: Part) {
        self.open.iter_mut().filter(|open| open.part == part).for_each(|open| open.part = around);
    }

    /// A savepoint was rolled back to, an exception was caught.
    pub fn part_aborted(&mut self, part: Part, mut count: impl FnMut(LabelSetNumber, Outcome)) {
        self.open.retain(|open| {
            let gone = open.part == part;
            if gone {
                count(open.label_set, undone(open.standing));
            }
            !gone
        });
    }

    pub fn aborted(&mut self, mut count: impl FnMut(LabelSetNumber, Outcome)) {
        self.drain().for_each(|open| count(open.label_set, undone(open.standing)));
    }

    /// The transaction committed, or was prepared. An attempt that never ended has failed all the same.
    pub fn committed(&mut self, mut count: impl FnMut(LabelSetNumber, Result<Written, Outcome>)) {
        self.drain().for_each(|open| match open.standing {
            TallyState::Written(written) => count(open.label_set, Ok(written)),
            TallyState::Running => count(open.label_set, Err(Outcome::Failed)),
        });
    }

    fn drain(&mut self) -> impl Iterator<Item = Open> {
        self.open.shrink_to(KEPT.max(self.open.len()));
        self.open.drain(..)
    }
}

/// What a rollback makes of it: one that was still running was ended by an error, or with its session.
fn undone(standing: TallyState) -> Outcome {
    match standing {
        TallyState::Running => Outcome::Failed,
        TallyState::Written(_) => Outcome::RolledBack,
    }
}
