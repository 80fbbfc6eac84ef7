//! Every way in which a healthy database can be broken behind our back, and what has to be found then.

use chrono::Duration;
use uuid::Uuid;

use crate::outbox::EVENTS_GONE;
use crate::{Call, Room, Session, at};

/// One way to break a booking that was confirmed by hold, under the key `key`, on two joined tables.
pub struct Break {
    pub name: &'static str,
    /// `{b}` is the booking, `{o}` another one, `{r}` another restaurant, `{n}` a number of its own.
    sql: &'static str,
    /// What has to be found, at least.
    pub finds: &'static [&'static str],
    /// Can a repair decide it?
    pub decided: bool,
}

const fn of(name: &'static str, sql: &'static str, finds: &'static [&'static str], decided: bool) -> Break {
    Break { name, sql, finds, decided }
}

pub const BREAKS: &[Break] = &[
    of(
        "tables gone, claims and all",
        "delete from booking_table_assignments where booking_id = '{b}'; delete from allocations where booking_id = '{b}'",
        &["confirmed_without_tables"],
        false,
    ),
    of(
        "assignments gone",
        "delete from booking_table_assignments where booking_id = '{b}'",
        &["allocation_without_assignment", "confirmed_without_tables"],
        true,
    ),
    of(
        "one assignment gone",
        "delete from booking_table_assignments where id = (
           select id from booking_table_assignments where booking_id = '{b}' order by table_id limit 1)",
        &["allocation_without_assignment"],
        true,
    ),
    of(
        "claims of tables gone",
        "delete from allocations where booking_id = '{b}' and resource_type = 'table'",
        &["assignment_without_allocation"],
        true,
    ),
    of(
        "a claim for a table that the booking never had",
        "insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select '{b}', t.restaurant_id, 'table', t.id, '[2028-01-01 12:00Z, 2028-01-01 13:00Z)' from table_inventory t
         where not exists (select from booking_table_assignments a where a.table_id = t.id and a.booking_id = '{b}')
           and not exists (select from allocations a where a.resource_id = t.id and a.booking_id = '{b}')
           and t.restaurant_id = (select restaurant_id from bookings where id = '{b}') order by t.id limit 1",
        &["allocation_without_assignment"],
        true,
    ),
    of(
        "claims longer than the assignments",
        "update allocations set \"window\" = tstzrange(lower(\"window\"), upper(\"window\") + interval '10 minutes', '[)')
         where booking_id = '{b}' and resource_type = 'table'",
        &["window_differs_from_allocation"],
        true,
    ),
    of(
        "assignments moved away from their claims",
        "update booking_table_assignments set start_at = start_at + interval '5 minutes' where booking_id = '{b}'",
        &["window_differs_from_allocation", "window_differs_from_booking"],
        true,
    ),
    of(
        "rescheduled to another day",
        "update bookings set start_at = start_at + interval '400 days', end_at = end_at + interval '400 days' where id = '{b}'",
        &["window_outside_booking"],
        false,
    ),
    of(
        "rescheduled by half an hour",
        "update bookings set end_at = end_at + interval '30 minutes' where id = '{b}'",
        &["window_left_behind"],
        false,
    ),
    of(
        "rescheduled into another booking on the same tables",
        "update bookings set start_at = start_at + interval '2 hours', end_at = end_at + interval '2 hours' where id = '{o}';
         update bookings set end_at = end_at + interval '1 hour' where id = '{b}';
         insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select '{o}', restaurant_id, 'table', resource_id, tstzrange(upper(\"window\"), upper(\"window\") + interval '2 hours') from allocations where booking_id = '{b}' and resource_type = 'table';
         insert into booking_table_assignments (booking_id, table_id, start_at, end_at)
         select '{o}', table_id, end_at, end_at + interval '2 hours' from booking_table_assignments where booking_id = '{b}'",
        &["window_left_behind", "bookings_overlap"],
        false,
    ),
    of("a party that grew", "update bookings set party_size = 99 where id = '{b}'", &["party_exceeds_tables"], false),
    of(
        "a table not in use",
        "update table_inventory set active = false where id in (select table_id from booking_table_assignments where booking_id = '{b}')",
        &["table_inactive"],
        false,
    ),
    of(
        "a table out of service",
        "update table_inventory set status = 'out_of_service'
         where id in (select table_id from booking_table_assignments where booking_id = '{b}')",
        &["table_out_of_service"],
        false,
    ),
    of(
        "a table in another zone",
        "with z as (insert into zones (restaurant_id) select restaurant_id from bookings where id = '{b}' returning id)
         update table_inventory t set zone_id = z.id from z where t.id in (
           select table_id from booking_table_assignments where booking_id = '{b}' order by table_id limit 1)",
        &["tables_in_two_zones"],
        false,
    ),
    of(
        "tables that were to stand side by side taken apart",
        "update booking_assignment_idempotency set request = request || '{\"require_adjacency\": true}' where booking_id = '{b}';
         delete from table_adjacencies e using booking_table_assignments a
         where a.booking_id = '{b}' and a.table_id in (e.table_a, e.table_b)",
        &["tables_not_adjacent"],
        false,
    ),
    of(
        "one hold consumed by two",
        "insert into booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window,
           table_set_hash, payload_checksum, expires_at, created_at, outcome, hold_id)
         select '{o}', 'another', table_ids, assignment_window, table_set_hash, payload_checksum, expires_at, created_at,
           'assigned', hold_id from booking_assignment_idempotency where booking_id = '{b}' and hold_id is not null;
         update table_holds set booking_id = '{o}' where booking_id = '{b}'",
        &["hold_consumed_twice"],
        false,
    ),
    of(
        "a hold that has no tables",
        "insert into table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
         select id, restaurant_id, start_at, end_at, now() + interval '1 hour' from bookings where id = '{b}'",
        &["hold_without_tables"],
        true,
    ),
    of(
        "a hold for ever",
        "with h as (insert into table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
           select id, restaurant_id, start_at - interval '9 days', end_at - interval '9 days', end_at + interval '1 year' from bookings
           where id = '{b}' returning id)
         insert into table_hold_members select h.id, t.id from h, (
           select table_id as id from booking_table_assignments where booking_id = '{b}' limit 1) t",
        &["hold_deadline_absurd"],
        false,
    ),
    of(
        "keys gone from the assignments",
        "update booking_table_assignments set idempotency_key = null where booking_id = '{b}'",
        &["key_lost"],
        false,
    ),
    of(
        "assignments that name no claim",
        "update booking_table_assignments set allocation_id = null where booking_id = '{b}'",
        &["allocation_lost"],
        false,
    ),
    of(
        "another booking on the same tables",
        "insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select '{o}', restaurant_id, 'table', resource_id, \"window\" from allocations
         where booking_id = '{b}' and resource_type = 'table';
         insert into booking_table_assignments (booking_id, table_id, start_at, end_at)
         select '{o}', table_id, start_at, end_at from booking_table_assignments where booking_id = '{b}'",
        &["double_booked"],
        false,
    ),
    of(
        "another booking's claims on the same tables",
        "insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select '{o}', restaurant_id, 'table', resource_id, \"window\" from allocations
         where booking_id = '{b}' and resource_type = 'table'",
        &["double_booked"],
        false,
    ),
    of(
        "another booking's assignments on the same tables",
        "insert into booking_table_assignments (booking_id, table_id, start_at, end_at)
         select '{o}', table_id, start_at, end_at from booking_table_assignments where booking_id = '{b}'",
        &["double_booked"],
        false,
    ),
    of(
        "maintenance on the same tables",
        "insert into allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
         select restaurant_id, 'table', resource_id, \"window\", true from allocations
         where booking_id = '{b}' and resource_type = 'table'",
        &["double_booked"],
        false,
    ),
    of(
        "status set back",
        "update bookings set status = 'pending' where id = '{b}'",
        &["ledger_says_confirmed", "history_differs"],
        true,
    ),
    of(
        "answer gone",
        "delete from booking_assignment_idempotency where booking_id = '{b}'",
        &["answer_missing"],
        true,
    ),
    of(
        "answer turned into a fence",
        "update booking_assignment_idempotency set outcome = 'fenced' where booking_id = '{b}'",
        &["fenced_key_used"],
        false,
    ),
    of("history gone", "delete from booking_state_history where booking_id = '{b}'", &["history_differs"], true),
    of(
        "cancelled by hand",
        "update bookings set status = 'cancelled' where id = '{b}'",
        &["history_differs", "allocation_of_ended_booking"],
        true,
    ),
    of(
        "history goes on without the booking",
        "insert into booking_state_history (booking_id, from_status, to_status, changed_at)
         values ('{b}', 'confirmed', 'checked_in', now() + interval '1 second')",
        &["history_differs"],
        true,
    ),
    of(
        "confirmed by nobody",
        "update bookings set status = 'confirmed' where id = '{b}'; delete from booking_assignment_idempotency where booking_id = '{b}';
         delete from booking_table_assignments where booking_id = '{b}'; delete from allocations where booking_id = '{b}';
         delete from booking_state_history where booking_id = '{b}'; delete from capacity_outbox where booking_id = '{b}'",
        &["confirmed_without_tables"],
        false,
    ),
    of("events gone", EVENTS_GONE, &["event_missing"], true),
    of(
        "hold opened again",
        "update table_holds set status = 'active', expires_at = now() + interval '1 day' where booking_id = '{b}'",
        &["hold_open_after_confirmation"],
        true,
    ),
    of(
        "a hold without a window",
        "with h as (insert into table_holds (booking_id, restaurant_id, expires_at)
           select id, restaurant_id, now() + interval '1 hour' from bookings where id = '{b}' returning id)
         insert into table_hold_members select h.id, t.id from h, (
           select table_id as id from booking_table_assignments where booking_id = '{b}' limit 1) t",
        &["hold_without_window"],
        true,
    ),
    of(
        "a hold that nobody tidied up",
        "insert into table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
         select id, restaurant_id, start_at, end_at, now() - interval '1 hour' from bookings where id = '{b}'",
        &["hold_past_deadline"],
        true,
    ),
    of(
        "a mirror of no hold",
        "insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\", shadow)
         select id, restaurant_id, 'hold', gen_random_uuid(), tstzrange(start_at, end_at, '[)'), true from bookings where id = '{b}'",
        &["mirror_without_hold"],
        true,
    ),
    of(
        "the group's claim gone",
        "delete from allocations where booking_id = '{b}' and resource_type = 'merge_group'",
        &["merge_group_without_allocation"],
        true,
    ),
    of(
        "a table out of its group",
        "update booking_table_assignments set merge_group_id = null where id = (
           select id from booking_table_assignments where booking_id = '{b}' order by table_id limit 1)",
        &["merge_group_incomplete"],
        true,
    ),
    of(
        "a group without members",
        "insert into allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         select id, restaurant_id, 'merge_group', gen_random_uuid(), tstzrange(start_at, end_at, '[)') from bookings where id = '{b}'",
        &["merge_group_incomplete"],
        true,
    ),
    of(
        "a table marked as occupied",
        "update table_inventory set status = 'occupied' where id = (
           select table_id from booking_table_assignments where booking_id = '{b}' order by table_id limit 1)",
        &["table_status_unexplained"],
        true,
    ),
    of(
        "claims of another restaurant",
        "update allocations set restaurant_id = '{r}' where booking_id = '{b}'",
        &["other_tenant"],
        false,
    ),
    of(
        "a table of another restaurant",
        "with t as (insert into table_inventory (restaurant_id, table_number, capacity)
           values ('{r}', gen_random_uuid()::text, 4) returning id)
         update booking_table_assignments set table_id = t.id from t where booking_id = '{b}' and table_id = (
           select min(table_id::text)::uuid from booking_table_assignments where booking_id = '{b}')",
        &["other_tenant", "assignment_without_allocation", "allocation_without_assignment"],
        false,
    ),
    of(
        "a hold on a table of another restaurant",
        "with t as (insert into table_inventory (restaurant_id, table_number, capacity)
           values ('{r}', gen_random_uuid()::text, 4) returning id),
         h as (insert into table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
           select id, restaurant_id, start_at, end_at, now() + interval '1 hour' from bookings where id = '{b}' returning id)
         insert into table_hold_members select h.id, t.id from h, t",
        &["other_tenant"],
        false,
    ),
    of(
        "the booking moved to another restaurant",
        "update bookings set restaurant_id = '{r}' where id = '{b}'",
        &["other_tenant"],
        false,
    ),
    of(
        "a hold of another restaurant",
        "with h as (insert into table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
           select id, '{r}', start_at, end_at, now() + interval '1 hour' from bookings where id = '{b}' returning id)
         insert into table_hold_members select h.id, t.id from h, (select id from table_inventory
           where id not in (select table_id from booking_table_assignments) limit 1) t",
        &["other_tenant"],
        false,
    ),
];

impl Break {
    /// Breaks the booking.
    pub fn apply(&self, session: &mut Session, booking: Uuid, other: Uuid, restaurant: Uuid) {
        let words = [("{b}", booking), ("{o}", other), ("{r}", restaurant)];
        let sql = words.iter().fold(self.sql.to_owned(), |sql, (name, id)| sql.replace(name, &id.to_string()));
        session.run(&format!("set search_path = public; {sql}"));
    }
}

/// Takes away what would keep a database from breaking, as an application may never have had it.
pub fn unlock(session: &mut Session) {
    session.run(
        "alter table public.allocations drop constraint allocations_no_overlap;
         alter table public.table_holds drop constraint if exists table_holds_window_valid;
         alter table public.table_holds alter start_at drop not null, alter end_at drop not null",
    );
}

/// A booking that is confirmed by hold on two joined tables of the room, on a day of its own.
pub fn confirmed(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let first = 2 * (usize::try_from(day).unwrap_or_default() % (room.tables.len() / 2));
    let tables = &room.tables[first..first + 2];
    let shift = Duration::days(day);
    let booking = session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift);
    let take = Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", tables);
    let held = session.done(&take).remove(0);
    let hold: Uuid = held["hold_id"].as_str().and_then(|id| id.parse().ok()).expect("a hold");
    session.done(&crate::atomic_confirm(booking, hold, "key"));
    booking
}

/// One that has no table and no story.
pub fn bystander(session: &mut Session, room: &Room, day: i64) -> Uuid {
    let shift = Duration::days(day);
    session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
}

/// The names that `reconcile_booking` finds.
pub fn found(session: &mut Session, booking: Uuid) -> Vec<String> {
    names(
        session,
        &format!(
            "select jsonb_path_query(findings, '$[*].finding') #>> '{{}}' as f from public.reconcile_booking('{booking}')"
        ),
    )
}

/// The names that the view lists for a booking, and for a table that it has.
pub fn listed(session: &mut Session, booking: Uuid) -> Vec<String> {
    names(
        session,
        &format!(
            "select finding as f from public.holdfast_reconciliation v where booking_id = '{booking}'
             or finding = 'table_status_unexplained' and exists (
               select from public.booking_table_assignments a
               where a.booking_id = '{booking}' and a.table_id::text = v.related_id)"
        ),
    )
}

fn names(session: &mut Session, query: &str) -> Vec<String> {
    session.column(&format!("select distinct f from ({query}) t order by 1"))
}
