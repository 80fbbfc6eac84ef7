//! A rival that writes other rows, or answers otherwise, is no rival: each is compared with holdfast, row by row, from the same
//! state.

use chrono::{DateTime, Duration, TimeZone, Utc};
use holdfast_e2e::{Floor, Refusal, Session};
use serde_json::Value;
use uuid::Uuid;

use super::cell::{Cell, Work};
use super::job::{Item, Job};
use super::place::{add_place, table};
use super::rival::{FUNCTIONS, Rival};
use super::script::{Prepared, Script};
use super::supply::{Before, write};

/// A database with the rivals' functions and a restaurant of eight tables.
fn floor() -> Floor {
    let mut floor = Floor::new();
    FUNCTIONS.iter().for_each(|functions| floor.run(functions));
    add_place(&mut floor, 1, 8);
    floor
}

fn item(tables: usize) -> Item {
    let start = Utc.with_ymd_and_hms(2031, 5, 1, 18, 0, 0).single().expect("an instant");
    Item::new(1, (1..=tables).map(|number| table(1, number)).collect(), start)
}

/// Every row of a booking, in an order that does not hang on what was generated.
const ROWS: &str = "
    select 'allocations' || to_jsonb(t)::text from public.allocations t where booking_id = $1
      and resource_type = 'table' or booking_id = $1 and resource_type = 'hold'
    union all select 'group ' || (to_jsonb(t) - 'resource_id')::text from public.allocations t where booking_id = $1 and resource_type = 'merge_group'
    union all select 'assignments' || to_jsonb(t)::text from public.booking_table_assignments t where booking_id = $1
    union all select 'booking' || to_jsonb(t)::text from public.bookings t where id = $1
    union all select 'history' || (to_jsonb(t) - 'id')::text from public.booking_state_history t where booking_id = $1
    union all select 'ledger' || to_jsonb(t)::text from public.booking_assignment_idempotency t where booking_id = $1
    union all select 'result' || to_jsonb(t)::text from public.booking_confirmation_results t where booking_id = $1
    union all select 'outbox' || (to_jsonb(t) - 'id')::text from public.capacity_outbox t where booking_id = $1
    union all select 'hold' || to_jsonb(t)::text from public.table_holds t where booking_id = $1
    union all select 'member' || to_jsonb(m)::text from public.table_holds t join public.table_hold_members m on m.hold_id = t.id
      where t.booking_id = $1";

/// What a rival leaves of a job, as it is before that is rolled back; what is generated or hangs on the clock is
/// called so.
fn left_by(floor: &mut Floor, scripts: &[Script], item: &Item, by_hold: bool) -> Vec<String> {
    let mut job = Job::new(item.clone(), by_hold);
    floor.run("savepoint before");
    for script in scripts.iter().filter(|script| !["begin", "commit"].contains(&script.sql.as_str())) {
        let prepared = Prepared::new(&mut floor.client, script);
        let rows = prepared.run(&mut floor.client, &job).unwrap_or_else(|error| panic!("{}\n{error:?}", script.sql));
        if let Some(hold) = rows.first().and_then(|row| row.try_get("hold_id").ok()) {
            job.hold = hold;
        }
    }
    let rows = floor.client.query(ROWS, &[&item.booking]).expect("the rows of the booking");
    floor.run("rollback to before");
    let known: Vec<Uuid> =
        [item.booking, item.hold, item.restaurant].into_iter().chain((1..=8).map(|number| table(1, number))).collect();
    let named =
        |row: &str| job.hold.map_or(row.to_owned(), |hold| row.replace(&hold.to_string(), &item.hold.to_string()));
    let mut rows: Vec<String> = rows.iter().map(|row| told(&named(row.get(0)), &known)).collect();
    rows.sort_unstable();
    rows
}

/// A row without what no two runs have in common.
fn told(row: &str, known: &[Uuid]) -> String {
    let at = row.find('{').expect("a row is an object");
    let mut value: Value = serde_json::from_str(&row[at..]).expect("JSON");
    blur(&mut value, known);
    format!("{} {value}", &row[..at])
}

fn blur(value: &mut Value, known: &[Uuid]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| blur(item, known)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if name == "version" || name == "transaction_id" {
                    *field = Value::from(field.to_string().len());
                }
                blur(field, known);
            }
        }
        Value::String(text) => {
            if let Ok(id) = text.parse::<Uuid>()
                && !known.contains(&id)
            {
                *text = "generated".to_owned();
            } else if let Ok(instant) = text.parse::<DateTime<Utc>>() {
                *text = of_now(instant).unwrap_or_else(|| text.clone());
            }
        }
        _ => {}
    }
}

/// An instant that hangs on when the test runs.
fn of_now(instant: DateTime<Utc>) -> Option<String> {
    let near = |shift: Duration| (instant - Utc::now() - shift).abs() < Duration::minutes(2);
    [("now", 0), ("in three minutes", 3 * 60), ("in ninety days", 90 * 86_400)]
        .into_iter()
        .find(|(_, seconds)| near(Duration::seconds(*seconds)))
        .map(|(name, _)| name.to_owned())
}

fn assert_same_rows(floor: &mut Floor, cell: &Cell) {
    let mut item = item(cell.tables);
    if cell.work == Work::Hold {
        item.expires = Utc::now() + Duration::minutes(3);
    }
    floor.run("begin");
    write(floor, &[&item], Before::of(cell));
    let named = cell.by_hold || cell.work == Work::Hold;
    let ours = left_by(floor, &Rival::Holdfast.statements(cell), &item, named);
    assert!(ours.len() >= 7, "{ours:#?}");
    for rival in cell.rivals().iter().filter(|rival| **rival != Rival::Holdfast) {
        let theirs = left_by(floor, &rival.statements(cell), &item, named);
        let ours_alone: Vec<&String> = ours.iter().filter(|row| !theirs.contains(row)).collect();
        let theirs_alone: Vec<&String> = theirs.iter().filter(|row| !ours.contains(row)).collect();
        assert!(
            ours == theirs,
            "{} by {}\nonly holdfast: {ours_alone:#?}\nonly the rival: {theirs_alone:#?}",
            cell.name(),
            rival.name()
        );
    }
    floor.run("rollback");
}

#[test]
fn rivals_write_the_rows_of_holdfast() {
    let mut floor = floor();
    for tables in [1, 3, 8] {
        for by_hold in [false, true] {
            let cell = Cell { by_hold, tables, ..Cell::new(Work::Fresh, 0) };
            assert_same_rows(&mut floor, &cell);
        }
        assert_same_rows(&mut floor, &Cell { by_hold: true, tables, ..Cell::new(Work::Hold, 0) });
    }
}

/// What `holdfast` and `best` say to a call that is refused.
fn refusals(floor: &mut Floor, job: &Job, by_hold: bool, what: &str) -> [(String, String); 2] {
    let cell = Cell { by_hold, tables: 2, ..Cell::new(Work::Fresh, 0) };
    [Rival::Holdfast, Rival::Best].map(|rival| {
        floor.run("savepoint before");
        let prepared = Prepared::new(&mut floor.client, &rival.statements(&cell)[0]);
        let refused = prepared.run(&mut floor.client, job).err().map(Refusal::from);
        floor.run("rollback to before");
        refused
            .map_or_else(|| (what.to_owned(), "not refused".to_owned()), |refused| (refused.sqlstate, refused.message))
    })
}

/// A state in which a confirm is refused, what it asks for, and what has to be done first.
fn refused_states(item: &Item) -> Vec<(&'static str, bool, String)> {
    let (first, other) = (item.tables[0], item.again());
    let (booking, hold, restaurant) = (item.booking, item.hold, item.restaurant);
    let window = format!("tstzrange('{}', '{}')", item.start, item.end);
    vec![
        (
            "taken",
            false,
            format!(
                "insert into allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
             values ('{restaurant}', 'table', '{first}', {window}, true)"
            ),
        ),
        (
            "held",
            false,
            format!(
                "insert into table_holds (id, restaurant_id, zone_id, start_at, end_at, expires_at)
             values ('{}', '{restaurant}', '{restaurant}', '{}', '{}', '2099-01-01');
             insert into table_hold_members values ('{}', '{first}')",
                other.hold, item.start, item.end, other.hold
            ),
        ),
        ("inactive", false, format!("update table_inventory set active = false where id = '{first}'")),
        ("out of service", false, format!("update table_inventory set status = 'out_of_service' where id = '{first}'")),
        ("without a zone", false, format!("update table_inventory set zone_id = null where id = '{first}'")),
        ("fixed", false, format!("update table_inventory set mobility = 'fixed' where id = '{first}'")),
        ("too large", false, format!("update bookings set party_size = 40 where id = '{booking}'")),
        ("cancelled", false, format!("update bookings set status = 'cancelled' where id = '{booking}'")),
        ("expired", true, format!("update table_holds set expires_at = '2020-01-01' where id = '{hold}'")),
        (
            "of another",
            true,
            format!(
                "insert into bookings (id, restaurant_id, party_size) values ('{0}', '{restaurant}', 2);
             update table_holds set booking_id = '{0}' where id = '{hold}'",
                other.booking
            ),
        ),
        ("no tables", true, format!("delete from table_hold_members where hold_id = '{hold}'")),
        ("no hold", true, format!("delete from table_holds where id = '{hold}'")),
        ("no booking", false, format!("delete from bookings where id = '{booking}'")),
    ]
}

#[test]
fn the_best_rival_refuses_what_holdfast_refuses() {
    let mut floor = floor();
    let item = item(2);
    write(&mut floor, &[&item], Before::Hold);
    let mut wrong = Vec::new();
    for (what, by_hold, state) in refused_states(&item) {
        floor.run(&format!("begin; set local search_path = public; {state}; set local search_path = pg_catalog"));
        let [ours, theirs] = refusals(&mut floor, &Job::new(item.clone(), by_hold), by_hold, what);
        floor.run("rollback");
        if ours != theirs || ours.1 == "not refused" {
            wrong.push((what, ours, theirs));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A replay by the best rival is the answer that holdfast gave.
#[test]
fn the_best_rival_replays_what_holdfast_answered() {
    let mut floor = floor();
    let item = item(3);
    write(&mut floor, &[&item], Before::Hold);
    let cell = Cell { by_hold: true, tables: 3, ..Cell::new(Work::Replay, 0) };
    let job = Job::new(item, true);
    let answer = |session: &mut Session, rival: Rival| {
        let prepared = Prepared::new(&mut session.client, &rival.statements(&cell)[0]);
        let rows = prepared.run(&mut session.client, &job).expect("an answer");
        let ids = |row: &postgres::Row| (row.get::<_, Uuid>(0), row.get::<_, Uuid>(1), row.get::<_, Option<Uuid>>(4));
        rows.iter().map(ids).collect::<Vec<_>>()
    };
    let first = answer(&mut floor, Rival::Holdfast);
    assert_eq!(first.len(), 3);
    assert_eq!(answer(&mut floor, Rival::Holdfast), first);
    assert_eq!(answer(&mut floor, Rival::Best), first);
}
