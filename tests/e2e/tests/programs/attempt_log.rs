//! The server's log has one JSON object for each attempt that was refused or failed, also where its call raised. What is
//! read here are the files that the server writes, so each test has a server of its own.

use holdfast_e2e::{Cluster, Session, behind, confirm, eventually, within};
use serde_json::{Value, json};

/// The last table of the server's documentation on csvlog.
const CSV: &str = "create table log_csv (log_time text, user_name text, database_name text, pid integer, client text,
    session_id text, line bigint, command_tag text, started text, vxid text, xid bigint, severity text, state text,
    message text, detail text, hint text, internal text, internal_position integer, context text, query text,
    position integer, location text, application text, backend_type text, leader_pid integer, query_id bigint)";
const JSON: &str = "create view attempts as
    select number, line::jsonb as log, (line::jsonb ->> 'message')::jsonb as attempt
    from regexp_split_to_table(pg_read_file('log/attempts.json'), E'\\n') with ordinality as lines (line, number)
    where line like '%holdfast.attempt%'";

fn logging(level: &str, rate: u32) -> (Cluster, Session) {
    let cluster = Cluster::start_with(&format!(
        "-c shared_preload_libraries=holdfast -c holdfast.worker=off -c logging_collector=on \
         -c log_destination=jsonlog,csvlog -c log_filename=attempts.log -c log_error_verbosity=terse \
         -c holdfast.log_attempts={level} -c holdfast.log_attempts_per_second={rate}"
    ));
    let mut session = cluster.install("logged");
    session.run(JSON);
    (cluster, session)
}

/// The attempts that were written, once there are so many.
#[track_caller]
fn written(session: &mut Session, number: usize) -> Vec<Value> {
    eventually(session, &format!("select count(*) >= {number} from attempts"));
    let all: Value = session.value("select coalesce(jsonb_agg(attempt order by number), '[]') from attempts");
    let all = all.as_array().expect("rows").clone();
    assert_eq!(all.len(), number, "{all:?}");
    all
}

#[test]
fn what_was_refused_or_failed_is_written_once() {
    let (cluster, mut session) = logging("refused", 10_000);
    let room = session.room(3);
    let (booking, hold) = session.held(&room, &room.tables[..1]);

    // Raised, and so rolled back; then inside of a block that catches it.
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    session.run(&format!("set holdfast.traceparent = '{trace}'; set holdfast.path = 'background'"));
    let refused = session.refused(&confirm(booking, &[], "Schlüssel"));
    let first = &written(&mut session, 1)[0];
    for (name, expected) in [
        ("database", json!("logged")),
        ("schema", json!("public")),
        ("function", json!("confirm_hold_assignment_with_transition")),
        ("path", json!("background")),
        ("booking_id", json!(booking)),
        ("idempotency_key", json!("Schlüssel")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("outcome", json!("tables_missing")),
        ("code", json!("HF502")),
        ("sqlstate", json!(refused.sqlstate)),
        ("message", json!(refused.message)),
        ("suppressed", json!(0)),
    ] {
        assert_eq!(first[name], expected, "{name}");
    }
    let span: String = session.value("select span_id from holdfast.spans where part is null");
    assert_eq!(first["span_id"], json!(span));
    assert!(first["ms"].as_f64().is_some_and(|ms| ms > 0.0));

    // Returned, with its limit: one line, and none for the hold's release.
    let mut blocker = Session::new(cluster.connect("logged"));
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    assert_eq!(session.outcome(&within(booking, hold, "key", 50))["outcome"], "timeout_before_confirm");
    assert_eq!(written(&mut session, 2)[1]["outcome"], "timeout_before_confirm");

    // Cut off in the middle: said when the process ends.
    let caller = Session::new(cluster.connect("logged"));
    let pending = behind(&mut session, blocker.pid, caller, &confirm(booking, &room.tables[..1], "cut"));
    session.run(&format!("select pg_terminate_backend({})", pending.pid));
    drop(pending);
    let cut = &written(&mut session, 3)[2];
    assert_eq!((&cut["outcome"], &cut["idempotency_key"]), (&json!("failed"), &json!("cut")));
    blocker.run("rollback");

    // What a trigger says may name a guest.
    session.run(
        "create function raise_now() returns trigger language plpgsql as $$
           begin raise 'Mrs Miller' using errcode = 'XY123', detail = 'miller@example.org'; end $$;
         create trigger stop before insert on public.allocations for each row execute function raise_now()",
    );
    session.refused(&confirm(booking, &room.tables[..1], "key"));
    let last = &written(&mut session, 4)[3];
    assert_eq!((&last["sqlstate"], &last["outcome"]), (&json!("XY123"), &json!("failed")));
    assert!(!last.to_string().contains("Miller"));

    // A success is not written, nor what its caller takes back.
    session.run("drop trigger stop on public.allocations; begin");
    session.done(&confirm(booking, &room.tables[..1], "key"));
    session.run("rollback");
    written(&mut session, 4);

    assert_fields(&mut session, &cluster, 4);
}

/// The log's own fields: the SQLSTATE, and no statement, in both of its forms.
fn assert_fields(session: &mut Session, cluster: &Cluster, number: i64) {
    let fields: i64 = session.value(
        "select count(*) from attempts where log ->> 'state_code' = attempt ->> 'sqlstate' and not log ? 'statement'
         and not log ? 'context' and log ->> 'error_severity' = 'LOG' and log ->> 'dbname' = 'logged'",
    );
    assert_eq!(fields, number);
    session.run(&format!("{CSV}; copy log_csv from '{}/log/attempts.csv' with csv", cluster.data().display()));
    let same: i64 = session.value(
        "select count(*) from log_csv join attempts on message::jsonb = attempt
         where message like '{\"event\":\"holdfast.attempt\"%' and state = attempt ->> 'sqlstate' and query is null",
    );
    assert_eq!(same, number);
}

/// The rest is counted, and the next line says how many.
#[test]
fn a_second_has_so_many_lines() {
    let (_cluster, mut session) = logging("refused", 3);
    let room = session.room(1);
    let booking = session.booking(room.restaurant);
    let call = confirm(booking, &[], "key").sql();
    session.run(&format!(
        "do $$ begin for number in 1..200 loop
           begin perform {call}; exception when check_violation then null; end;
         end loop; end $$"
    ));
    session.run("select pg_sleep(1.1)");
    session.refused(&confirm(booking, &[], "last"));
    eventually(&mut session, "select exists (select from attempts where attempt ->> 'idempotency_key' = 'last')");
    let (lines, suppressed): (i64, i64) = {
        let row: Value =
            session.value("select jsonb_build_array(count(*), sum((attempt ->> 'suppressed')::bigint)) from attempts");
        (row[0].as_i64().expect("a number"), row[1].as_i64().expect("a number"))
    };
    assert_eq!(lines + suppressed, 201, "each is written, or told of by the next");
    assert!(suppressed > 0, "it was too fast for three a second");
}

#[test]
fn a_level_says_what_is_written() {
    let (_cluster, mut session) = logging("failed", 10_000);
    let room = session.room(1);
    let booking = session.booking(room.restaurant);
    session.refused(&confirm(booking, &[], "refused"));
    session.run("set lock_timeout = 1; set holdfast.log_attempts = off");
    session.run(
        "create function raise_now() returns trigger language plpgsql as $$ begin raise 'now'; end $$;
         create trigger stop before insert on public.allocations for each row execute function raise_now()",
    );
    session.refused(&confirm(booking, &room.tables, "off"));
    session.run("reset holdfast.log_attempts");
    session.refused(&confirm(booking, &room.tables, "failed"));
    assert_eq!(written(&mut session, 1)[0]["idempotency_key"], "failed");
    // Nobody but who owns the server or the database says what is written.
    session.run("create role somebody; set role somebody");
    assert_eq!(session.try_run("set holdfast.log_attempts = off").expect_err("not theirs").sqlstate, "42501");
}
