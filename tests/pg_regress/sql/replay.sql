-- Replay: one answer per key. The same request gets it again; another request under that key is told how it differs.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
select holdfast.create_reference_schema('floor');
select holdfast.attach('floor');
reset client_min_messages;
set search_path = floor;
set timezone = 'UTC';
set datestyle = 'ISO';
\set VERBOSITY default
\set SHOW_CONTEXT never

-- Trattoria: a terrace with tables t1 to t4 (t1–t2–t3 side by side) and a fixed table t9 in the bar.
\set trattoria 00000000-0000-0000-0000-0000000000e1
\set terrace 00000000-0000-0000-0000-0000000000d1
\set bar 00000000-0000-0000-0000-0000000000d2
\set t1 00000000-0000-0000-0000-0000000000a1
\set t2 00000000-0000-0000-0000-0000000000a2
\set t3 00000000-0000-0000-0000-0000000000a3
\set t4 00000000-0000-0000-0000-0000000000a4
\set t9 00000000-0000-0000-0000-0000000000a9
insert into restaurants (id, timezone) values (:'trattoria', 'Europe/Rome');
insert into zones (id, restaurant_id, name) values (:'terrace', :'trattoria', 'terrace'), (:'bar', :'trattoria', 'bar');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity, mobility) values
  (:'t1', :'trattoria', :'terrace', '1', 2, 'movable'), (:'t2', :'trattoria', :'terrace', '2', 2, 'movable'),
  (:'t3', :'trattoria', :'terrace', '3', 4, 'movable'), (:'t4', :'trattoria', :'terrace', '4', 4, 'movable'),
  (:'t9', :'trattoria', :'bar', '9', 6, 'fixed');
insert into table_adjacencies values (:'t1', :'t2'), (:'t2', :'t3');

-- Anna, Bruno and Carla want the same evening.
\set anna 00000000-0000-0000-0000-0000000000b1
\set bruno 00000000-0000-0000-0000-0000000000b2
\set carla 00000000-0000-0000-0000-0000000000b3
insert into bookings (id, restaurant_id, party_size, start_at, end_at) values
  (:'anna', :'trattoria', 2, '2031-05-01 18:00Z', '2031-05-01 20:00Z'),
  (:'bruno', :'trattoria', 2, '2031-05-01 19:00Z', '2031-05-01 21:00Z'),
  (:'carla', :'trattoria', 4, '2031-05-01 20:00Z', '2031-05-01 22:00Z');

select table_id, start_at from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-1');
-- The same again: the same answer, nothing written.
select table_id, start_at from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-1');
select table_id, start_at from confirm_hold_assignment_with_transition(
  p_booking_id => :'anna', p_table_ids => array[:'t1', :'t1']::uuid[], p_idempotency_key => 'anna-1',
  p_start_at => '2031-05-01 18:00Z', p_end_at => '2031-05-01 20:00Z', p_history_reason => 'a retry');
select (select count(*) from booking_state_history) as moves, (select count(*) from capacity_outbox) as events,
       (select count(*) from booking_assignment_idempotency) as answers;

-- Another request under the key. HINT names every field that differs, as JSON.
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t2']::uuid[], 'anna-1');
\echo :SQLSTATE
select table_id from confirm_hold_assignment_with_transition(
  p_booking_id => :'anna', p_table_ids => array[:'t1']::uuid[], p_idempotency_key => 'anna-1',
  p_start_at => '2031-05-01 18:30Z', p_end_at => '2031-05-01 20:00Z');
select table_id from confirm_hold_assignment_with_transition(
  p_booking_id => :'anna', p_table_ids => array[:'t2', :'t3']::uuid[], p_idempotency_key => 'anna-1',
  p_require_adjacency => true, p_assigned_by => '00000000-0000-0000-0000-0000000000f1');

-- A key belongs to its booking: Bruno's is another.
select table_id from confirm_hold_assignment_with_transition(:'bruno', array[:'t2']::uuid[], 'anna-1');
-- No key, no memory: the tables stand already, and the answer is the same.
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], null);
-- An empty key is none and not NULL either.
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], '');
\echo :SQLSTATE
select table_id from assign_tables_atomic_v2(:'anna', array[:'t1']::uuid[], E' \t');

-- The tables are gone: the key does not pretend. A new key starts afresh.
select table_id from unassign_tables_atomic(:'anna');
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-1');
\echo :SQLSTATE
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-2');
-- The guest cancels, a worker asks again: refused, and the booking stays cancelled.
update bookings set status = 'cancelled' where id = :'anna';
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-2');
\echo :SQLSTATE
select status from bookings where id = :'anna';

-- The native call returns a refusal instead of raising it; a final one binds its key and is replayed.
update table_inventory set active = false where id = :'t4';
select outcome, code, sqlstate, message, transient, replayed from holdfast.confirm_tables(
  'floor', p_booking_id => :'carla', p_table_ids => array[:'t4']::uuid[], p_idempotency_key => 'carla-1');
update table_inventory set active = true where id = :'t4';
select outcome, code, sqlstate, message, transient, replayed from holdfast.confirm_tables(
  'floor', p_booking_id => :'carla', p_table_ids => array[:'t4']::uuid[], p_idempotency_key => 'carla-1');
-- The contract's function raises the same answer, and refuses another request.
select table_id from confirm_hold_assignment_with_transition(:'carla', array[:'t4']::uuid[], 'carla-1');
select table_id from confirm_hold_assignment_with_transition(:'carla', array[:'t3']::uuid[], 'carla-1');
-- A raised refusal binds nothing: it was rolled back with its transaction.
update table_inventory set active = false where id = :'t4';
select table_id from confirm_hold_assignment_with_transition(:'carla', array[:'t4']::uuid[], 'carla-2');
update table_inventory set active = true where id = :'t4';
select table_id from confirm_hold_assignment_with_transition(:'carla', array[:'t4']::uuid[], 'carla-2');
-- A transient refusal binds nothing either, also when it is returned.
select outcome, transient, replayed from holdfast.confirm_tables(
  'floor', p_booking_id => :'bruno', p_table_ids => array[:'t4']::uuid[], p_idempotency_key => 'bruno-2');
select table_id from unassign_tables_atomic(:'carla');
select outcome, transient, replayed from holdfast.confirm_tables(
  'floor', p_booking_id => :'bruno', p_table_ids => array[:'t4']::uuid[], p_idempotency_key => 'bruno-2');

set client_min_messages = warning;
drop schema floor cascade;
