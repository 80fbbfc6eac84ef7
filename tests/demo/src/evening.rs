//! The plan of one evening: who comes when, which tables they would like, and what befalls them.

use crate::dice::Dice;
use crate::floor::{Floor, TableIndex};
use uuid::Uuid;

/// Quarter hours from 17:00 to 23:00.
pub const QUARTERS: usize = 24;
const BOOKINGS: usize = 240;
const RUSHES: usize = 8;
const GUESTS_PER_RUSH: usize = 5;
const WISHES: usize = 6;
const LATE_WISHES: usize = 3;
/// Sets of tables that the planner considers.
const CHOICE: usize = 40;
/// Times that a guest would accept.
const ARRIVALS: usize = 12;
/// Larger than any single table seats.
const LARGE_PARTY: i32 = 7;
/// Any two tables seat it.
const SMALL_PARTY: i32 = 4;

/// What befalls a booking. Each variant is played by a function of `guest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Hold, then confirm the hold.
    ByHold,
    /// Hold, then confirm by naming the tables.
    ByTables,
    /// Confirm the tables without holding them first.
    WithoutHold,
    AskTwice,
    DoubleClick,
    AnswerLost,
    KilledAndBack,
    KilledForGood,
    /// The guest dawdles; `heir` gets the tables.
    HoldRunsOut {
        heir: usize,
    },
    StrangersHold,
    PartyTooBig,
    TablesApart,
    KeyForOtherTables,
    /// Seated, then cancelled; `heir` gets the tables.
    Cancel {
        heir: usize,
    },
    /// Waits for another guest's tables.
    Heir,
}

pub struct Booking {
    pub id: Uuid,
    pub guest: String,
    pub party: i32,
    pub start_quarter: usize,
    pub quarters: usize,
    /// Sets of tables, tried one after the other.
    pub wishes: Vec<Vec<TableIndex>>,
    pub story: Story,
}

pub struct Evening {
    pub seed: u64,
    pub floor: Floor,
    pub bookings: Vec<Booking>,
    /// Bookings in the order in which they are served; heirs come when their turn has come.
    pub queue: Vec<usize>,
    /// Two tables with others between them, for the guest who wants those.
    pub tables_apart: Vec<TableIndex>,
    /// A booking that never gets a table and misuses the holds of others.
    pub stranger: usize,
}

/// How many guests live through which mishap; everybody else comes, holds and confirms.
const CAST: [(Story, usize); 11] = [
    (Story::AskTwice, 24),
    (Story::DoubleClick, 12),
    (Story::AnswerLost, 16),
    (Story::KilledAndBack, 10),
    (Story::KilledForGood, 3),
    (Story::HoldRunsOut { heir: 0 }, 3),
    (Story::StrangersHold, 4),
    (Story::PartyTooBig, 4),
    (Story::TablesApart, 3),
    (Story::KeyForOtherTables, 4),
    (Story::Cancel { heir: 0 }, 16),
];

impl Evening {
    pub fn plan(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let floor = Floor::plan(&mut dice);
        let tables_apart = floor.apart(&mut dice);
        let mut book = Book { taken: vec![[false; QUARTERS]; floor.tables.len()], floor: &floor };
        let mut bookings = Vec::new();
        // Guests for whom nothing is free call late, after everybody else.
        let mut turns: Vec<(bool, Vec<usize>)> = Vec::new();
        for _ in 0..RUSHES {
            turns.push((false, book.rush(&mut dice, &mut bookings)));
        }
        let mut placed = Vec::new();
        while bookings.len() < BOOKINGS {
            let (booking, found) = book.booking(&mut dice);
            turns.push((!found, vec![bookings.len()]));
            if found {
                placed.push(bookings.len());
            }
            bookings.push(booking);
        }
        dice.shuffle(&mut placed);
        cast(&mut dice, &mut bookings, &mut placed);
        let stranger = bookings.len();
        bookings.push(Booking { story: Story::Heir, wishes: Vec::new(), ..copy(&bookings[0], &mut dice) });
        dice.shuffle(&mut turns);
        turns.sort_by_key(|&(late, _)| late);
        let queue = turns.into_iter().flat_map(|(_, bookings)| bookings).collect();
        Self { seed, bookings, queue, tables_apart, stranger, floor }
    }
}

/// Hands out the stories; a guest whose tables go to somebody gets that heir.
fn cast(dice: &mut Dice, bookings: &mut Vec<Booking>, placed: &mut Vec<usize>) {
    for (story, count) in CAST {
        for _ in 0..count {
            let fits = |&b: &usize| match story {
                Story::PartyTooBig => bookings[b].party >= LARGE_PARTY,
                Story::TablesApart => bookings[b].party <= SMALL_PARTY,
                _ => true,
            };
            let Some(found) = placed.iter().position(fits) else { break };
            let booking = placed.swap_remove(found);
            let heir = bookings.len();
            bookings[booking].story = match story {
                Story::HoldRunsOut { .. } => Story::HoldRunsOut { heir },
                Story::Cancel { .. } => Story::Cancel { heir },
                other => other,
            };
            if matches!(story, Story::HoldRunsOut { .. } | Story::Cancel { .. }) {
                let waiting = Booking { story: Story::Heir, ..copy(&bookings[booking], dice) };
                bookings.push(waiting);
            }
        }
    }
}

/// Another guest with the same party, hour and wishes.
fn copy(booking: &Booking, dice: &mut Dice) -> Booking {
    Booking { id: dice.uuid(), guest: guest(dice), wishes: booking.wishes.clone(), ..*booking }
}

/// What the planner thinks is still free; the sessions know nothing of it.
struct Book<'a> {
    floor: &'a Floor,
    taken: Vec<[bool; QUARTERS]>,
}

impl Book<'_> {
    fn booking(&mut self, dice: &mut Dice) -> (Booking, bool) {
        let party = party(dice);
        let quarters = stay(dice, party);
        let mut start_quarter = arrival(dice, quarters);
        let mut options = self.floor.options(party, dice);
        options.truncate(CHOICE);
        let mut first = None;
        for attempt in 0..ARRIVALS {
            first = options.iter().position(|tables| self.free(tables, start_quarter, quarters));
            if first.is_some() {
                break;
            }
            // Who finds nothing at a usual hour asks for any hour.
            let usual = attempt < ARRIVALS / 2;
            start_quarter = if usual { arrival(dice, quarters) } else { dice.below(QUARTERS - quarters + 1) };
        }
        if let Some(found) = first {
            options[..=found].rotate_right(1);
            self.take(&options[0], start_quarter, quarters);
        }
        options.truncate(if first.is_some() { WISHES } else { LATE_WISHES });
        let story = *dice.pick(&[Story::ByHold, Story::ByHold, Story::ByTables, Story::WithoutHold]);
        let booking =
            Booking { id: dice.uuid(), guest: guest(dice), party, start_quarter, quarters, wishes: options, story };
        (booking, first.is_some())
    }

    /// Several guests who want the same tables at the same time. They are served together.
    fn rush(&mut self, dice: &mut Dice, bookings: &mut Vec<Booking>) -> Vec<usize> {
        let (mut wanted, mut found) = self.booking(dice);
        while !found {
            (wanted, found) = self.booking(dice);
        }
        let first = bookings.len();
        for n in 0..GUESTS_PER_RUSH {
            let story = [Story::WithoutHold, Story::WithoutHold, Story::ByHold, Story::ByTables][n % 4];
            bookings.push(Booking { story, ..copy(&wanted, dice) });
        }
        (first..bookings.len()).collect()
    }

    fn free(&self, tables: &[TableIndex], start: usize, quarters: usize) -> bool {
        tables.iter().all(|&table| !self.taken[table][start..start + quarters].contains(&true))
    }

    fn take(&mut self, tables: &[TableIndex], start: usize, quarters: usize) {
        for &table in tables {
            self.taken[table][start..start + quarters].fill(true);
        }
    }
}

fn party(dice: &mut Dice) -> i32 {
    *dice.pick(&[1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10])
}

/// The larger the party, the longer it stays.
fn stay(dice: &mut Dice, party: i32) -> usize {
    let least = match party {
        ..=2 => 3,
        3..=4 => 4,
        5..=6 => 5,
        _ => 6,
    };
    least + dice.below(2)
}

/// Most arrive in the middle of the evening.
fn arrival(dice: &mut Dice, quarters: usize) -> usize {
    let last = QUARTERS - quarters;
    (dice.below(last + 1) + dice.below(last + 1)) / 2
}

fn guest(dice: &mut Dice) -> String {
    const FIRST: [&str; 24] = [
        "Ada", "Ben", "Carla", "Dino", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca", "Mona",
        "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sami", "Tove", "Uma", "Vera", "Wim", "Yara",
    ];
    const LAST: [&str; 24] = [
        "Adler", "Berg", "Costa", "Dahl", "Engel", "Faber", "Gruber", "Haas", "Ivers", "Jung", "Klein", "Lang",
        "Moreau", "Novak", "Ortiz", "Peters", "Quist", "Rossi", "Sand", "Thoma", "Ulmer", "Vogel", "Weiss", "Zorn",
    ];
    format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_is_an_evening() {
        let (one, two) = (Evening::plan(5), Evening::plan(5));
        assert!(one.bookings.iter().zip(&two.bookings).all(|(a, b)| a.id == b.id && a.wishes == b.wishes));
        assert_eq!(one.queue, two.queue);
    }

    #[test]
    fn stays_end_by_closing_time() {
        for booking in Evening::plan(5).bookings {
            assert!(booking.start_quarter + booking.quarters <= QUARTERS);
            assert!((1..=10).contains(&booking.party));
        }
    }

    #[test]
    fn every_story_is_cast() {
        let evening = Evening::plan(5);
        for (story, count) in CAST {
            let same = |b: &&Booking| std::mem::discriminant(&b.story) == std::mem::discriminant(&story);
            assert_eq!(evening.bookings.iter().filter(same).count(), count, "{story:?}");
        }
    }

    #[test]
    fn the_queue_names_each_booking_once_and_no_heir() {
        let evening = Evening::plan(5);
        let queued: HashSet<_> = evening.queue.iter().collect();
        assert_eq!(queued.len(), evening.queue.len());
        assert!(queued.iter().all(|&&b| evening.bookings[b].story != Story::Heir));
    }
}
