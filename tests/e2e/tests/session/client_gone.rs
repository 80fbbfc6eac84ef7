//! A client that vanishes in the middle of a call: its session ends by itself, and nothing of the attempt is left.

use std::process::{Command, Stdio};

use holdfast_e2e::{Floor, Session, confirm_outcome, eventually, within};
use serde_json::json;

/// A client in a process of its own, so that it can be killed without a word to the server.
fn client(floor: &Floor, statement: &str) -> std::process::Child {
    let server = floor.server();
    Command::new(server.programs.join("psql"))
        .args(["-X", "-h", &server.host, "-p", &server.port.to_string(), "-U", &server.user, "-d", &floor.name])
        .args(["-c", "set application_name = 'vanishing'", "-c", statement])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("psql can be started")
}

const WAITS: &str = "select exists (select from pg_stat_activity where application_name = 'vanishing'
    and datname = current_database() and wait_event_type = 'Lock')";
const ENDED: &str = "select not exists (select from pg_stat_activity where application_name = 'vanishing'
    and datname = current_database())";

#[test]
fn its_session_ends_and_its_hold_dies_with_its_deadline() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.table_inventory where id = '{}' for update", room.tables[0]));
    let call = within(booking, hold, "key", 120_000);
    let mut gone = client(&floor, &format!("select * from {}", call.sql()));
    eventually(&mut floor, WAITS);
    assert_eq!(floor.outcome(&confirm_outcome(booking, "key"))["outcome"], "running");
    gone.kill().expect("the client can be killed");
    gone.wait().expect("the client is gone");
    eventually(&mut floor, ENDED);
    let answer = floor.outcome(&confirm_outcome(booking, "key"));
    assert_eq!((&answer["outcome"], &answer["code"]), (&json!("refused"), &json!("HF619")), "its session ended");
    assert_eq!(floor.count("booking_table_assignments", "true"), 0);
    floor.set("table_holds", hold, "expires_at", "2026-01-01 00:00Z");
    assert_eq!(floor.count("table_holds", "status = 'active' and expires_at > clock_timestamp()"), 0);
    blocker.run("rollback");
}

fn interval(session: &mut Session) -> String {
    session.value("select current_setting('client_connection_check_interval')")
}

#[test]
fn the_setting_is_what_it_was_before() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    floor.run(
        "create table public.seen (value text);
         create function public.look() returns trigger language plpgsql as $$ begin
           insert into public.seen values (current_setting('client_connection_check_interval')); return new; end $$;
         create trigger look after insert on public.booking_table_assignments for each row execute function public.look()",
    );
    let mut found = Vec::new();
    for (set, table) in ["0", "7s"].into_iter().zip(&room.tables) {
        floor.run(&format!("set client_connection_check_interval = '{set}'"));
        let (booking, hold) = floor.held(&room, &[*table]);
        assert_eq!(floor.outcome(&within(booking, hold, "key", 5000))["outcome"], json!("confirmed"));
        found.push(interval(&mut floor));
    }
    assert_eq!(found, ["0", "7s"]);
    assert_eq!(floor.column::<String>("select value from public.seen"), ["500ms", "7s"], "inside the call");
}

/// A rolled back savepoint or a timeout inside the call takes nothing else of the session's settings along.
#[test]
fn a_timeout_puts_the_setting_back() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    floor.run("begin; set local work_mem = '5MB'");
    assert_eq!(floor.outcome(&within(booking, hold, "key", 700))["outcome"], "timeout_before_confirm");
    assert_eq!(interval(&mut floor), "0");
    assert_eq!(floor.value::<String>("select current_setting('work_mem')"), "5MB");
    floor.run("commit; select pg_sleep(0.7)");
    blocker.run("rollback");
}
