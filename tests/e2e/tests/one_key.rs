//! A thousand calls with one key over sixty-four sessions: one of them does it, the others get its answer or stand aside.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use holdfast_e2e::{Arena, Call, Cluster, assert_invariants, atomic_confirm, native, within};
use serde_json::Value;

const SESSIONS: usize = 64;

/// Makes the calls, and tells how often each answer came.
fn thousand(arena: &Arena, level: &str, calls: usize, forms: &[Call]) -> BTreeMap<String, usize> {
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..SESSIONS {
            scope.spawn(|| {
                let mut session = arena.connect("caller");
                session.run(&format!("set default_transaction_isolation = '{level}'"));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= calls {
                        return;
                    }
                    let answer = match session.call(&forms[number % forms.len()]) {
                        Ok(rows) => said(&rows[0]),
                        Err(refusal) => refusal.sqlstate,
                    };
                    *seen.lock().expect("nobody panicked").entry(answer).or_default() += 1;
                }
            });
        }
    });
    seen.into_inner().expect("nobody panicked")
}

/// The contract's calls say nothing of a replay.
fn said(row: &Value) -> String {
    match (row["outcome"].as_str(), row["replayed"].as_bool()) {
        (Some(outcome), Some(true)) => format!("{outcome}, replayed"),
        (Some(outcome), _) => outcome.to_owned(),
        (None, _) => "rows".to_owned(),
    }
}

fn one_effect(cluster: &Cluster, calls: usize) {
    let mut session = cluster.install("one_key");
    let room = session.room(4);
    let arena = Arena::new(&cluster.server, "one_key", 1);
    for (day, level) in ["read committed", "repeatable read", "serializable"].into_iter().enumerate() {
        for automatic in [false, true] {
            let prize = session.prizes(&room, day * 4 + 2 * usize::from(automatic), 1).remove(0);
            let (booking, hold, key) = (prize.booking, prize.holds[0], prize.key.as_str());
            let forms = if automatic {
                let call = Call::new("run_auto_assign").with("p_booking_id", booking).with("p_timeout_ms", 30_000);
                vec![
                    call.clone().with("p_hold_id", hold),
                    call.with("p_hold_id", prize.holds[1]).with("p_trigger", "background"),
                ]
            } else {
                vec![
                    within(booking, hold, key, 30_000),
                    native("confirm_hold")
                        .with("p_hold_id", hold)
                        .with("p_booking_id", booking)
                        .with("p_idempotency_key", key)
                        .with("p_target_status", "confirmed"),
                    atomic_confirm(booking, hold, key),
                ]
            };
            let seen = thousand(&arena, level, calls, &forms);
            println!("{level}, automatic {automatic}: {seen:?}");
            assert_eq!(seen.values().sum::<usize>(), calls);
            assert!(seen.get("confirmed").is_none_or(|number| *number == 1), "two effects: {seen:?}");
            let known =
                ["confirmed", "confirmed, replayed", "rows", "skipped_already_confirmed", "skipped_in_progress"];
            // Above READ COMMITTED one more answer is allowed: again, please.
            let again = ["40001", "serialization_failure"];
            let expected =
                |answer: &str| known.contains(&answer) || (level != "read committed" && again.contains(&answer));
            assert!(seen.keys().all(|answer| expected(answer)), "{level}: {seen:?}");
            let history = format!("booking_id = '{booking}' and to_status = 'confirmed'");
            assert_eq!(session.count("booking_state_history", &history), 1);
            assert_eq!(session.count("booking_table_assignments", &format!("booking_id = '{booking}'")), 1);
        }
    }
    assert_invariants(&mut session);
}

#[test]
fn a_thousand_calls_have_one_effect() {
    one_effect(&Cluster::start_preloaded(), 1000);
}

#[test]
fn and_without_preloading() {
    one_effect(&Cluster::start(), 1000);
}
