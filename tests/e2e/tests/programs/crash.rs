//! The server is killed under load, and comes back: what was acknowledged is there, and nothing is half done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Crowd, Session, assert_invariants, confirm};

/// Kills the server in the middle of an evening and starts it again.
fn evening_with_a_crash(cluster: &Cluster, crowd: &Arc<Crowd>, seed: u64, length: Duration) -> usize {
    crowd.over.store(false, Ordering::Relaxed);
    let guests: Vec<_> = (0..8)
        .map(|guest| {
            let crowd = Arc::clone(crowd);
            thread::spawn(move || crowd.visit(seed + guest))
        })
        .collect();
    let until = Instant::now() + length;
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
    cluster.kill();
    crowd.over.store(true, Ordering::Relaxed);
    let answered = guests.into_iter().map(|guest| guest.join().expect("no unexpected answer")).sum();
    cluster.launch();
    answered
}

#[test]
fn a_crash_loses_nothing_that_was_acknowledged() {
    let cluster = Cluster::start();
    let mut session = cluster.install("crash");
    let crowd = Crowd::gather(&mut session, &cluster.server, 30, 200);
    drop(session);
    for round in 0..3 {
        let answered = evening_with_a_crash(&cluster, &crowd, 100 * round, Duration::from_millis(400));
        assert!(answered > 0, "nobody was served before the crash");
        let mut session = Session::new(cluster.connect("crash"));
        let told = crowd.assert_acknowledged(&mut session);
        println!("crash {}: {answered} calls answered, {told} confirms acknowledged so far", round + 1);
        assert!(told > 0);
        assert_invariants(&mut session);
    }
    // Every lost answer can be asked for again, with the key.
    let mut session = Session::new(cluster.connect("crash"));
    let told = crowd.acknowledged.lock().expect("nobody panicked").clone();
    let before = session.count("booking_state_history", "true");
    for (booking, wish) in told {
        let seats = session.seats(&confirm(booking, &wish, &format!("key of {booking}")));
        assert_eq!(seats.iter().map(|seat| seat.table).collect::<Vec<_>>(), wish);
    }
    assert_eq!(session.count("booking_state_history", "true"), before, "the answers were replayed");
}
