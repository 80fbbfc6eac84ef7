//! What rolled back is told to services by the worker: once, or it is counted as lost. A server of its own, for its memory.

use chrono::Duration;
use holdfast_e2e::{Call, Cluster, Room, Session, at, confirm, eventually};
use serde_json::Value;
use uuid::Uuid;

fn booking(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let shift = Duration::days(day);
    session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
}

/// Types with their outcomes, in order, as soon as there are so many.
#[track_caller]
fn told(session: &mut Session, booking: Uuid, number: usize) -> Vec<String> {
    let from = format!("public.observability_events where booking_id = '{booking}'");
    eventually(session, &format!("select count(*) >= {number} from {from}"));
    session
        .column(&format!("select event_type || coalesce(' ' || (context ->> 'outcome'), '') from {from} order by id"))
}

fn counts(session: &mut Session) -> (i64, i64) {
    let counts: Value = session.value("select jsonb_build_array(observed, unobserved) from holdfast.stat_spans");
    serde_json::from_value(counts).expect("two numbers")
}

#[test]
fn services_read_of_what_rolled_back() {
    let options = "-c shared_preload_libraries=holdfast -c holdfast.observability_events=*";
    let cluster = Cluster::start_with(options);
    let mut session = cluster.install("rolled_back");
    let room = session.room(1);
    let days: Vec<Uuid> = (0..6).map(|day| booking(&mut session, &room, day)).collect();

    // Refused by a raise; taken back by the caller, whole or in part; and the automatic path.
    session.refused(&confirm(days[0], &[], "key"));
    assert_eq!(told(&mut session, days[0], 2), ["transaction.started", "transaction.failed tables_missing"]);
    let call = confirm(days[1], &room.tables, "key");
    session.run("begin; savepoint a");
    session.done(&call);
    session.run("rollback to savepoint a");
    session.done(&call);
    session.run("commit");
    let expected = [
        "transaction.failed rolled_back",
        "transaction.started",
        "transaction.started",
        "transaction.succeeded confirmed",
    ];
    let mut both = told(&mut session, days[1], 4);
    both.sort();
    assert_eq!(both, expected);
    session.run("begin");
    let automatic = Call::new("run_auto_assign")
        .with("p_booking_id", days[2])
        .with("p_hold_id", None::<Uuid>)
        .with("p_trigger", "background");
    session.outcome(&automatic);
    session.run("rollback");
    let failed = told(&mut session, days[2], 6);
    assert!(failed.iter().any(|row| row.starts_with("auto_assign.failed")), "{failed:?}");
    let row: Value = session.value(&format!(
        "select to_jsonb(e) from public.observability_events e where event_type = 'transaction.failed' and booking_id = '{}'",
        days[0]
    ));
    assert_eq!(row["context"]["idempotencyKey"], "key");
    assert!(row["context"]["endedAt"].is_string() && row["restaurant_id"] == room.restaurant.to_string(), "{row}");
    assert_eq!(counts(&mut session), (3, 0));

    // A table that refuses the row costs that row, and stops nobody.
    session.run(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'no such row'; end $$;
         create trigger refuse before insert on public.observability_events for each row execute function refuse()",
    );
    session.refused(&confirm(days[3], &[], "key"));
    eventually(&mut session, "select unobserved = 1 from holdfast.stat_spans");
    session.run("drop trigger refuse on public.observability_events");
    session.refused(&confirm(days[4], &[], "key"));
    told(&mut session, days[4], 2);
    assert_eq!(counts(&mut session), (4, 1));
    let all: i64 = session.value("select count(*) from public.observability_events");
    assert_eq!(all, 2 + 4 + failed.len() as i64 + 2, "each is told once");
}

/// Nobody comes to tell: what newer attempts drive out is counted.
#[test]
fn what_nobody_told_is_counted() {
    let options = "-c shared_preload_libraries=holdfast -c holdfast.worker=off -c holdfast.spans=4";
    let cluster = Cluster::start_with(options);
    let mut session = cluster.install("rolled_back");
    let room = session.room(1);
    let only = booking(&mut session, &room, 0);
    session.refused(&confirm(only, &[], "key"));
    session.run("set holdfast.observability_events = 'transaction.failed'");
    for _ in 0..10 {
        session.refused(&confirm(only, &[], "key"));
    }
    eventually(&mut session, "select unobserved = 6 from holdfast.stat_spans");
    session.run("select holdfast.sweep('public')");
    assert_eq!(told(&mut session, only, 4), ["transaction.failed tables_missing"; 4]);
    assert_eq!(counts(&mut session), (4, 6));
}
