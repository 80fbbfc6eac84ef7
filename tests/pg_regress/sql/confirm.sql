-- Confirm: tables become a booking's, its status moves, and everybody who has to know can read it.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

-- The first confirm: table 1 for Anna.
select * from confirm_hold_assignment_with_transition(
  p_booking_id => :'anna', p_table_ids => array[:'t1']::uuid[], p_idempotency_key => 'anna-1');

-- All of it happened: the status and its history,
select status from bookings where id = :'anna';
select from_status, to_status, changed_by, reason, metadata from booking_state_history where booking_id = :'anna';
-- the assignment and the claim that keeps others away,
select a.table_id, a.start_at, a.end_at, a.merge_group_id, a.assigned_by, a.idempotency_key,
       a.allocation_id = al.id as has_claim
from booking_table_assignments a
join allocations al on al.booking_id = a.booking_id and al.resource_id = a.table_id
where a.booking_id = :'anna';
select resource_type, resource_id, "window", shadow, is_maintenance from allocations where booking_id = :'anna';
-- the ledger, which remembers the answer,
select idempotency_key, table_ids, assignment_window, outcome, refusal, hold_id,
       transaction_id is not null as has_receipt, expires_at - created_at = '90 days' as kept_90_days
from booking_assignment_idempotency where booking_id = :'anna';
-- the result that services read, and the event that tells others.
select idempotency_key, hold_id, table_ids, assignment_window, actor_id from booking_confirmation_results
where booking_id = :'anna';
select event_type, status, dedupe_key, idempotency_key, attempt_count from capacity_outbox where booking_id = :'anna';
-- The table's status is a view of now; a day in 2031 leaves it alone.
select status from table_inventory where id = :'t1';

-- Bruno wants the same table an hour later, while Anna still sits there.
select * from confirm_hold_assignment_with_transition(:'bruno', array[:'t1']::uuid[], 'bruno-1');
\echo :SQLSTATE
-- Carla comes when Anna leaves: windows are half open. She needs four seats, so two tables are joined.
select table_id, start_at, end_at, merge_group_id is not null as joined
from confirm_hold_assignment_with_transition(
  p_booking_id => :'carla', p_table_ids => array[:'t2', :'t1', :'t2']::uuid[], p_idempotency_key => 'carla-1',
  p_require_adjacency => true, p_assigned_by => '00000000-0000-0000-0000-0000000000f1',
  p_history_changed_by => '00000000-0000-0000-0000-0000000000f1', p_history_reason => 'host',
  p_history_metadata => '{"shift": "late"}');
select count(distinct merge_group_id) as groups, count(*) as tables from booking_table_assignments
where booking_id = :'carla';
select resource_type, count(*), bool_and(id = resource_id) as is_its_own_id from allocations
where booking_id = :'carla' group by resource_type order by resource_type;
select to_status, changed_by, reason, metadata from booking_state_history where booking_id = :'carla';

-- A confirm sets the tables to exactly the given ones: Carla moves to table 4, and 1 and 2 are free again.
select table_id, merge_group_id from confirm_hold_assignment_with_transition(
  :'carla', array[:'t4']::uuid[], 'carla-2');
select resource_type, resource_id from allocations where booking_id = :'carla';

-- A custom window that meets the booking's own.
select table_id, start_at, end_at from confirm_hold_assignment_with_transition(
  p_booking_id => :'bruno', p_table_ids => array[:'t3']::uuid[], p_idempotency_key => 'bruno-2',
  p_start_at => '2031-05-01 19:30Z', p_end_at => '2031-05-01 20:30Z');

-- A booking without instants: they are derived from date, times and the restaurant's time zone.
\set dora 00000000-0000-0000-0000-0000000000b4
insert into bookings (id, restaurant_id, party_size, booking_date, start_time, end_time)
values (:'dora', :'trattoria', 6, '2031-07-01', '20:00', '22:00');
select start_at, end_at from confirm_hold_assignment_with_transition(:'dora', array[:'t9']::uuid[], 'dora-1');

-- A guest cancels: what the booking left behind blocks nobody.
update bookings set status = 'cancelled' where id = :'anna';
select table_id from confirm_hold_assignment_with_transition(:'bruno', array[:'t1']::uuid[], 'bruno-3');
select count(*) as claims_of_anna from allocations where booking_id = :'anna';

set client_min_messages = warning;
drop schema floor cascade;
