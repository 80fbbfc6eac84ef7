//! Sixteen sessions, the same tables, the same keys; some are cut off in the middle. Afterwards nothing is double booked
//! and nothing is orphaned.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Crowd, Dice, Floor, assert_invariants, behind, confirm, native};

const SESSIONS: u64 = 16;
const EVENING: Duration = Duration::from_secs(4);

/// Ends sessions of the crowd at random while the evening lasts; returns how many it ended.
fn cut_off(floor: &mut Floor, dice: &mut Dice, until: Instant) -> usize {
    let mut ended = 0;
    while Instant::now() < until {
        let busy: Vec<i32> = floor.column(
            "select pid from pg_stat_activity where datname = current_database() and application_name = 'guest'
             and state = 'active' order by pid",
        );
        if !busy.is_empty() {
            let victim = busy[dice.roll(busy.len())];
            ended += usize::from(floor.value::<bool>(&format!("select pg_terminate_backend({victim})")));
        }
        thread::sleep(Duration::from_millis(40));
    }
    ended
}

#[test]
fn sixteen_sessions_leave_nothing_double_and_nothing_orphaned() {
    let seed = std::env::var("HOLDFAST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_270_501);
    println!("HOLDFAST_SEED={seed}");
    let mut floor = Floor::new();
    let server = floor.server().clone();
    let crowd = Crowd::gather(&mut floor, &server, 8, 40);
    let guests: Vec<_> = (0..SESSIONS)
        .map(|guest| {
            let crowd = Arc::clone(&crowd);
            thread::spawn(move || crowd.visit(seed + guest))
        })
        .collect();
    let ended = cut_off(&mut floor, &mut Dice::new(seed), Instant::now() + EVENING);
    crowd.over.store(true, Ordering::Relaxed);
    let answered: usize = guests.into_iter().map(|guest| guest.join().expect("no unexpected answer")).sum();
    let told = crowd.assert_acknowledged(&mut floor);
    let confirmed = floor.count("bookings", "status = 'confirmed'");
    println!(
        "{answered} calls answered, {told} of them confirms; {confirmed} bookings confirmed; {ended} sessions ended"
    );
    assert!(answered > 200 && ended > 10 && confirmed >= 3 && told > 20, "the evening was too quiet to say anything");
    assert_invariants(&mut floor);
    // The floor is not stuck: whoever is not confirmed is refused by those who are, and by nothing else.
    floor.run("update public.table_holds set expires_at = clock_timestamp() where status = 'active'");
    for number in 0..crowd.bookings.len() {
        let booking = crowd.bookings[number];
        match floor.call(&confirm(booking, &crowd.wish(number), &format!("key of {booking}"))) {
            Ok(rows) => assert_eq!(rows.len(), crowd.wish(number).len()),
            Err(refusal) => _ = refusal.says("P0001", "allocations_no_overlap"),
        }
    }
    assert_invariants(&mut floor);
}

/// The same key in every session at once: one of them does it, all get the same answer.
#[test]
fn one_key_in_all_sessions_has_one_effect() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    for round in 0..20 {
        let booking = floor.booking_at(
            room.restaurant,
            holdfast_e2e::at("10:00") + chrono::Duration::days(round),
            holdfast_e2e::at("12:00") + chrono::Duration::days(round),
        );
        let call = confirm(booking, &room.tables, "key");
        let callers: Vec<_> = (0..4).map(|_| holdfast_e2e::Pending::start(floor.session(), &call)).collect();
        let answers: Vec<_> = callers.into_iter().map(|caller| caller.finish().1.expect("an answer")).collect();
        assert!(answers.iter().all(|answer| answer.len() == 3 && *answer == answers[0]), "{answers:?}");
    }
    assert_eq!(floor.count("booking_state_history", "true"), 20);
    assert_invariants(&mut floor);
}

/// Somebody who takes none of our locks writes an allocation; the confirm has looked already and waits for the constraint.
#[test]
fn a_faster_writer_without_our_locks_is_a_conflict() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, table) = (floor.booking(room.restaurant), room.tables[0]);
    let by_hand = format!(
        "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
         values ('{}', 'table', '{table}', '[2027-05-01 19:00Z, 2027-05-01 21:00Z)', true)",
        room.restaurant
    );
    let native = native("confirm_tables")
        .with("p_booking_id", booking)
        .with("p_table_ids", &room.tables)
        .with("p_idempotency_key", "key");
    for call in [confirm(booking, &room.tables, "key"), native] {
        let mut writer = floor.session();
        writer.run(&format!("begin; {by_hand}"));
        let other = floor.session();
        let waiting = behind(&mut floor, writer.pid, other, &call);
        writer.run("commit");
        let (_, answer) = waiting.finish();
        let refusal = answer.expect_err("raised, so that what was written goes away");
        refusal
            .says("P0001", "allocations_no_overlap")
            .detail_begins(&format!("Resource {table} overlaps requested window for booking {booking}"))
            .code("HF601");
        assert_eq!(floor.count("booking_table_assignments", "true") + floor.count("booking_state_history", "true"), 0);
        floor.run("delete from public.allocations");
    }
}

/// An application's own constraint on assignments speaks in the contract's words too.
#[test]
fn an_exclusion_of_the_applications_assignments_is_a_conflict() {
    let mut floor = Floor::new();
    floor.run(
        "alter table public.booking_table_assignments add constraint assignments_no_overlap
         exclude using gist (table_id with =, tstzrange(start_at, end_at, '[)') with &&)",
    );
    let room = floor.room(1);
    let (first, second, table) = (floor.booking(room.restaurant), floor.booking(room.restaurant), room.tables[0]);
    let mut writer = floor.session();
    writer.run(&format!(
        "begin; insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at)
         values ('{first}', '{table}', '2027-05-01 19:00Z', '2027-05-01 21:00Z')"
    ));
    let other = floor.session();
    let waiting = behind(&mut floor, writer.pid, other, &confirm(second, &room.tables, "key"));
    writer.run("commit");
    let refusal = waiting.finish().1.expect_err("the table is taken");
    refusal.says("P0001", "allocations_no_overlap").code("HF601");
    assert_eq!(floor.count("allocations", "true"), 0);
}

/// Somebody who takes none of our locks binds the key: a retry reads what they wrote, here that the booking is confirmed,
/// and sees that it is not.
#[test]
fn a_key_that_somebody_else_has_just_bound_asks_for_a_retry() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let call = confirm(booking, &room.tables, "key");
    let mut writer = floor.session();
    writer.run(&format!(
        "begin; insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
         values ('{booking}', 'key', array['{}'::uuid], '[2027-05-01 18:00Z, 2027-05-01 20:00Z)')",
        room.tables[0]
    ));
    let other = floor.session();
    let waiting = behind(&mut floor, writer.pid, other, &call);
    writer.run("commit");
    let (mut other, answer) = waiting.finish();
    assert_eq!(answer.expect_err("bound meanwhile").code("HF603").sqlstate, "40001");
    assert_eq!(floor.count("booking_table_assignments", "true"), 0);
    other.refused(&call).says_status("pending", &["confirmed"]);
}
