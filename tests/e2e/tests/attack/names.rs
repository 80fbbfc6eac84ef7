//! Names: what stands in the way of ours in a search path, in a temporary schema, in the schema itself.

use super::ground::{CREATOR, HOUSE, House, NEIGHBOUR, NOBODY, OTHER, OWNER, SERVICE};
use super::suite::{Suite, answered, refused};

/// Objects that take the place of the server's, in a schema that a session puts first.
const SHADOWS: &[(&str, &str)] = &[
    ("function now()", "create function SHADOW.now() returns timestamptz language plpgsql as $f$ begin perform book.trap('now'); return pg_catalog.now(); end $f$"),
    (
        "function coalesce of lower(tstzrange)",
        "create function SHADOW.lower(tstzrange) returns timestamptz language plpgsql as $f$ begin perform book.trap('lower'); return pg_catalog.lower($1); end $f$",
    ),
    (
        "function unnest(uuid[])",
        "create function SHADOW.unnest(uuid[]) returns setof uuid language plpgsql as $f$ begin perform book.trap('unnest'); return query select pg_catalog.unnest($1); end $f$",
    ),
    (
        "operator =(uuid, uuid)",
        "create function SHADOW.eq(uuid, uuid) returns boolean language plpgsql as $f$ begin perform book.trap('='); return pg_catalog.uuid_eq($1, $2); end $f$;
         create operator SHADOW.= (leftarg = uuid, rightarg = uuid, function = SHADOW.eq)",
    ),
    (
        "operator &&(tstzrange, tstzrange)",
        "create function SHADOW.ov(tstzrange, tstzrange) returns boolean language plpgsql as $f$ begin perform book.trap('&&'); return false; end $f$;
         create operator SHADOW.&& (leftarg = tstzrange, rightarg = tstzrange, function = SHADOW.ov)",
    ),
    (
        "operator ->>(jsonb, text)",
        "create function SHADOW.arrow(jsonb, text) returns text language plpgsql as $f$ begin perform book.trap('->>'); return null; end $f$;
         create operator SHADOW.->> (leftarg = jsonb, rightarg = text, function = SHADOW.arrow)",
    ),
    ("type uuid", "create domain SHADOW.uuid as pg_catalog.text check (book.trap('uuid'))"),
    ("type timestamptz", "create domain SHADOW.timestamptz as pg_catalog.text check (book.trap('timestamptz'))"),
    ("type booking_status", "create domain SHADOW.booking_status as pg_catalog.text check (book.trap('status'))"),
    ("table bookings", "create table SHADOW.bookings as select book.trap('bookings') as id"),
    ("view pg_class", "create view SHADOW.pg_class as select book.trap('pg_class')"),
    ("view pg_proc", "create view SHADOW.pg_proc as select book.trap('pg_proc')"),
    ("view holdfast_rollout", "create view SHADOW.holdfast_rollout as select book.trap('rollout')"),
    ("aggregate max(timestamptz)", "create function SHADOW.step(timestamptz, timestamptz) returns timestamptz language plpgsql as $f$ begin perform book.trap('max'); return $2; end $f$;
      create aggregate SHADOW.max (timestamptz) (sfunc = SHADOW.step, stype = timestamptz)"),
];

/// Calls of the service, each of which works.
fn work(house: &mut House, day: u32) -> String {
    let (booking, table) = (house.booking(day), house.tables[0]);
    format!(
        "select * from {HOUSE}.explain_confirm('{booking}', p_table_ids => array['{table}']::pg_catalog.uuid[]);
         select * from {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::pg_catalog.uuid[], 'k');
         select * from {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::pg_catalog.uuid[], 'k');
         select * from {HOUSE}.confirm_outcome('{booking}', 'k');
         select * from {HOUSE}.reconcile_booking('{booking}');
         select * from {HOUSE}.undo_confirm('{booking}', 'k');
         select * from {HOUSE}.hold_tables('{booking}', array['{table}']::pg_catalog.uuid[]);
         select * from {HOUSE}.holdfast_reconciliation"
    )
}

/// What a schema of a role's own, first in its path, or its temporary schema, has in the place of the server's.
#[test]
fn shadows_of_names() {
    let mut suite = Suite::new("shadows");
    let database = suite.house.floor.name.clone();
    suite.house.floor.run(&format!(
        "create schema shadow authorization {SERVICE}; grant temporary on database {database} to {SERVICE}"
    ));
    let sign = "what stands in the place of the server's name runs as the owner, or is believed";
    for (number, (what, make)) in (1..).zip(SHADOWS) {
        for (later, place, path) in
            [(0, "shadow", "shadow, pg_catalog, public"), (14, "pg_temp", "pg_temp, pg_catalog")]
        {
            suite.attack("service", format!("{what} in {place}"), sign, |house| {
                let calls = work(house, number + later);
                let mut service = house.session_as(SERVICE);
                let made = service.try_run(&make.replace("SHADOW", place));
                if made.is_err() && place == "pg_temp" {
                    return Ok("a temporary one cannot be made".to_owned());
                }
                made.map_err(|refusal| format!("could not be made: {refusal:?}"))?;
                service.run(&format!("set search_path = {path}"));
                service.try_run(&calls).map_err(|refusal| format!("the calls failed: {refusal:?}"))?;
                let ran: Vec<String> =
                    house.floor.column(&format!("select what from book.ran where who <> '{SERVICE}'"));
                house.floor.run("drop schema shadow cascade");
                house.floor.run(&format!("create schema shadow authorization {SERVICE}"));
                if ran.is_empty() { Ok("not used".to_owned()) } else { Err(format!("ran: {ran:?}")) }
            });
        }
    }
    // The same in the path of a superuser who looks.
    for (what, make) in SHADOWS {
        suite.attack("owner", format!("{what} in the schema, for a superuser with the schema in the path"), sign, |house| {
            house.floor.run("drop schema shadow cascade");
            house.floor.run(&format!("create schema shadow authorization {OWNER}"));
            house.session_as(OWNER).try_run(&make.replace("SHADOW", "shadow")).map_err(|refusal| format!("{refusal:?}"))?;
            house.floor.run("delete from book.ran; delete from book.won; set search_path = shadow, pg_catalog");
            let looked = house.floor.try_run(&format!(
                "select holdfast.audit('{HOUSE}'); select * from holdfast.doctor('{HOUSE}'); select holdfast.migration('{HOUSE}');
                 select * from holdfast.sweep('{HOUSE}'); select * from holdfast.shadow_report('{HOUSE}')"
            ));
            house.floor.run("reset search_path");
            looked.map(|()| "not used".to_owned()).map_err(|refusal| format!("{refusal:?}"))
        });
    }
    assert_eq!(suite.report(3 * SHADOWS.len()), Vec::<String>::new());
}

/// Settings of a session that a check could depend on.
const SETTINGS: &[&str] = &[
    "session_replication_role = replica",
    "row_security = off",
    "search_path = ''",
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = 'sql_standard'",
    "bytea_output = escape",
    "extra_float_digits = -15",
    "standard_conforming_strings = off",
    "backslash_quote = on",
    "transform_null_equals = on",
    "array_nulls = off",
    "default_transaction_isolation = serializable",
    "default_transaction_deferrable = on",
    "check_function_bodies = off",
    "client_min_messages = debug5",
    "enable_seqscan = off",
    "enable_indexscan = off",
    "plan_cache_mode = force_custom_plan",
    "jit_above_cost = 0",
    "work_mem = '64kB'",
    "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '1s'",
    "quote_all_identifiers = on",
    "xmloption = content",
    "gin_fuzzy_search_limit = 1",
    "default_table_access_method = heap",
    "default_toast_compression = pglz",
    "constraint_exclusion = on",
    "synchronous_commit = off",
    "holdfast.atomic_confirm_enabled = off",
    "holdfast.retry_limit = 100",
    "holdfast.anything = on",
];

#[test]
fn settings_flipped() {
    let mut suite = Suite::new("settings");
    let sign = "a table is given to two bookings, or a check is passed over";
    for setting in SETTINGS {
        suite.attack("service", format!("set {setting}"), sign, |house| {
            let (first, second, table) = (house.booking(1), house.booking(1), house.tables[0]);
            let call = |booking| {
                format!("select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k{booking}')")
            };
            house.session_as(SERVICE).run(&call(first));
            let mut service = house.session_as(SERVICE);
            let may = service.try_run(&format!("set {setting}"));
            let taken = service.try_run(&call(second));
            let seated: i64 = house.floor.value(&format!(
                "select count(*) from {HOUSE}.allocations where resource_id = '{table}' and not shadow"
            ));
            house.floor.run(&format!(
                "delete from {HOUSE}.booking_table_assignments; delete from {HOUSE}.allocations; delete from {HOUSE}.bookings"
            ));
            match (taken, seated) {
                (Err(refusal), 1) => Ok(may.map_or_else(|no| format!("not to be set: {}", no.sqlstate), |()| refusal.sqlstate)),
                (taken, seated) => Err(format!("{seated} allocations, {taken:?}")),
            }
        });
    }
    assert_eq!(suite.report(SETTINGS.len()), Vec::<String>::new());
}

/// What a role may not do: who, what, and how it is tried.
fn deeds() -> Vec<(&'static str, &'static str, String)> {
    vec![
        (NOBODY, "uses the schema holdfast", "create table holdfast.mine (id integer)".to_owned()),
        (NOBODY, "replaces a function of ours", "create or replace function holdfast.audit(p_schema regnamespace) returns jsonb language sql as 'select null::jsonb'".to_owned()),
        (OWNER, "replaces a function of holdfast's", "create or replace function holdfast.audit(p_schema regnamespace) returns jsonb language sql as 'select null::jsonb'".to_owned()),
        (OWNER, "makes a function in C of the library", format!("create function {HOUSE}.mine(p_schema regnamespace) returns jsonb language c as '$libdir/holdfast', 'native_audit_wrapper'")),
        (OWNER, "drops the extension", "drop extension holdfast cascade".to_owned()),
        (OWNER, "attaches its schema", format!("select holdfast.attach('{HOUSE}')")),
        (OWNER, "detaches its schema", format!("select holdfast.detach('{HOUSE}')")),
        (OWNER, "sets the brake of the server", "alter system set holdfast.atomic_confirm_enabled = off".to_owned()),
        (SERVICE, "writes the rollout", format!("insert into {HOUSE}.holdfast_rollout (mode) values ('on')")),
        (SERVICE, "writes the rules of statuses", format!("update {HOUSE}.holdfast_booking_statuses set status = status")),
        (SERVICE, "writes the moves", format!("delete from {HOUSE}.holdfast_status_transitions")),
        (SERVICE, "writes the policies of repair", format!("delete from {HOUSE}.holdfast_reconciliation_policies")),
        (SERVICE, "reads the ledger", format!("select * from {HOUSE}.booking_assignment_idempotency")),
        (SERVICE, "reads the attempts", format!("select * from {HOUSE}.holdfast_attempts")),
        (SERVICE, "reads the view behind the view", format!("select * from {HOUSE}.holdfast_inconsistent_bookings")),
        (SERVICE, "becomes the owner of a function", format!("alter function {HOUSE}.undo_confirm owner to {SERVICE}")),
        (SERVICE, "takes off the path of a definer function", format!("alter function {HOUSE}.undo_confirm reset search_path")),
        (SERVICE, "ends a session by a fence", format!("select {HOUSE}.fence_attempt('00000000-0000-0000-0000-000000000001', 'k', 0, true)")),
        (OTHER, "calls the neighbour's functions", format!("select {HOUSE}.undo_confirm('00000000-0000-0000-0000-000000000001', 'k')")),
        (OTHER, "reads the neighbour's view", format!("select * from {HOUSE}.holdfast_reconciliation")),
        (CREATOR, "replaces a table of ours", format!("drop table {HOUSE}.holdfast_booking_statuses cascade")),
        (CREATOR, "writes the record of attach", "delete from holdfast.attachment".to_owned()),
        (CREATOR, "puts a trigger on bookings", format!("create trigger t before update on {HOUSE}.bookings for each row execute function suppress_redundant_updates_trigger()")),
        (CREATOR, "makes a rule of bookings", format!("create rule r as on update to {HOUSE}.bookings do also select 1")),
        (OWNER, "makes an event trigger", "create event trigger e on ddl_command_start execute function book.event()".to_owned()),
        (OWNER, "sets the path of the superuser", "alter role postgres set search_path = bistro".to_owned()),
        (OWNER, "loads a library", "load '$libdir/holdfast'".to_owned()),
    ]
}

/// Cursors, aborted subtransactions, roles that a trigger sets.
fn in_pieces(suite: &mut Suite) {
    let day = |house: &mut House| (house.booking(10), house.tables[0]);
    suite.attack("service", "a call behind a cursor, fetched in pieces, the booking gone meanwhile", "a crash", |house| {
        let (booking, table) = day(house);
        answered(&mut house.session_as(SERVICE), &format!(
            "begin; declare c cursor for select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k') from generate_series(1, 3);
             fetch 1 from c; savepoint s; fetch 1 from c; rollback to s; fetch 1 from c; close c; commit"
        ))
    });
    suite.attack("service", "aborted subtransactions around every call", "what was rolled back is answered as committed", |house| {
        let (booking, table) = (house.booking(11), house.tables[1]);
        let mut service = house.session_as(SERVICE);
        service.run(&format!(
            "begin; savepoint a; select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k'); rollback to a;
             savepoint b; select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k'); rollback to b; commit"
        ));
        let outcome: String = service.value(&format!("select outcome from {HOUSE}.confirm_outcome('{booking}', 'k')"));
        if outcome == "committed" { Err(outcome) } else { Ok(outcome) }
    });
    suite.attack("owner", "a definer function of its own, called by a superuser, that sets the role", "SET ROLE works behind it", |house| {
        let (booking, table) = (house.booking(12), house.tables[2]);
        house.session_as(OWNER).run(&format!(
            "create or replace function {HOUSE}.rise() returns trigger language plpgsql as $f$ begin perform book.trap('rise'); execute 'set session authorization postgres'; return new; end $f$;
             create trigger rise before update on {HOUSE}.bookings for each row execute function {HOUSE}.rise()"
        ));
        let call = format!("select holdfast.confirm_tables('{HOUSE}', '{booking}', array['{table}']::uuid[], 'k')");
        let kept = refused(&mut house.floor, &call, &["42501"]);
        house.floor.run(&format!("drop trigger rise on {HOUSE}.bookings"));
        kept
    });
}

/// What is done around a call: recursion, cursors, subtransactions, event triggers, roles, other people's schemas.
#[test]
fn ways_around() {
    let mut suite = Suite::new("ways_around");
    let day = |house: &mut House| (house.booking(9), house.tables[0]);
    let rights = "what only the owner, or a superuser, may do is done";
    for (who, what, sql) in deeds() {
        suite.attack(who, what, rights, |house| {
            let kept = refused(&mut house.session_as(who), &sql, &["42501"])?;
            // And it is a right that is missing: the same words of a superuser's are done.
            let done = house.floor.try_run(&format!("begin; {sql}"));
            house.floor.run("rollback");
            match done {
                Ok(()) => Ok(kept),
                // It gets as far as that.
                Err(refusal) if ["25001", "P0002"].contains(&refusal.sqlstate.as_str()) => Ok(kept),
                Err(refusal) => Err(format!("nobody could do it: {refusal:?}")),
            }
        });
    }
    suite.attack(
        "owner",
        "the neighbour's booking through its own functions",
        "a booking of another schema is found",
        |house| {
            let booking: uuid::Uuid = house.floor.value(&format!(
                "insert into {NEIGHBOUR}.bookings (restaurant_id, party_size, start_at, end_at)
             values ('{}', 2, '2027-06-01 18:00Z', '2027-06-01 20:00Z') returning id",
                house.restaurant
            ));
            refused(
                &mut house.session_as(SERVICE),
                &format!("select {HOUSE}.reconcile_booking('{booking}')"),
                &["P0002"],
            )
        },
    );
    suite.attack("owner", "a trigger calls confirm of its own booking again, for ever", "the server crashes, or it cannot be ended", |house| {
        let (booking, table) = day(house);
        house.session_as(OWNER).run(&format!(
            "create function {HOUSE}.again() returns trigger language plpgsql as $f$ begin
               perform {HOUSE}.confirm_hold_assignment_with_transition(new.id, array['{table}']::uuid[], 'k' || random()); return new; end $f$;
             create trigger again before update on {HOUSE}.bookings for each row execute function {HOUSE}.again()"
        ));
        let kept = answered(
            &mut house.session_as(SERVICE),
            &format!("set statement_timeout = '20s'; select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k')"),
        );
        house.floor.run(&format!("drop trigger again on {HOUSE}.bookings"));
        kept
    });
    in_pieces(&mut suite);
    assert_eq!(suite.report(30), Vec::<String>::new());
}

/// The suite has to be able to find one: a definer function with an open path, and a table that everybody writes.
#[test]
fn planted_holes_are_found() {
    let mut suite = Suite::new("planted_holes");
    suite.house.floor.run(&format!(
        "create schema shadow authorization {SERVICE};
         create function {HOUSE}.open_path() returns timestamptz language plpgsql security definer as $f$ begin return now(); end $f$;
         alter function {HOUSE}.open_path() owner to postgres; grant execute on function {HOUSE}.open_path() to {SERVICE};
         grant delete on {HOUSE}.holdfast_quarantine to {CREATOR}"
    ));
    suite.attack("service", "a definer function with an open path", "a trap runs as a superuser", |house| {
        let mut service = house.session_as(SERVICE);
        service.run("create function shadow.now() returns timestamptz language plpgsql as $f$ begin perform book.trap('now'); return pg_catalog.now(); end $f$;
             set search_path = shadow, pg_catalog");
        answered(&mut service, &format!("select {HOUSE}.open_path()"))
    });
    suite.attack("creator", "writes a table of ours", "rows are deleted", |house| {
        refused(&mut house.session_as(CREATOR), &format!("delete from {HOUSE}.holdfast_quarantine"), &["42501"])
    });
    suite.attack("nobody", "is kept out", "rows are read", |house| {
        refused(&mut house.session_as(NOBODY), &format!("select * from {HOUSE}.bookings"), &["42501"])
    });
    assert_eq!(suite.report(3).len(), 2);
}
