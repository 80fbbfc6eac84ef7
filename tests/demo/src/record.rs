//! Between the demo and its database: the journals go in, the floor and the catalogue come out.

use crate::chart::{Kind, Row, Stay};
use crate::evening::Evening;
use crate::journal::Journal;
use crate::report::Outcome;
use postgres::{Client, Error};

const FLOOR: &str = include_str!("sql/floor.sql");

/// Writes what the sessions saw next to what the database has.
pub fn write(client: &mut Client, journal: &Journal) -> Result<(), Error> {
    let mut writing = client.transaction()?;
    let answer = writing.prepare("insert into evening.answers values ($1, $2, $3, $4, $5, $6, $7, $8)")?;
    for (nth, given) in (1_i32..).zip(&journal.answers) {
        for seat in &given.seats {
            writing.execute(
                &answer,
                &[
                    &nth,
                    &given.booking,
                    &given.key,
                    &seat.assignment_id,
                    &seat.table_id,
                    &seat.start_at,
                    &seat.end_at,
                    &seat.merge_group_id,
                ],
            )?;
        }
    }
    let kill = writing.prepare("insert into evening.kills values ($1, $2, $3::text::xid8, $4)")?;
    for killed in &journal.kills {
        writing.execute(&kill, &[&killed.booking, &killed.key, &killed.transaction_id, &killed.came_back])?;
    }
    let expectation = writing.prepare("insert into evening.expectations values ($1, $2, $3, $4)")?;
    for expected in &journal.expectations {
        writing.execute(&expectation, &[&expected.booking, &expected.request, &expected.expected, &expected.got])?;
    }
    let heir = writing.prepare("insert into evening.heirs select $1, unnest($2::uuid[])")?;
    for next in &journal.heirs {
        writing.execute(&heir, &[&next.booking, &next.tables])?;
    }
    writing.commit()
}

/// The bars of the chart.
pub fn stays(client: &mut Client) -> Result<Vec<Stay>, Error> {
    let rows = client.query(FLOOR, &[])?;
    let stay = |row: &postgres::Row| Stay {
        table: row.get("table_number"),
        start_quarter: row.get::<_, i32>("start_quarter") as usize,
        quarters: row.get::<_, i32>("quarters") as usize,
        label: format!("{} {}", row.get::<_, String>("initials"), row.get::<_, i32>("party_size")),
        kind: match (row.get("held"), row.get("joined")) {
            (true, _) => Kind::Held,
            (_, true) => Kind::Joined,
            _ => Kind::Single,
        },
    };
    Ok(rows.iter().map(stay).collect())
}

pub fn rows(evening: &Evening) -> Vec<Row> {
    let floor = &evening.floor;
    let row = |table: &crate::floor::Table| Row {
        zone: floor.zones[table.zone].name.to_string(),
        table: table.number.clone(),
        seats: table.seats,
    };
    floor.tables.iter().map(row).collect()
}

/// The catalogue of outcomes, as the extension tells it.
pub fn outcomes(client: &mut Client) -> Result<Vec<Outcome>, Error> {
    let rows = client.query("select code, sqlstate, disposition, sentence from holdfast.outcomes", &[])?;
    let outcome = |row: &postgres::Row| Outcome {
        code: row.get("code"),
        sqlstate: row.get("sqlstate"),
        disposition: row.get("disposition"),
        sentence: row.get("sentence"),
    };
    Ok(rows.iter().map(outcome).collect())
}
