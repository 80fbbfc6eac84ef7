-- Reconcile: the two states that services read after a confirm whose answer they don't trust, and what does not agree.
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
