//! The outbox from a consumer's side: claim, acknowledge, fail; leases, back-off, dead letters.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use holdfast_e2e::foreign::OTHER_LABELS;
use holdfast_e2e::{Call, Dice, Floor, GRANTED, Literal, Server, Session, Sql, confirm, unassign};
use serde_json::Value;

fn claim(consumer: &str) -> Call {
    Call::new("outbox_claim").with("p_consumer", consumer)
}

fn ids(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["id"].as_i64().expect("a number")).collect()
}

fn array(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("array[{}]::bigint[]", ids.join(", "))
}

fn ack(session: &mut Session, consumer: &str, given: &[i64]) -> Vec<i64> {
    let call = Call::new("outbox_ack").with("p_ids", Sql(&array(given))).with("p_consumer", consumer);
    let rows = session.done(&call);
    rows.iter().map(|row| row.as_i64().or_else(|| row["id"].as_i64()).expect("a number")).collect()
}

fn fail(id: i64, consumer: &str) -> Call {
    Call::new("outbox_fail")
        .with("p_id", Sql(&id.to_string()))
        .with("p_error", "connection refused")
        .with("p_consumer", consumer)
}

/// A floor with confirms: each tells of its tables.
fn told(confirms: usize) -> Floor {
    let mut floor = Floor::new();
    let room = floor.room(confirms);
    for table in &room.tables {
        let booking = floor.booking(room.restaurant);
        floor.seats(&confirm(booking, &[*table], "key"));
    }
    assert_eq!(floor.count("capacity_outbox", "status = 'pending'"), i64::try_from(confirms).expect("few"));
    floor
}

fn make_due(floor: &mut Floor) {
    floor.run("update public.capacity_outbox set next_attempt_at = clock_timestamp() - interval '1 ms'");
}

#[test]
fn an_event_is_given_to_one_consumer_and_is_done_when_it_says_so() {
    let mut floor = told(3);
    let mut granted = floor.session_as(GRANTED);
    let first = granted.done(&claim("a").with("p_limit", 2));
    let second = floor.done(&claim("b"));
    assert_eq!((first.len(), second.len()), (2, 1));
    assert_eq!(floor.done(&claim("c")).len(), 0);
    let event = &first[0];
    assert_eq!(event["event_type"], "capacity.assignment.sync");
    assert_eq!(event["attempt_count"], 1);
    assert_eq!(event["payload"]["bookingId"], event["booking_id"]);
    let all: Vec<i64> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert_eq!(ack(&mut granted, "a", &all), ids(&first), "the other's is not a's to acknowledge");
    assert_eq!(ack(&mut granted, "a", &all), Vec::<i64>::new(), "once");
    assert_eq!(ack(&mut floor, "b", &ids(&second)), ids(&second));
    assert_eq!(floor.count("capacity_outbox", "status = 'done' and attempt_count = 1"), 3);
}

#[test]
fn a_consumer_that_went_away_loses_its_events() {
    let mut floor = told(1);
    let lost = ids(&floor.done(&claim("a")));
    make_due(&mut floor);
    let taken = floor.done(&claim("b"));
    assert_eq!(ids(&taken), lost);
    assert_eq!(taken[0]["attempt_count"], 2);
    assert_eq!(ack(&mut floor, "a", &lost), Vec::<i64>::new(), "it is b's now");
    assert!(floor.done(&fail(lost[0], "a")).is_empty());
    assert_eq!(ack(&mut floor, "b", &lost), lost);
}

/// Late, but nobody else has it: that answer counts.
#[test]
fn a_late_answer_counts_while_nobody_else_has_the_event() {
    let mut floor = told(1);
    let mine = ids(&floor.done(&claim("a")));
    make_due(&mut floor);
    assert_eq!(ack(&mut floor, "a", &mine), mine);
}

#[test]
fn what_failed_comes_back_later_and_is_dead_in_the_end() {
    let mut floor = told(1);
    let id = ids(&floor.done(&claim("a")))[0];
    let answer = floor.outcome(&fail(id, "a"));
    assert_eq!(answer["status"], "pending");
    let pause = "select next_attempt_at - clock_timestamp() between interval '0.5 s' and interval '1 s' from public.capacity_outbox";
    assert!(floor.value::<bool>(pause), "one second after the first attempt");
    assert_eq!(floor.done(&claim("a")).len(), 0, "not yet");
    make_due(&mut floor);
    floor.done(&claim("a"));
    assert_eq!(floor.outcome(&fail(id, "a").with("p_retry_seconds", 0))["status"], "pending");
    for attempt in 3..=10 {
        make_due(&mut floor);
        assert_eq!(floor.done(&claim("a"))[0]["attempt_count"], attempt);
        let status = if attempt < 10 { "pending" } else { "dead" };
        assert_eq!(floor.outcome(&fail(id, "a"))["status"], status, "attempt {attempt}");
    }
    make_due(&mut floor);
    assert_eq!(floor.done(&claim("a")).len(), 0, "dead is dead");
    assert_eq!(floor.count("capacity_outbox", "status = 'dead' and last_error = 'connection refused'"), 1);
}

/// An event that kills its consumers is put aside, too.
#[test]
fn an_event_that_nobody_survives_is_dead_in_the_end() {
    let mut floor = told(2);
    for _ in 0..10 {
        make_due(&mut floor);
        assert_eq!(floor.done(&claim("a").with("p_limit", 1)).len(), 1);
        floor.run("update public.capacity_outbox set next_attempt_at = 'infinity' where status = 'pending'");
    }
    floor.run("update public.capacity_outbox set next_attempt_at = clock_timestamp() where status = 'processing'");
    assert_eq!(floor.done(&claim("a")).len(), 0);
    assert_eq!(floor.count("capacity_outbox", "status = 'dead' and last_error is not null"), 1);
}

#[test]
fn a_receipt_is_told_once_also_after_the_first_was_done() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    for key in ["first", "second"] {
        floor.seats(&confirm(booking, &room.tables, key));
        floor.seats(&confirm(booking, &room.tables, key));
        let events = floor.done(&claim("a"));
        let told = events.iter().filter(|event| event["idempotency_key"] == key).count();
        assert_eq!(told, 1, "{key}: told once");
        assert_eq!(ack(&mut floor, "a", &ids(&events)).len(), events.len());
        floor.done(&unassign(booking));
        floor.set("bookings", booking, "status", "pending");
    }
}

#[test]
fn odd_arguments_are_refused_in_words() {
    let mut floor = told(1);
    let odd = [
        claim(" "),
        claim("a").with("p_consumer", Sql("null")),
        claim("a").with("p_limit", 0),
        claim("a").with("p_lease_seconds", 86_401),
        Call::new("outbox_ack").with("p_ids", Sql("null")).with("p_consumer", ""),
        fail(1, ""),
    ];
    for call in odd {
        assert_eq!(floor.refused(&call).sqlstate, "22023", "{}", call.sql());
    }
    let nothing = Call::new("outbox_ack").with("p_ids", Sql("array[null]::bigint[]")).with("p_consumer", "a");
    assert_eq!(floor.done(&nothing).len(), 0);
    assert_eq!(floor.done(&fail(1, "a").with("p_id", Sql("null::bigint"))).len(), 0);
    let id = ids(&floor.done(&claim("a")))[0];
    assert_eq!(floor.refused(&fail(id, "a").with("p_retry_seconds", -1)).sqlstate, "22023");
}

/// An application that calls its events by UUID.
#[test]
fn events_by_uuid_are_given_and_acknowledged() {
    let mut other = OTHER_LABELS.install();
    let schema = OTHER_LABELS.schema;
    other.run(&format!(
        "create extension holdfast cascade; select holdfast.attach({});
         insert into {schema}.capacity_outbox (event_type, dedupe_key, restaurant_id)
         select 'e', n::text, gen_random_uuid() from generate_series(1, 3) n",
        schema.literal()
    ));
    let claimed: Vec<uuid::Uuid> = other.column(&format!("select id from {schema}.outbox_claim('a', 2)"));
    assert_eq!(claimed.len(), 2);
    let (first, second) = (claimed[0], claimed[1]);
    let acked: Vec<uuid::Uuid> = other.column(&format!("select id from {schema}.outbox_ack('{{{first}}}', 'a')"));
    assert_eq!(acked, [first]);
    let status: String = other.value(&format!("select status from {schema}.outbox_fail('{second}', 'no', 'a')"));
    assert_eq!(status, "pending");
}

/// What a consumer did before it went away.
#[derive(Default)]
struct Deliveries {
    delivered: Vec<i64>,
    acknowledged: Vec<i64>,
}

/// Works until nothing is open any more, and crashes now and then: before the delivery, after it, in the middle of an
/// acknowledgement that may have been committed or not.
fn relay(server: &Server, database: &str, name: &str, seed: u64) -> Deliveries {
    let (mut dice, mut done, mut life) = (Dice::new(seed), Deliveries::default(), 0);
    loop {
        life += 1;
        let consumer = format!("{name}, life {life}");
        let mut session = Session::new(server.connect(database, name));
        if session.count("capacity_outbox", "status in ('pending', 'processing')") == 0 {
            return done;
        }
        while let Ok(events) = session.call(&claim(&consumer).with("p_limit", 7).with("p_lease_seconds", 1)) {
            let ids = ids(&events);
            if ids.is_empty() {
                thread::sleep(Duration::from_millis(50));
                break;
            }
            let crash = dice.roll(15);
            if crash == 0 {
                break;
            }
            done.delivered.extend(&ids);
            if crash == 1 {
                break;
            }
            if crash == 2 {
                // The answer is on its way when the session dies: nobody is told, and nothing is kept.
                session.run("begin");
                ack(&mut session, &consumer, &ids);
                break;
            }
            if crash == 3 {
                let call = fail(ids[0], &consumer).with("p_retry_seconds", 0);
                session.done(&call);
            }
            done.acknowledged.extend(ack(&mut session, &consumer, &ids));
        }
    }
}

#[test]
fn three_consumers_that_crash_deliver_everything_and_acknowledge_it_once() {
    let mut floor = Floor::new();
    floor.run(
        "insert into public.capacity_outbox (event_type, dedupe_key, restaurant_id)
         select 'e', n::text, gen_random_uuid() from generate_series(1, 200) n",
    );
    let (server, database) = (floor.server().clone(), floor.name.clone());
    let relays: Vec<_> = (0..3)
        .map(|number| {
            let (server, database) = (server.clone(), database.clone());
            thread::spawn(move || relay(&server, &database, &format!("relay {number}"), 7 + number))
        })
        .collect();
    let done: Vec<Deliveries> =
        relays.into_iter().map(|relay| relay.join().expect("a relay that ended well")).collect();
    let delivered: BTreeSet<i64> = done.iter().flat_map(|relay| &relay.delivered).copied().collect();
    let mut acknowledged: Vec<i64> = done.iter().flat_map(|relay| &relay.acknowledged).copied().collect();
    acknowledged.sort_unstable();
    let all: Vec<i64> = floor.column("select id from public.capacity_outbox order by id");
    let done: Vec<i64> = floor.column("select id from public.capacity_outbox where status = 'done' order by id");
    assert_eq!(done, all, "nothing is left, nothing is dead");
    assert!(all.iter().all(|id| delivered.contains(id)), "each is delivered at least once");
    assert_eq!(acknowledged, all, "each is acknowledged exactly once");
    assert!(floor.count("capacity_outbox", "attempt_count > 1") > 10, "there were crashes to recover from");
}
