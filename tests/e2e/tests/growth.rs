//! What grows with every booking, and what takes it away again.

use holdfast_e2e::{Cluster, Session, confirm, eventually};

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
