//! G1, all or nothing: a failure at any row that a confirm writes leaves every table as it was.
//!
//! The points of failure are not listed by hand: a successful confirm is watched, and each table it inserted into,
//! updated or deleted from becomes a point, before the row, after the row and at commit.

use holdfast_e2e::{Call, Floor, Room, assert_untouched, confirm_hold, ground};
use uuid::Uuid;

/// A table and what a confirm does to it.
type Point = (String, &'static str);

/// What a confirm writes when it succeeds; it is rolled back. The server counts rows by session until it publishes them,
/// so a session that has done nothing else sees only these.
fn watch(floor: &mut Floor, call: &Call) -> Vec<Point> {
    let mut session = floor.session();
    session.run("begin");
    session.done(call);
    let counted = "select c.relname::text, s.n_tup_ins, s.n_tup_upd, s.n_tup_del from pg_stat_xact_user_tables s
                   join pg_class c on c.oid = coalesce(pg_partition_root(s.relid), s.relid)
                   where c.relnamespace = 'public'::regnamespace order by 1";
    let mut points = Vec::new();
    for row in session.client.query(&*ground::say(counted), &[]).expect("the statistics of this transaction") {
        for (column, operation) in [(1, "insert"), (2, "update"), (3, "delete")] {
            if row.get::<_, i64>(column) > 0 {
                points.push((row.get(0), operation));
            }
        }
    }
    points
}

/// The ways in which a row can be refused: (timing and kind of the trigger, does it speak only at commit?).
const TRIGGERS: [(&str, bool); 3] =
    [("trigger failure before", false), ("trigger failure after", false), ("constraint trigger failure after", true)];

/// Makes one point fail in one way and looks at every table.
fn fail(floor: &mut Floor, call: &Call, (table, operation): &Point, (trigger, at_commit): (&str, bool)) {
    let what = format!("{trigger} {operation} on {table}");
    let deferred = if at_commit { "deferrable initially deferred" } else { "" };
    floor.run(&format!(
        "create {trigger} {operation} on public.{table} {deferred} for each row execute function public.fail()"
    ));
    let before = floor.snapshot();
    floor.run("begin");
    let answer = floor.call(call);
    let refusal = if at_commit {
        assert!(answer.is_ok(), "{what}: the trigger speaks at commit, not before: {answer:?}");
        floor.try_run("commit").expect_err(&what)
    } else {
        let refusal = answer.expect_err(&what);
        floor.run("rollback");
        refusal
    };
    refusal.says("AB123", &format!("{operation} on {table}"));
    assert_untouched(floor, &before, &what);
    floor.run(&format!("drop trigger failure on public.{table}"));
}

/// Every point of a confirm in every way; afterwards the confirm succeeds.
fn fail_everywhere(floor: &mut Floor, call: &Call) -> Vec<String> {
    floor.run(
        "create or replace function public.fail() returns trigger language plpgsql as $$ begin
           raise exception using errcode = 'AB123', message = format('%s on %s', lower(tg_op),
             (select relname from pg_class where oid = coalesce(pg_partition_root(tg_relid), tg_relid)));
         end $$",
    );
    let points = watch(floor, call);
    for point in &points {
        for trigger in TRIGGERS {
            fail(floor, call, point, trigger);
        }
    }
    floor.done(call);
    points.into_iter().map(|(table, operation)| format!("{operation} {table}")).collect()
}

/// A fresh booking with a hold on the tables.
fn fresh(floor: &mut Floor, tables: usize) -> Call {
    let room = floor.room(tables);
    let (booking, hold) = floor.held(&room, &room.tables);
    confirm_hold(hold, booking, "key")
}

/// Everything at once: the window is running now, the booking has other tables already, a cancelled booking left a claim
/// behind, and a second hold is open.
fn replacing(floor: &mut Floor, tables: usize) -> Call {
    let room = floor.room(tables + 2);
    let (wanted, earlier) = room.tables.split_at(tables);
    let (gone, booking) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    floor.run("update public.bookings set start_at = now() - interval '1 hour', end_at = now() + interval '1 hour'");
    floor.done(&holdfast_e2e::confirm(gone, &wanted[..1], "gone"));
    floor.set("bookings", gone, "status", "cancelled");
    floor.done(&holdfast_e2e::confirm(booking, earlier, "earlier"));
    let hold = running_hold(floor, &room, booking, wanted);
    running_hold(floor, &room, booking, earlier);
    confirm_hold(hold, booking, "key")
}

/// A hold for the window that is running now.
fn running_hold(floor: &mut Floor, room: &Room, booking: Uuid, tables: &[Uuid]) -> Uuid {
    let hold = floor.hold(room, Some(booking), tables);
    floor.run(&format!(
        "update public.table_holds h set start_at = b.start_at, end_at = b.end_at from public.bookings b
         where h.id = '{hold}' and b.id = '{booking}'"
    ));
    hold
}

/// What every fresh confirm by hold writes.
const FRESH: [&str; 9] = [
    "insert allocations",
    "delete allocations",
    "insert booking_assignment_idempotency",
    "insert booking_confirmation_results",
    "insert booking_state_history",
    "insert booking_table_assignments",
    "update bookings",
    "insert capacity_outbox",
    "update table_holds",
];

fn assert_points(found: &[String], expected: &[&str]) {
    let as_it_ends = |point: &&str| {
        if ground::deletes_holds() {
            point.replace("update table_holds", "delete table_holds")
        } else {
            (*point).to_owned()
        }
    };
    let there = expected.iter().filter(|point| point.split(' ').all(|word| !ground::lacks(word)));
    for point in &there.map(as_it_ends).collect::<Vec<_>>() {
        assert!(found.iter().any(|name| name == point), "{point} is not among {found:?}");
    }
}

#[test]
fn a_fresh_confirm_of_one_table_is_all_or_nothing() {
    let mut floor = Floor::new();
    let call = fresh(&mut floor, 1);
    let points = fail_everywhere(&mut floor, &call);
    assert_points(&points, &FRESH);
}

#[test]
fn a_fresh_confirm_of_four_tables_is_all_or_nothing() {
    let mut floor = Floor::new();
    let call = fresh(&mut floor, 4);
    let points = fail_everywhere(&mut floor, &call);
    assert_points(&points, &FRESH);
}

#[test]
fn a_replacing_confirm_of_one_table_is_all_or_nothing() {
    let mut floor = Floor::new();
    let call = replacing(&mut floor, 1);
    let points = fail_everywhere(&mut floor, &call);
    assert_points(&points, &["delete booking_table_assignments", "update table_inventory", "delete allocations"]);
}

#[test]
fn a_replacing_confirm_of_four_tables_is_all_or_nothing() {
    let mut floor = Floor::new();
    let call = replacing(&mut floor, 4);
    let points = fail_everywhere(&mut floor, &call);
    assert_points(&points, &["delete booking_table_assignments", "update table_inventory", "delete allocations"]);
}

/// The session ends in the middle: nothing of it is seen.
#[test]
fn a_session_that_dies_before_commit_leaves_nothing() {
    let mut floor = Floor::new();
    let call = fresh(&mut floor, 2);
    let before = floor.snapshot();
    let mut dying = floor.session();
    dying.run("begin");
    dying.done(&call);
    floor.value::<bool>(&format!("select pg_terminate_backend({})", dying.pid));
    holdfast_e2e::eventually(
        &mut floor,
        &format!("select not exists (select from pg_stat_activity where pid = {})", dying.pid),
    );
    assert_untouched(&mut floor, &before, "the dead session");
    assert_eq!(floor.seats(&call).len(), 2);
}
