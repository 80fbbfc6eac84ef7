//! The floor plan: zones, tables, which tables may be pushed together, and what suits a party.

use crate::dice::Dice;
use uuid::Uuid;

/// A table's place in `Floor::tables`.
pub type TableIndex = usize;

pub struct Zone {
    pub id: Uuid,
    pub name: &'static str,
}

pub struct Table {
    pub id: Uuid,
    pub zone: usize,
    pub number: String,
    pub seats: i32,
    pub movable: bool,
    /// The next table of its row stands beside it.
    pub next_beside: bool,
}

pub struct Floor {
    pub restaurant: Uuid,
    pub zones: Vec<Zone>,
    pub tables: Vec<Table>,
}

/// Zone, letter of its tables, how many, seats each, how many stand in a row, movable.
const ZONES: [(&str, char, usize, i32, usize, bool); 5] = [
    ("Window", 'W', 10, 2, 10, true),
    ("Main room", 'M', 16, 4, 8, true),
    ("Garden", 'G', 10, 4, 5, true),
    ("Booths", 'B', 6, 6, 6, false),
    ("Terrace", 'T', 6, 2, 3, true),
];
const LONGEST_JOIN: usize = 3;

impl Floor {
    pub fn plan(dice: &mut Dice) -> Self {
        let mut floor = Self { restaurant: dice.uuid(), zones: Vec::new(), tables: Vec::new() };
        for (zone, (name, letter, count, seats, row, movable)) in ZONES.into_iter().enumerate() {
            floor.zones.push(Zone { id: dice.uuid(), name });
            for n in 0..count {
                floor.tables.push(Table {
                    id: dice.uuid(),
                    zone,
                    number: format!("{letter}{}", n + 1),
                    seats,
                    movable,
                    next_beside: movable && (n + 1) % row != 0 && n + 1 < count,
                });
            }
        }
        floor
    }

    pub fn seats(&self) -> i32 {
        self.tables.iter().map(|table| table.seats).sum()
    }

    pub fn ids(&self, tables: &[TableIndex]) -> Vec<Uuid> {
        tables.iter().map(|&table| self.tables[table].id).collect()
    }

    pub fn names(&self, tables: &[TableIndex]) -> String {
        tables.iter().map(|&t| self.tables[t].number.as_str()).collect::<Vec<_>>().join("+")
    }

    /// Pairs of tables that stand side by side.
    pub fn adjacent_pairs(&self) -> Vec<(Uuid, Uuid)> {
        self.tables.windows(2).filter(|w| w[0].next_beside).map(|w| (w[0].id, w[1].id)).collect()
    }

    /// Every set of tables that seats the party: single tables, then runs of joined ones; the tightest first, and in
    /// the order of the dice where they are alike.
    pub fn options(&self, party: i32, dice: &mut Dice) -> Vec<Vec<TableIndex>> {
        let mut options = Vec::new();
        for first in 0..self.tables.len() {
            let mut seats = 0;
            for last in first..(first + LONGEST_JOIN).min(self.tables.len()) {
                if last > first && !self.tables[last - 1].next_beside {
                    break;
                }
                seats += self.tables[last].seats;
                if seats >= party {
                    options.push((last - first, seats - party, (first..=last).collect::<Vec<_>>()));
                    break;
                }
            }
        }
        dice.shuffle(&mut options);
        options.sort_by_key(|&(joins, empty, _)| (joins, empty));
        options.into_iter().map(|(_, _, tables)| tables).collect()
    }

    /// Two movable tables of one zone with other tables between them.
    pub fn apart(&self, dice: &mut Dice) -> Vec<TableIndex> {
        let zone = dice.below(2);
        let row: Vec<_> = (0..self.tables.len()).filter(|&t| self.tables[t].zone == zone).collect();
        vec![row[0], row[3 + dice.below(row.len() - 3)]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor() -> Floor {
        Floor::plan(&mut Dice::new(1))
    }

    #[test]
    fn every_party_up_to_ten_finds_a_place() {
        let floor = floor();
        for party in 1..=10 {
            let options = floor.options(party, &mut Dice::new(2));
            assert!(options.len() >= 4, "party of {party}: {}", options.len());
            for option in &options {
                assert!(option.iter().map(|&t| floor.tables[t].seats).sum::<i32>() >= party);
            }
        }
    }

    #[test]
    fn joined_tables_are_movable_and_of_one_zone() {
        let floor = floor();
        for option in floor.options(10, &mut Dice::new(2)) {
            assert!(option.len() > 1);
            assert!(option.iter().all(|&t| floor.tables[t].movable));
            assert!(option.iter().all(|&t| floor.tables[t].zone == floor.tables[option[0]].zone));
        }
    }

    #[test]
    fn tables_apart_are_not_neighbours() {
        let floor = floor();
        let apart = floor.apart(&mut Dice::new(3));
        assert!(apart[1] - apart[0] > 2);
        assert_eq!(floor.tables[apart[0]].zone, floor.tables[apart[1]].zone);
    }
}
