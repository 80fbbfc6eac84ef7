-- Reconcile: the two states that services read after a confirm whose answer they don't trust, and what does not agree.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

select * from reconcile_booking(p_booking_id => :'anna');
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-1');
select booking_state, assignment_state, jsonb_path_query_array(findings, '$[*].finding') as findings
from reconcile_booking(:'anna');
select table_id from unassign_tables_atomic(:'anna');
select booking_state, assignment_state, jsonb_path_query_array(findings, '$[*].finding') as findings
from reconcile_booking(:'anna');
select table_id from assign_tables_atomic_v2(:'bruno', array[:'t1']::uuid[]);
select booking_state, assignment_state, jsonb_path_query_array(findings, '$[*].finding') as findings
from reconcile_booking(:'bruno');
-- Somebody took the claim away behind our back.
delete from allocations where booking_id = :'bruno';
select booking_state, assignment_state, jsonb_path_query_array(findings, '$[*].finding') as findings
from reconcile_booking(:'bruno');
update bookings set status = 'cancelled' where id = :'carla';
select booking_state, assignment_state, jsonb_path_query_array(findings, '$[*].finding') as findings
from reconcile_booking(:'carla');
select * from reconcile_booking('00000000-0000-0000-0000-0000000000bf');
\echo :SQLSTATE

set client_min_messages = warning;
drop schema floor cascade;
