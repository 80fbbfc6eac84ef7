//! What must hold at any moment, however the evening went: every query names the rows that break a promise.

use crate::Session;

/// A promise, and the query for what breaks it. One key per booking is assumed, and no move but the confirm.
const PROMISES: &[(&str, &str)] = &[
    (
        "G2: no table has two overlapping live allocations",
        "select a.id, b.id as other from allocations a join allocations b on a.id < b.id and a.resource_type = 'table'
         and b.resource_type = 'table' and a.resource_id = b.resource_id and a.\"window\" && b.\"window\"
         and not a.shadow and not b.shadow",
    ),
    (
        "every assignment has its allocation, with the same window",
        "select s.id from booking_table_assignments s left join allocations a on a.id = s.allocation_id
         and a.booking_id = s.booking_id and a.resource_type = 'table' and a.resource_id = s.table_id
         and a.\"window\" = tstzrange(s.start_at, s.end_at, '[)') where a.id is null",
    ),
    (
        "every allocation of a table has its assignment",
        "select a.id from allocations a where a.resource_type = 'table' and not a.is_maintenance
         and not exists (select from booking_table_assignments s where s.allocation_id = a.id)",
    ),
    (
        "a booking is confirmed exactly when it has tables",
        "select b.id, b.status from bookings b where (b.status = 'confirmed')
         <> exists (select from booking_table_assignments s where s.booking_id = b.id)",
    ),
    (
        "the ledger has one confirmed answer exactly for each confirmed booking",
        "select b.id, b.status from bookings b where (b.status = 'confirmed')::int
         <> (select count(*) from booking_assignment_idempotency l where l.booking_id = b.id and l.outcome = 'confirmed')",
    ),
    (
        "the ledger's answer is what the booking has",
        "select l.booking_id from booking_assignment_idempotency l where l.outcome = 'confirmed' and
         (l.table_ids, l.assignment_ids) is distinct from (
           select (array_agg(s.table_id order by s.table_id), array_agg(s.id order by s.table_id))
           from booking_table_assignments s where s.booking_id = l.booking_id)",
    ),
    (
        "one transaction wrote booking, assignments, allocations, ledger and history",
        "select l.booking_id from booking_assignment_idempotency l where l.outcome = 'confirmed' and exists (
           select from (select s.xmin from booking_table_assignments s where s.booking_id = l.booking_id
             union all select a.xmin from allocations a where a.booking_id = l.booking_id and not a.shadow
             union all select h.xmin from booking_state_history h where h.booking_id = l.booking_id
             union all select r.xmin from booking_confirmation_results r where r.booking_id = l.booking_id
           ) t where t.xmin <> l.xmin)",
    ),
    (
        "each confirmed booking became so once",
        "select b.id from bookings b where (b.status = 'confirmed')::int
         <> (select count(*) from booking_state_history h where h.booking_id = b.id and h.to_status = 'confirmed')",
    ),
    (
        "each confirm was told once",
        "select b.id from bookings b where (b.status = 'confirmed')::int <> (
           select count(*) from capacity_outbox o
           where o.booking_id = b.id and o.event_type = 'capacity.assignment.sync')",
    ),
    (
        "a confirmed hold belongs to a confirmed booking and has its tables",
        "select h.id from table_holds h join bookings b on b.id = h.booking_id where h.status = 'confirmed' and (
           b.status <> 'confirmed' or (select array_agg(m.table_id order by 1) from table_hold_members m where m.hold_id = h.id)
           <> (select array_agg(s.table_id order by 1) from booking_table_assignments s where s.booking_id = b.id))",
    ),
    (
        "a mirror stands exactly beside each open hold",
        "select coalesce(h.id, a.resource_id) from (select * from table_holds where status = 'active') h
         full join (select * from allocations where resource_type = 'hold') a on a.resource_id = h.id
         where h.id is null or a.id is null",
    ),
    (
        "several tables are one group, one table is none",
        "select s.booking_id from booking_table_assignments s group by s.booking_id
         having count(distinct s.merge_group_id) <> (count(*) > 1)::int
         or count(s.merge_group_id) not in (0, count(*))",
    ),
];

/// Asserts every promise; the message names what broke it.
pub fn assert_invariants(session: &mut Session) {
    session.run("set search_path = public");
    for (promise, query) in PROMISES {
        let broken: Vec<String> = session.column(&format!("select to_jsonb(t)::text from ({query}) t"));
        assert!(broken.is_empty(), "broken: {promise}\n{broken:#?}");
    }
}
