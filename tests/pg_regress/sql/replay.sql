-- Replay: one answer per key. The same request gets it again; another request under that key is told how it differs.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

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
