//! A healthy database under full load: the view, reconciliation, the looks of the worker and the audit find nothing that is
//! not there. A program of its own: it loads the server. `HOLDFAST_SECONDS` is how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Call, Cluster, Crowd, Dice, Session, Sql, eventually, in_time};
use serde_json::Value;
use uuid::Uuid;

/// What the polls came to.
#[derive(Default)]
struct Polls {
    views: usize,
    bookings: usize,
    audits: usize,
}

/// Reads everything, again and again; what is more than a word for the worker must not come up.
fn poll(cluster: &Cluster, crowd: &Crowd, seed: u64, over: &AtomicBool) -> Polls {
    let mut session = Session::new(cluster.connect("floor"));
    let (mut dice, mut polls) = (Dice::new(seed), Polls::default());
    while !over.load(Ordering::Relaxed) {
        let seen: Vec<Value> =
            session.column("select to_jsonb(v) from public.holdfast_reconciliation v where severity <> 'info'");
        assert!(seen.is_empty(), "the view: {seen:#?}");
        polls.views += 1;
        for _ in 0..20 {
            let booking = crowd.bookings[dice.roll(crowd.bookings.len())];
            let found: Value = session.value(&format!(
                "select jsonb_path_query_array(findings, '$[*] ? (@.severity != \"info\")')
                 from public.reconcile_booking('{booking}')"
            ));
            assert_eq!(found, Value::Array(vec![]), "booking {booking}");
            polls.bookings += 1;
        }
        let certificate: Value = session.value("select holdfast.audit('public')");
        assert_eq!(certificate["violations"], 0, "{certificate:#}");
        polls.audits += 1;
    }
    polls
}

/// Guests who change their mind: a confirmed booking is cancelled, as a service does it.
fn cancel(cluster: &Cluster, crowd: &Crowd, seed: u64, over: &AtomicBool) -> usize {
    let mut session = Session::new(cluster.connect("floor"));
    let (mut dice, mut cancelled) = (Dice::new(seed), 0);
    while !over.load(Ordering::Relaxed) {
        let booking: Uuid = crowd.bookings[dice.roll(crowd.bookings.len())];
        let call = Call::new("apply_booking_state_transition")
            .with("p_booking_id", booking)
            .with("p_status", "cancelled")
            .with("p_checked_in_at", None::<Uuid>)
            .with("p_checked_out_at", None::<Uuid>)
            .with("p_updated_at", Sql("now()"))
            .with("p_history_from", "confirmed")
            .with("p_history_to", "cancelled")
            .with("p_history_changed_by", None::<Uuid>)
            .with("p_history_changed_at", Sql("now()"))
            .with("p_history_reason", "guest");
        cancelled += usize::from(session.call(&call).is_ok());
        thread::sleep(Duration::from_millis(50));
    }
    cancelled
}

#[test]
fn nothing_is_found_that_is_not_there() {
    let seconds = std::env::var("HOLDFAST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1 -c holdfast.reconcile_interval=1",
    );
    let mut session = cluster.install("floor");
    eventually(&mut session, "select exists (select from public.holdfast_commit_scan where seen is not null)");
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut answered, mut cancelled, mut polls) = (0, 0, Polls::default());
    for round in 0_u64.. {
        let confirmed = session.count("booking_assignment_idempotency", "outcome = 'confirmed'");
        // On a busy machine little happens in the time.
        let enough = confirmed > 20 && cancelled > 0 && polls.audits > 1;
        if Instant::now() >= until && (enough || round == 20) {
            assert!(enough, "little happened");
            break;
        }
        // Each round has bookings that nobody has touched.
        let crowd = Crowd::gather(&mut session, &cluster.server, 120, 360);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let guests: Vec<_> = (0..4)
                .map(|guest| {
                    let crowd = Arc::clone(&crowd);
                    scope.spawn(move || crowd.visit(1000 * round + guest))
                })
                .collect();
            let reader = scope.spawn(|| poll(&cluster, &crowd, round, &over));
            let leaver = scope.spawn(|| cancel(&cluster, &crowd, round, &over));
            let end = Instant::now() + Duration::from_secs(8);
            while Instant::now() < end && !reader.is_finished() {
                thread::sleep(Duration::from_millis(100));
            }
            over.store(true, Ordering::Relaxed);
            let seen = reader.join().unwrap_or_else(|panic| {
                crowd.over.store(true, Ordering::Relaxed);
                std::panic::resume_unwind(panic)
            });
            crowd.over.store(true, Ordering::Relaxed);
            answered += guests.into_iter().map(|guest| guest.join().expect("no unexpected answer")).sum::<usize>();
            cancelled += leaver.join().expect("no unexpected answer");
            polls.views += seen.views;
            polls.bookings += seen.bookings;
            polls.audits += seen.audits;
        });
    }
    let confirmed = session.count("booking_assignment_idempotency", "outcome = 'confirmed'");
    // Every commit is looked at in the end; a look that took long on a busy machine rests long.
    let looked_at = format!("select commits >= {confirmed} from public.holdfast_commit_scan");
    in_time(&mut session, &looked_at, Duration::from_secs(120));
    let looks: Value = session.value("select done from holdfast.stat_worker where database = current_database()");
    println!(
        "{answered} calls, {confirmed} confirms, {cancelled} cancelled; read: {} views, {} bookings, {} audits; the worker: {looks}",
        polls.views, polls.bookings, polls.audits
    );
    assert_eq!(session.count("observability_events", "event_type = 'transaction.reconciled_mismatch'"), 0);
    assert_eq!(session.count("holdfast_findings", "true"), 0);
    assert_eq!(looks["scan_live_bookings"], 0, "{looks}");
    assert_eq!(session.value::<i64>("select (holdfast.audit('public')->>'violations')::bigint"), 0);
}
