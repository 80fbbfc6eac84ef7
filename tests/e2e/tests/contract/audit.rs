//! The certificate of a schema, and the same questions asked in plain SQL: on healthy data and on every break, they agree.

use std::collections::BTreeMap;

use holdfast_e2e::breaks::{BREAKS, Break, bystander, confirmed, unlock};
use holdfast_e2e::{Call, Dice, Floor, Session, atomic_confirm, ground};
use serde_json::Value;
use uuid::Uuid;

const PROMISES: &str = include_str!("../../../../sql/audit/promises.sql");

fn audit(session: &mut Session) -> Value {
    session.value("select holdfast.audit('public')")
}

/// Check to rows examined and broken, as the certificate has them.
fn certified(certificate: &Value) -> BTreeMap<String, (i64, i64)> {
    let checks = certificate["checks"].as_array().expect("checks");
    let number = |check: &Value, name: &str| check[name].as_i64().expect("a number");
    let name = |check: &Value| check["check"].as_str().expect("a name").to_owned();
    checks.iter().map(|check| (name(check), (number(check, "examined"), number(check, "broken")))).collect()
}

/// The same, asked without holdfast.
fn asked(session: &mut Session) -> BTreeMap<String, (i64, i64)> {
    session.run(&format!("set search_path = {}; set jit = off", ground::search_path()));
    let rows = session.client.query(PROMISES, &[]).expect("plain SQL");
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

/// Whoever looks: what the house asked for is no finding, and breaks no promise.
#[test]
fn a_house_that_seats_later_has_no_finding_for_it() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let rule = |value: &str| {
        format!("update public.holdfast_booking_statuses set needs_tables = {value} where status = 'confirmed'")
    };
    floor.run(&rule("false"));
    let null = || holdfast_e2e::Sql("null");
    let moved = Call::new("apply_booking_state_transition").with("p_booking_id", booking).with("p_status", "confirmed");
    let moved = ["p_checked_in_at", "p_checked_out_at", "p_updated_at", "p_history_from", "p_history_to"]
        .into_iter()
        .chain(["p_history_changed_by", "p_history_changed_at", "p_history_reason"])
        .fold(moved, |call, name| call.with(name, null()));
    floor.done(&moved);
    for (needs, found) in [("false", 0), ("null", 1)] {
        floor.run(&rule(needs));
        let findings: i64 = floor
            .value(&format!("select jsonb_array_length(findings)::bigint from public.reconcile_booking('{booking}')"));
        assert_eq!((findings, floor.count("holdfast_reconciliation", "true")), (found, found), "{needs}");
        let certificate = audit(&mut floor);
        assert_eq!(certificate["violations"], found, "{certificate:#}");
        assert_eq!(certified(&certificate), asked(&mut floor));
    }
}

#[test]
fn a_healthy_schema_has_a_clean_certificate() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    let bookings: Vec<_> = (0..6).map(|day| confirmed(&mut floor, &room, day)).collect();
    floor.held(&room, &room.tables[..1]);
    floor.done(&holdfast_e2e::confirm(bookings[0], &room.tables[3..], "moved"));
    let certificate = audit(&mut floor);
    assert_eq!((&certificate["violations"], &certificate["notices"]), (&0.into(), &0.into()), "{certificate:#}");
    assert_eq!(certificate["counts"]["bookings"], 7);
    let promises: Vec<&str> = certificate["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter_map(|check| check["promise"].as_str())
        .collect();
    for promise in ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9"] {
        assert!(promises.contains(&promise), "{promise} was not checked");
    }
    assert_eq!(certified(&certificate), asked(&mut floor));
    // The digest is of the certificate as anybody can write it down: keys sorted, no white space.
    let mut rest = certificate.clone();
    rest.as_object_mut().expect("an object").remove("digest");
    let digest: String = floor
        .client
        .query_one("select encode(sha256(convert_to($1, 'UTF8')), 'hex')", &[&rest.to_string()])
        .expect("sha256")
        .get(0);
    assert_eq!(certificate["digest"], digest);
    let lsn = certificate["lsn_at_most"].as_str().expect("a position");
    assert!(floor.value::<bool>(&format!("select '{lsn}'::pg_lsn <= pg_current_wal_insert_lsn()")));
    let snapshot = certificate["snapshot"].as_str().expect("a snapshot");
    assert!(
        floor.value::<bool>(&format!(
            "select pg_snapshot_xmax('{snapshot}') <= pg_snapshot_xmax(pg_current_snapshot())"
        ))
    );
}

/// Breaks a booking in a room of its own, where what is broken stays broken: both see the same, and that it is worse.
fn broken(floor: &mut Floor, elsewhere: Uuid, day: i64, breaks: &[&Break]) {
    let what: Vec<&str> = breaks.iter().map(|one| one.name).collect();
    let room = floor.room(3);
    let before = certified(&audit(floor));
    let (booking, other) = (confirmed(floor, &room, day), bystander(floor, &room, day));
    breaks.iter().for_each(|one| one.apply(floor, booking, other, elsewhere));
    let after = audit(floor);
    let (seen, plain) = (certified(&after), asked(floor));
    let apart: Vec<_> = seen.iter().filter(|(name, numbers)| plain.get(*name) != Some(*numbers)).collect();
    assert!(apart.is_empty() && seen.len() == plain.len(), "{what:?}: {apart:?} in the certificate, {plain:?} in SQL");
    let worse = seen.iter().any(|(name, (_, broken))| before.get(name).is_some_and(|(_, was)| broken > was));
    assert!(worse, "{what:?} was not seen: {after:#}");
    let found = |check: &Value| check["broken"] != 0;
    let named = |check: &Value| check["examples"].as_array().is_some_and(|rows| !rows.is_empty());
    let checks = after["checks"].as_array().expect("checks");
    assert!(checks.iter().all(|check| found(check) == named(check)), "{after:#}");
}

fn unlocked() -> (Floor, Uuid) {
    let mut floor = Floor::new();
    unlock(&mut floor);
    let elsewhere = floor.restaurant("UTC");
    (floor, elsewhere)
}

#[test]
fn audit_and_plain_sql_see_the_same_breaks() {
    let (mut floor, elsewhere) = unlocked();
    for (day, one) in BREAKS.iter().enumerate() {
        broken(&mut floor, elsewhere, day as i64, &[one]);
    }
}

#[test]
fn audit_and_plain_sql_see_the_same_of_two_breaks_at_a_time() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (seed, cases) = (number("HOLDFAST_SEED").unwrap_or(20_270_501), number("HOLDFAST_CASES").unwrap_or(15));
    println!("HOLDFAST_SEED={seed}");
    let mut dice = Dice::new(seed);
    let (mut floor, elsewhere) = unlocked();
    for day in 0..cases {
        let one = dice.roll(BREAKS.len());
        let two = (one + 1 + dice.roll(BREAKS.len() - 1)) % BREAKS.len();
        broken(&mut floor, elsewhere, day as i64, &[&BREAKS[one], &BREAKS[two]]);
    }
}

/// Rows that belong to nobody: only an audit of every row can see them.
/// Also where optional tables and columns are missing.
#[test]
fn what_the_calls_do_breaks_no_promise() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    for day in 1..4 {
        confirmed(&mut floor, &room, day);
    }
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    floor.done(&atomic_confirm(booking, hold, "key"));
    floor.done(&Call::new("undo_confirm").with("p_booking_id", booking).with("p_idempotency_key", "key"));
    let repair = Call::new("repair_booking").with("p_booking_id", booking).with("p_dry_run", false);
    assert_eq!(floor.done(&repair), [] as [Value; 0]);
    let certificate = audit(&mut floor);
    assert_eq!((&certificate["violations"], &certificate["notices"]), (&0.into(), &0.into()), "{certificate:#}");
    assert_eq!(certificate["counts"]["bookings"], 4);
}

#[test]
fn orphans_are_seen() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = confirmed(&mut floor, &room, 0);
    floor.run(&format!(
        "set session_replication_role = replica; delete from public.bookings where id = '{booking}'; reset session_replication_role;
         insert into public.booking_state_history (booking_id, from_status, to_status)
         select id, 'completed', 'pending' from public.bookings"
    ));
    let other = bystander(&mut floor, &room, 1);
    floor.run(&format!(
        "insert into public.booking_state_history (booking_id, from_status, to_status) values ('{other}', 'completed', 'pending')"
    ));
    let certificate = audit(&mut floor);
    let seen = certified(&certificate);
    assert_eq!(seen, asked(&mut floor));
    for (check, broken) in [("assignments_owned", 2), ("allocations_owned", 3), ("moves_declared", 1)] {
        assert_eq!(seen[check].1, broken, "{check}: {certificate:#}");
    }
}
