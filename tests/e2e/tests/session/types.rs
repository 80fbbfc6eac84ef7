//! A column's type may change between two calls: it is read as what it is, or refused by name. Never does the server crash.

use holdfast_e2e::{Floor, Session, confirm, confirm_hold};
use uuid::Uuid;

#[test]
fn a_column_of_another_type_is_refused_by_name() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (first, second) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    assert_eq!(floor.seats(&confirm(first, &room.tables[..1], "first")).len(), 1);
    let mut owner = floor.session();
    owner.run(
        "alter table public.table_inventory drop constraint if exists table_inventory_restaurant_id_table_number_key;
         alter table public.table_inventory alter column table_number type integer using 7",
    );
    let refusal = floor.refused(&confirm(second, &room.tables[1..], "second"));
    assert_eq!(refusal.code("HF702").sqlstate, "55000");
    let detail = refusal.detail.unwrap_or_default();
    assert_eq!(detail, "Column table_inventory.table_number is of type integer; holdfast reads text");
    owner.run("alter table public.table_inventory alter column table_number type varchar(20)");
    assert_eq!(floor.seats(&confirm(second, &room.tables[1..], "second")).len(), 1);
}

#[test]
fn domains_over_the_right_types_work() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1);
    let mut owner = floor.session();
    owner.run(
        "drop view public.holdfast_inconsistent_bookings cascade;
         create domain public.number as text check (value <> ''); create domain public.seats as integer;
         create domain public.long as public.number; create domain public.moment as timestamptz;
         alter table public.table_inventory alter column table_number type public.long;
         alter table public.table_inventory alter column capacity type public.seats;
         alter table public.bookings alter column party_size type public.seats;
         alter table public.booking_table_assignments alter column end_at type public.moment",
    );
    assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 1, "a replay");
    let second = floor.booking(room.restaurant);
    assert_eq!(floor.seats(&confirm(second, &room.tables[1..], "second")).len(), 1);
}

/// What a column may become, and a value of that type.
const TYPES: &[(&str, &str)] = &[
    ("text", "'x'"),
    ("varchar(20)", "'x'"),
    ("\"char\"", "'x'"),
    ("name", "'x'"),
    ("smallint", "7"),
    ("integer", "7"),
    ("bigint", "5000000000"),
    ("numeric", "1.5"),
    ("double precision", "1.5"),
    ("boolean", "true"),
    ("uuid", "'00000000-0000-4000-8000-000000000001'"),
    ("jsonb", "'{\"a\": 1}'"),
    ("json", "'{\"a\": 1}'"),
    ("timestamptz", "'2031-01-01Z'"),
    ("timestamp", "'2031-01-01'"),
    ("date", "'2031-01-01'"),
    ("time", "'18:00'"),
    ("interval", "'1 hour'"),
    ("bytea", "'\\x00'"),
    ("text[]", "'{x,NULL}'"),
    ("uuid[]", "'{00000000-0000-4000-8000-000000000001}'"),
    ("integer[]", "'{7}'"),
    ("oid", "7"),
    ("xid8", "'7'"),
    ("point", "'(1,2)'"),
    ("tstzrange", "'[2031-01-01Z,2031-01-02Z)'"),
    ("public.small", "7"),
    ("public.word", "'x'"),
    ("public.colour", "'red'"),
    ("public.pair", "'(1,x)'"),
];

/// A linear congruential generator: the same seed, the same alterations.
struct Dice(u64);

impl Dice {
    fn roll<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        &among[(self.0 >> 33) as usize % among.len()]
    }
}

/// Calls that read and write all there is, by what they name.
fn calls(booking: Uuid, held: Uuid, hold: Uuid, tables: &[Uuid]) -> Vec<String> {
    let table = tables[0];
    let list = format!("array['{}','{}']::uuid[]", tables[0], tables[1]);
    vec![
        format!("select * from public.confirm_hold_assignment_with_transition('{booking}', {list}, 'new')"),
        format!(
            "select * from public.confirm_hold_assignment_tx('{hold}', '{held}', 'held', p_target_status => 'confirmed')"
        ),
        format!("select * from public.atomic_confirm_and_transition_within('{held}', '{hold}', 'within', 2000)"),
        format!("select * from public.assign_tables_atomic_v2('{booking}', {list}, 'assigned')"),
        format!("select * from public.run_auto_assign('{held}', 'auto', 2000, 'inline')"),
        format!("select * from public.explain_confirm('{booking}', null, {list})"),
        format!("select * from public.confirm_outcome('{booking}', 'old')"),
        format!("select * from public.fence_attempt('{booking}', 'other')"),
        format!("select * from public.undo_confirm('{booking}', 'old')"),
        format!("select * from public.unassign_tables_atomic('{booking}')"),
        format!("select * from public.reconcile_booking('{booking}')"),
        format!(
            "select * from public.apply_booking_state_transition('{held}', 'cancelled', null, null, now(), 'pending', 'cancelled', null, now(), 'x', '{{}}')"
        ),
        format!("select * from public.hold_tables('{booking}', array['{}']::uuid[])", tables[2]),
        format!("select * from public.release_hold_and_emit('{hold}')"),
        format!("select * from public.refresh_table_status('{table}')"),
        "select * from public.outbox_claim('consumer', 10)".to_owned(),
        "select * from public.holdfast_reconciliation".to_owned(),
        "select * from holdfast.sweep('public')".to_owned(),
        "select * from holdfast.doctor('public')".to_owned(),
        format!("select * from holdfast.confirm_tables('public', '{booking}', {list}, 'native')"),
    ]
}

/// The statement's SQLSTATE; the connection must live.
fn state(session: &mut Session, sql: &str) -> String {
    match session.client.simple_query(sql) {
        Ok(_) => "00000".to_owned(),
        Err(error) => match error.code() {
            Some(code) => code.code().to_owned(),
            None => panic!("the server is gone: {sql}\n{error}"),
        },
    }
}

/// Gives a column another type, in the open transaction; constraints and views that stand in the way go.
fn alter(session: &mut Session, table: &str, column: &str, kind: &str, value: &str) -> bool {
    session.run("set local client_min_messages = error");
    let free = format!(
        "do $$ declare k record; begin
           for k in select c.conrelid::regclass as t, c.conname from pg_constraint c join pg_attribute a
               on a.attrelid = c.conrelid and a.attname = '{}' and a.attnum = any (c.conkey)
             where c.conrelid = 'public.{table}'::regclass and c.contype in ('c', 'f', 'x', 'u', 'p') loop
             execute format('alter table %s drop constraint %I cascade', k.t, k.conname);
           end loop;
           for k in select c.oid::regclass as t from pg_class c
             where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace loop
             execute format('drop view if exists %s cascade', k.t);
           end loop;
         end $$",
        column.trim_matches('"')
    );
    let alter = format!(
        "alter table public.{table} alter column {column} drop default, alter column {column} type {kind} using {value}::{kind}"
    );
    session.run("savepoint s");
    state(session, &alter) == "00000" || {
        session.run("rollback to s");
        state(session, &free) == "00000" && state(session, &alter) == "00000"
    }
}

/// Every column of every table that is read or written becomes something else, in sessions whose statements are planned.
/// `HOLDFAST_CASES` is the number of alterations (30 unless told), `HOLDFAST_SEED` repeats a run.
#[test]
fn any_column_may_become_anything() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, cases) = (number("HOLDFAST_SEED", 20_270_501), number("HOLDFAST_CASES", 30));
    println!("HOLDFAST_SEED={seed}");
    let mut dice = Dice(seed);
    let mut floor = Floor::new();
    floor.run(
        "create domain public.small as integer; create domain public.word as text;
         create type public.colour as enum ('red', 'green'); create type public.pair as (a integer, b text)",
    );
    let room = floor.room(4);
    let booking = floor.booking(room.restaurant);
    floor.seats(&confirm(booking, &room.tables[..1], "old"));
    let (held, hold) = floor.held(&room, &room.tables[1..3]);
    let calls = calls(booking, held, hold, &room.tables);
    let columns: Vec<String> = floor.column(
        "select quote_ident(c.relname) || ' ' || quote_ident(a.attname)
         from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
         order by 1",
    );
    let mut session = floor.session();
    let (mut altered, mut refused, mut called) = (0, 0, 0);
    let mut misleading = Vec::new();
    while altered < cases {
        let ((table, column), (kind, value)) =
            (dice.roll(&columns).split_once(' ').expect("two words"), dice.roll(TYPES));
        // What is kept of plans is kept from before the alteration.
        session.run("begin");
        for call in &calls {
            session.run("savepoint s");
            state(&mut session, call);
            session.run("rollback to s");
        }
        if alter(&mut session, table, column, kind, value) {
            altered += 1;
            for call in &calls {
                session.run("savepoint s");
                let state = state(&mut session, call);
                session.run("rollback to s");
                called += 1;
                refused += u64::from(state != "00000");
                if ["42P01", "42883"].contains(&state.as_str()) {
                    misleading.push(format!("{table}.{column} as {kind}: {state} from {call}"));
                }
            }
        }
        session.run("rollback");
    }
    println!("{altered} alterations, {called} calls, {refused} refused");
    assert!(misleading.is_empty(), "taken for \"not installed\":\n{}", misleading.join("\n"));
}
