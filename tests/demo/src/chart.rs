//! The floor by time: a row a table, three columns a quarter hour. Pure: rows and stays in, text out.

use crate::evening::QUARTERS;
use crate::ink::{Ink, Tone};

const CELLS_PER_QUARTER: usize = 3;
const CELLS: usize = QUARTERS * CELLS_PER_QUARTER;
const OPENING_HOUR: usize = 17;

pub struct Row {
    pub zone: String,
    pub table: String,
    pub seats: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Single,
    Joined,
    /// Held, not confirmed.
    Held,
}

pub struct Stay {
    pub table: String,
    pub start_quarter: usize,
    pub quarters: usize,
    pub label: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Free,
    Taken(Kind, char),
    Twice,
}

pub fn draw(ink: Ink, rows: &[Row], stays: &[Stay]) -> String {
    let mut text = String::new();
    let mut zone = "";
    for row in rows {
        if row.zone != zone {
            zone = &row.zone;
            text.push_str(&axis(ink, zone));
        }
        let cells = lay(ink, stays.iter().filter(|stay| stay.table == row.table));
        text.push_str(&line(ink, row, &cells));
    }
    text.push_str(&legend(ink, stays));
    text
}

/// The hours, with the zone's name in front.
fn axis(ink: Ink, zone: &str) -> String {
    let hours: String = (0..QUARTERS / 4)
        .map(|hour| format!("{:<width$}", format!("{}:00", OPENING_HOUR + hour), width = 4 * CELLS_PER_QUARTER))
        .collect();
    format!("{} {}\n", ink.paint(Tone::Bold, &format!(" {zone:<13}")), ink.paint(Tone::Dim, &format!("{hours}  used")))
}

/// The stays of one table; where two of them meet, both are gone and the clash is left.
fn lay<'a>(ink: Ink, stays: impl Iterator<Item = &'a Stay>) -> Vec<Cell> {
    let mut cells = vec![Cell::Free; CELLS];
    for stay in stays {
        let start = (stay.start_quarter * CELLS_PER_QUARTER).min(CELLS);
        let end = ((stay.start_quarter + stay.quarters) * CELLS_PER_QUARTER).min(CELLS);
        for (cell, mark) in cells[start..end].iter_mut().zip(marks(ink, stay, end - start)) {
            *cell = if *cell == Cell::Free { Cell::Taken(stay.kind, mark) } else { Cell::Twice };
        }
    }
    cells
}

/// A bar with an opening, the label, a filling and an end.
fn marks(ink: Ink, stay: &Stay, width: usize) -> Vec<char> {
    let (open, fill, close) = match stay.kind {
        Kind::Single => (ink.glyph("├", "["), ink.glyph("─", "-"), ink.glyph("┤", "]")),
        Kind::Joined => (ink.glyph("╞", "{"), ink.glyph("═", "="), ink.glyph("╡", "}")),
        Kind::Held => (ink.glyph("┊", "("), ink.glyph("┈", "."), ink.glyph("┊", ")")),
    };
    let inner = width.saturating_sub(2);
    let label: String = stay.label.chars().take(inner).collect();
    let filling = fill.repeat(inner - label.chars().count());
    format!("{open}{label}{filling}{close}").chars().take(width).collect()
}

fn line(ink: Ink, row: &Row, cells: &[Cell]) -> String {
    let name = format!(" {:>4}", row.table);
    let seats = format!(" {:>2} seats ", row.seats);
    let used = cells.iter().filter(|cell| !matches!(cell, Cell::Free | Cell::Taken(Kind::Held, _))).count();
    let used = format!(" {:>3} %", used * 100 / CELLS);
    let mut text = format!("{name}{}", ink.paint(Tone::Dim, &seats));
    for run in runs(ink, cells) {
        text.push_str(&run);
    }
    text.push_str(&ink.paint(Tone::Dim, &used));
    text.push('\n');
    text
}

/// Neighbouring cells of one kind, painted in one go.
fn runs(ink: Ink, cells: &[Cell]) -> Vec<String> {
    let drawn: Vec<_> = cells.iter().enumerate().map(|(at, &cell)| look(ink, at, cell)).collect();
    let same = |a: &(Tone, char), b: &(Tone, char)| std::mem::discriminant(&a.0) == std::mem::discriminant(&b.0);
    drawn.chunk_by(same).map(|run| ink.paint(run[0].0, &run.iter().map(|cell| cell.1).collect::<String>())).collect()
}

fn look(ink: Ink, at: usize, cell: Cell) -> (Tone, char) {
    let on_the_hour = at.is_multiple_of(4 * CELLS_PER_QUARTER);
    match cell {
        Cell::Free if on_the_hour => (Tone::Dim, ink.glyph("·", ".").chars().next().expect("one character")),
        Cell::Free => (Tone::Dim, ' '),
        Cell::Taken(Kind::Single, mark) => (Tone::Single, mark),
        Cell::Taken(Kind::Joined, mark) => (Tone::Joined, mark),
        Cell::Taken(Kind::Held, mark) => (Tone::Warn, mark),
        Cell::Twice => (Tone::Bad, '!'),
    }
}

fn legend(ink: Ink, stays: &[Stay]) -> String {
    let sample = |kind, label: &str| -> String {
        let stay = Stay { table: String::new(), start_quarter: 0, quarters: 0, label: label.into(), kind };
        marks(ink, &stay, 8).into_iter().collect()
    };
    let parts = [
        format!("{} one table", ink.paint(Tone::Single, &sample(Kind::Single, "AB 2"))),
        format!("{} joined tables", ink.paint(Tone::Joined, &sample(Kind::Joined, "CD 8"))),
        format!("{} held, never confirmed", ink.paint(Tone::Warn, &sample(Kind::Held, "EF 4"))),
    ];
    let clash =
        if clashes(ink, stays) { ink.paint(Tone::Bad, " !!!! means two bookings at once.") } else { String::new() };
    format!("\n {}\n Letters are the guest's initials, the number is the party.{clash}\n", parts.join("   "))
}

fn clashes(ink: Ink, stays: &[Stay]) -> bool {
    stays.iter().any(|one| lay(ink, stays.iter().filter(|two| two.table == one.table)).contains(&Cell::Twice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ink::{DRAWN, PLAIN, WIDTH};

    fn row(table: &str) -> Row {
        Row { zone: "Window".into(), table: table.into(), seats: 2 }
    }

    fn stay(table: &str, start_quarter: usize, quarters: usize, kind: Kind) -> Stay {
        Stay { table: table.into(), start_quarter, quarters, label: "AB 2".into(), kind }
    }

    fn line_of(text: &str, table: &str) -> String {
        text.lines().find(|line| line.trim_start().starts_with(table)).expect("a row").to_string()
    }

    #[test]
    fn a_stay_covers_its_quarters_and_no_more() {
        let text = draw(PLAIN, &[row("W1")], &[stay("W1", 4, 4, Kind::Single)]);
        let line = line_of(&text, "W1");
        let cells: String = line.chars().skip(15).collect();
        assert_eq!(cells.find("[AB 2------]"), Some(12), "{line}");
        assert!(line.ends_with("16 %"), "{line}");
    }

    #[test]
    fn neighbours_in_time_stay_apart() {
        let stays = [stay("W1", 0, 3, Kind::Single), stay("W1", 3, 3, Kind::Joined)];
        assert!(draw(PLAIN, &[row("W1")], &stays).contains("[AB 2---]{AB 2===}"));
    }

    #[test]
    fn two_bookings_at_once_are_seen_and_explained() {
        let stays = [stay("W1", 0, 4, Kind::Single), stay("W1", 3, 4, Kind::Single)];
        let text = draw(PLAIN, &[row("W1")], &stays);
        assert!(text.contains("[AB 2----!!!"), "{text}");
        assert!(text.contains("two bookings at once"));
        assert!(!draw(PLAIN, &[row("W1")], &stays[..1]).contains("two bookings"));
    }

    #[test]
    fn a_hold_is_not_counted_as_use() {
        let text = draw(PLAIN, &[row("W1")], &[stay("W1", 0, 24, Kind::Held)]);
        assert!(line_of(&text, "W1").ends_with(" 0 %"), "{text}");
    }

    #[test]
    fn every_line_fits_and_plain_means_ascii() {
        let stays = [stay("W1", 22, 4, Kind::Joined), stay("W2", 0, 3, Kind::Held), stay("W2", 2, 3, Kind::Single)];
        for ink in [PLAIN, DRAWN] {
            let text = draw(ink, &[row("W1"), row("W2")], &stays);
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
        assert!(draw(PLAIN, &[row("W1")], &stays).is_ascii());
    }
}
