//! What lives or dies with a part of a transaction.

/// A part of a transaction: its subtransaction, by the server's number.
pub type Part = u32;

/// Things in the order in which they came, each with its part. A part begins after the one around it and ends before that one,
/// so the numbers never fall along the list: what belongs to the part that ends is at its end, and no more is looked at.
#[derive(Debug)]
pub struct ByPart<T>(Vec<(Part, T)>);

/// How much room is kept for the next transaction.
const KEPT: usize = 256;

impl<T> Default for ByPart<T> {
    fn default() -> ByPart<T> {
        ByPart::new()
    }
}

impl<T> ByPart<T> {
    #[must_use]
    pub const fn new() -> ByPart<T> {
        ByPart(Vec::new())
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It belongs to the part that runs now.
    pub fn push(&mut self, part: Part, thing: T) {
        self.0.push((part, thing));
    }

    /// Takes out the last that is meant.
    pub fn take(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.0.iter().rposition(|(_, thing)| is_meant(thing))?;
        Some(self.0.remove(at).1)
    }

    /// Those that came first leave it.
    pub fn forget_first(&mut self, number: usize) {
        self.0.drain(..number.min(self.0.len()));
    }

    /// What belonged to the part now lives or dies with the one around it.
    pub fn part_committed(&mut self, part: Part, around: Part) {
        let own = self.0.iter_mut().rev().take_while(|(of, _)| *of >= part);
        own.for_each(|(of, _)| *of = around);
    }

    /// The part was rolled back: hands out what belonged to it.
    pub fn part_aborted(&mut self, part: Part) -> impl Iterator<Item = T> {
        let others = self.0.iter().rposition(|(of, _)| *of < part).map_or(0, |at| at + 1);
        self.0.drain(others..).map(|(_, thing)| thing)
    }

    /// The transaction ended: hands out everything.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.0.shrink_to(KEPT.max(self.0.len()));
        self.0.drain(..).map(|(_, thing)| thing)
    }
}
