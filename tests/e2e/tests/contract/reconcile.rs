//! What a booking's reconciliation finds: nothing where all is well, and every break by its name.

use holdfast_e2e::{Call, Floor, Session, assign, atomic_confirm, confirm, lose_events, unassign};
use serde_json::Value;
use uuid::Uuid;

/// The names of the findings of a booking.
fn found(session: &mut Session, booking: Uuid) -> Vec<String> {
    let row = session.done(&Call::new("reconcile_booking").with("p_booking_id", booking)).remove(0);
    let findings = row["findings"].as_array().expect("an array").clone();
    for finding in &findings {
        let words = |name: &str| finding[name].as_str().is_some_and(|word| !word.is_empty());
        let complete =
            ["code", "finding", "severity", "promise", "sentence", "detail", "repair"].into_iter().all(words);
        assert!(complete && finding["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{finding}");
    }
    findings.iter().map(|finding| finding["finding"].as_str().map(str::to_owned).unwrap_or_default()).collect()
}

/// Every way that a booking legitimately stands.
#[test]
fn what_the_calls_leave_behind_agrees() {
    let mut floor = Floor::new();
    let room = floor.room(6);
    let t = room.tables.clone();
    let nothing = Vec::<String>::new();
    let (booking, hold) = floor.held(&room, &t[..2]);
    assert_eq!(found(&mut floor, booking), nothing, "held");
    floor.done(&atomic_confirm(booking, hold, "key"));
    assert_eq!(found(&mut floor, booking), nothing, "confirmed by hold");
    floor.done(&confirm(booking, &t[2..3], "second"));
    assert_eq!(found(&mut floor, booking), nothing, "moved to another table");
    floor.done(&confirm(booking, &t[2..3], "third"));
    assert_eq!(found(&mut floor, booking), nothing, "the same table under another key");
    let other = floor.booking(room.restaurant);
    floor.done(&assign(other, &t[3..4], "key"));
    assert_eq!(found(&mut floor, other), nothing, "assigned and pending");
    floor.done(&assign(other, &t[4..6], "two more"));
    assert_eq!(found(&mut floor, other), nothing, "assigned two more");
    floor.done(&unassign(other));
    assert_eq!(found(&mut floor, other), nothing, "unassigned and pending");
    for (to, from) in [("checked_in", "confirmed"), ("completed", "checked_in")] {
        let call = Call::new("apply_booking_state_transition")
            .with("p_booking_id", booking)
            .with("p_status", to)
            .with("p_checked_in_at", None::<String>)
            .with("p_checked_out_at", None::<String>)
            .with("p_updated_at", None::<String>)
            .with("p_history_from", from)
            .with("p_history_to", to)
            .with("p_history_changed_by", None::<String>)
            // A client whose clock is late.
            .with("p_history_changed_at", "2020-01-01 12:00Z")
            .with("p_history_reason", "test");
        floor.done(&call);
        let expected: &[&str] = if to == "completed" { &["allocation_of_ended_booking"] } else { &[] };
        assert_eq!(found(&mut floor, booking), expected, "{to}");
    }
}

/// The words of an event's key are written by Rust when it is emitted and by SQL when it is looked for.
#[test]
fn an_event_is_found_whatever_its_window() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    for (day, fraction) in ["", ".5", ".000001", ".123400"].into_iter().enumerate() {
        let booking = floor.booking(room.restaurant);
        floor.run(&format!(
            "update public.bookings set start_at = '2027-06-0{0} 18:00:00{fraction}Z', end_at = '2027-06-0{0} 20:00:01{fraction}Z'
             where id = '{booking}'",
            day + 1
        ));
        for key in ["key", "again"] {
            floor.done(&confirm(booking, &room.tables, key));
            assert_eq!(found(&mut floor, booking), Vec::<String>::new(), "{fraction} {key}");
        }
        lose_events(&mut floor, &format!("booking_id = '{booking}' and idempotency_key = 'again'"));
        assert_eq!(found(&mut floor, booking), ["event_missing"]);
    }
}

/// The catalogue, as a view.
#[test]
fn the_catalogue_can_be_read() {
    let mut floor = Floor::new();
    let rows: Vec<Value> = floor.column("select to_jsonb(f) from holdfast.findings f order by code");
    assert!(rows.len() > 15, "{rows:#?}");
}
