//! Sessions and servers are killed while they write shared memory, and it is reset while they do: nobody waits for ever, nothing
//! that is read is torn, and the sum holds in the epoch that begins. `HOLDFAST_SECONDS` is how long.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Dice, Guests, Room, Session, assert_no_drift, at, confirm};
use uuid::Uuid;

const GUESTS: usize = 6;

/// What somebody reads who is told half of one thing and half of another; each key ends with its booking.
const TORN: &str = "
  select format('span %s', to_jsonb(s)) from holdfast.spans s
  where idempotency_key not like '% of ' || booking_id or started_at > ended_at or database <> 'killed'
  union all
  select format('in flight %s', to_jsonb(f)) from holdfast.in_flight f where idempotency_key not like '% of ' || booking_id
  union all
  select format('counted %s', to_jsonb(c)) from holdfast.stat_confirm c
  where least(started, ended, in_flight, prepared) < 0 or greatest(started, ended) > 1000000000 or in_flight > 1000
     or (database, schema) is distinct from ('killed', 'public')
  union all
  select format('phase %s', to_jsonb(p)) from holdfast.stat_phase p where least(calls, total_ms) < 0";

/// Reads all the time, and resets now and then; how often it did.
fn reader(guests: &Guests, enough: &AtomicBool) -> (usize, usize) {
    let (mut own, mut reads, mut resets) = (guests.connect(), 0, 0);
    while !enough.load(Relaxed) {
        let reset = reads % 5 == 4;
        let query = if reset { "select holdfast.stat_reset()::text" } else { TORN };
        match own.query(query, &[]) {
            Ok(rows) if reset => resets += rows.len(),
            Ok(rows) => assert!(rows.is_empty(), "torn: {}", rows[0].get::<_, String>(0)),
            Err(error) => {
                assert!(own.is_closed(), "not a killed server: {error:?}");
                own = guests.connect();
            }
        }
        reads += 1;
    }
    (reads, resets)
}

/// Nothing of before is left, and nothing is in anybody's way.
fn assert_at_rest(guests: &Guests, room: &Room, round: i64) {
    let mut session = Session::new(guests.connect());
    let left: Vec<String> = session.column("select gid from pg_prepared_xacts");
    left.iter().for_each(|gid| session.run(&format!("rollback prepared '{gid}'")));
    assert_no_drift(&mut session);
    let waiting = "select count(*) from pg_locks where not granted or mode = 'ExclusiveLock' and locktype = 'advisory'";
    assert_eq!(session.value::<i64>(waiting), 0, "somebody left a lock");
    let flying: i64 = session.value("select count(*) from holdfast.in_flight");
    assert_eq!(flying, 0, "somebody who is gone is in flight");
    let shift = chrono::Duration::days(100 + round);
    let booking = session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift);
    session.done(&confirm(booking, &room.tables[..1], &format!("last of {booking}")));
    assert_no_drift(&mut session);
}

#[test]
fn whoever_is_killed_the_memory_is_whole() {
    let seconds = std::env::var("HOLDFAST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let seed = std::env::var("HOLDFAST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(11);
    println!("HOLDFAST_SEED={seed} HOLDFAST_SECONDS={seconds}");
    // A ring that laps all the time.
    let cluster =
        Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker=off -c holdfast.spans=16");
    let mut session = cluster.install("killed");
    let room = session.room(GUESTS);
    let bookings: Vec<Uuid> = (0..12)
        .map(|day| {
            let shift = chrono::Duration::days(day);
            session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
        })
        .collect();
    drop(session);
    let guests = Guests { cluster: &cluster, database: "killed", bookings, tables: room.tables.clone(), seed };
    let (mut dice, until) = (Dice::new(seed), Instant::now() + Duration::from_secs(seconds));
    let (mut killed, mut crashed, mut reads, mut resets, mut round) = (0, 0, 0, 0, 0);
    while Instant::now() < until || crashed == 0 || resets == 0 {
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            let (guests, enough) = (&guests, &enough);
            for number in 0..GUESTS {
                scope.spawn(move || guests.go_on(number, enough));
            }
            let reader = scope.spawn(move || reader(guests, enough));
            for _ in 0..3 {
                thread::sleep(Duration::from_millis(100 + dice.roll(300) as u64));
                let mut session = Session::new(guests.connect());
                let victims = "select pid from pg_stat_activity where application_name = 'guest' and state = 'active'
                               and pid <> pg_backend_pid()";
                let victims = session.client.query(victims, &[]).unwrap_or_default();
                if !victims.is_empty() {
                    cluster.kill_one(victims[dice.roll(victims.len())].get(0));
                    killed += 1;
                }
            }
            // The last load of the round ends in peace, or with the server.
            thread::sleep(Duration::from_millis(200));
            if round % 2 == 0 {
                drop(guests.connect());
                cluster.kill();
                cluster.launch();
                crashed += 1;
                thread::sleep(Duration::from_millis(200));
            }
            enough.store(true, Relaxed);
            let (read, reset) = reader.join().expect("nothing is torn");
            (reads, resets) = (reads + read, resets + reset);
        });
        assert_at_rest(&guests, &room, round);
        round += 1;
    }
    println!("{killed} sessions and {crashed} servers killed, {reads} reads, {resets} resets");
}
