//! What grows with every booking, and what takes it away again.

use holdfast_e2e::{Cluster, Floor, Session, confirm, confirm_hold, eventually};

/// Waits until a setting of the server has this value.
fn set(session: &mut Session, name: &str, value: &str) {
    session.run(&format!("alter system set {name} = {value}"));
    session.run("select pg_reload_conf()");
    eventually(session, &format!("select current_setting('{name}') = '{value}'"));
}

/// An answer that is gone is missed while it should be kept: as long as the setting says, in every statement that asks.
#[test]
fn answers_are_missed_for_as_long_as_the_setting_says() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("floor");
    let room = session.room(1);
    let booking = session.booking(room.restaurant);
    session.seats(&confirm(booking, &room.tables, "key"));
    session.run(
        "delete from public.booking_assignment_idempotency;
         update public.booking_table_assignments set assigned_at = now() - interval '20 days'",
    );
    let violations = "select (holdfast.audit('public')->>'violations')::bigint";
    let listed = "select count(*) from public.holdfast_reconciliation where finding = 'answer_missing'";
    let found = "select count(*) from public.reconcile_booking((select id from public.bookings)) r,
      jsonb_array_elements(r.findings) f where f->>'finding' = 'answer_missing'";
    for (days, missed) in [("90", 1), ("10", 0), ("21", 1), ("19", 0)] {
        set(&mut session, "holdfast.ledger_retention_days", days);
        assert_eq!(session.value::<i64>(violations), missed, "audit, {days} days");
        assert_eq!(session.value::<i64>(listed), missed, "view, {days} days");
        assert_eq!(session.value::<i64>(found), missed, "one booking, {days} days");
    }
}

/// Closed holds, events that nobody could deliver, and marks of bookings that are gone are deleted when they are old.
#[test]
fn what_ended_long_ago_is_deleted() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, hold) = floor.held(&room, &room.tables[..1]);
    floor.seats(&confirm_hold(hold, booking, "key"));
    let (_, live) = floor.held(&room, &room.tables[1..2]);
    let (_, young) = floor.held(&room, &room.tables[2..]);
    floor.run(&format!(
        "update public.table_holds set status = 'expired', expires_at = now() - interval '89 days' where id = '{young}';
         update public.table_holds set expires_at = now() - interval '91 days' where id = '{hold}';
         insert into public.holdfast_pruned values ('{booking}', now()), (gen_random_uuid(), now());
         insert into public.capacity_outbox (status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id)
         select 'dead', 'x', age::text, 10, now() - age, '{restaurant}' from unnest('{{91 days, 89 days}}'::interval[]) age",
        restaurant = room.restaurant
    ));
    let pruned = "select done from holdfast.sweep('public') where task = 'prune_ended'";
    assert_eq!(floor.value::<i64>(pruned), 3, "one of each");
    let mut left: Vec<String> = floor.column("select id::text from public.table_holds");
    left.sort();
    let mut expected = [live, young].map(|id| id.to_string());
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(floor.count("table_hold_members", "true"), 2, "members go with their hold");
    assert_eq!(floor.column::<String>("select booking_id::text from public.holdfast_pruned"), [booking.to_string()]);
    assert_eq!(
        floor.column::<String>("select dedupe_key from public.capacity_outbox where status = 'dead'"),
        ["89 days"]
    );
    assert_eq!(floor.value::<i64>(pruned), 0);
    // A table of the application's that points at a hold keeps it, and nothing else.
    floor.run(&format!(
        "create table public.notes (hold_id uuid references public.table_holds);
         insert into public.notes values ('{young}');
         update public.table_holds set expires_at = now() - interval '91 days' where id = '{young}';
         delete from public.bookings where id = '{booking}'"
    ));
    let error: String =
        floor.value("select error from holdfast.sweep('public') where task = 'prune_ended' and done = 1");
    assert!(error.starts_with("23503: "), "{error}");
}
