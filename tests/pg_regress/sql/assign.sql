-- Assign: tables are added to a booking, or taken away, and its status stays.
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

select table_id, start_at, end_at, merge_group_id from assign_tables_atomic_v2(
  p_booking_id => :'anna', p_table_ids => array[:'t1']::uuid[]);
-- One more: the earlier one stays.
select table_id from assign_tables_atomic_v2(:'anna', array[:'t2']::uuid[], 'anna-2');
select table_id, idempotency_key from booking_table_assignments where booking_id = :'anna' order by table_id;
select status from bookings where id = :'anna';
-- Under the same key: the same answer; another table: a mismatch.
select table_id from assign_tables_atomic_v2(:'anna', array[:'t2']::uuid[], 'anna-2');
select table_id from assign_tables_atomic_v2(:'anna', array[:'t3']::uuid[], 'anna-2');
-- Two at once are joined, and have to be connected when that is asked for.
select table_id, merge_group_id is not null as joined from assign_tables_atomic_v2(
  p_booking_id => :'carla', p_table_ids => array[:'t4', :'t3']::uuid[]);
select table_id from assign_tables_atomic_v2(
  p_booking_id => :'bruno', p_table_ids => array[:'t3', :'t1']::uuid[], p_require_adjacency => true);
-- All of a booking's tables stand in one zone.
select table_id from assign_tables_atomic_v2(:'anna', array[:'t9']::uuid[]);

-- Taken away: some, all, and none that are left.
select table_id from unassign_tables_atomic(p_booking_id => :'anna', p_table_ids => array[:'t2', :'t4']::uuid[]);
select table_id from unassign_tables_atomic(p_booking_id => :'carla');
select table_id from unassign_tables_atomic(:'carla', null);
select count(*) as claims, count(*) filter (where resource_type = 'merge_group') as groups from allocations;

-- The two older forms return nothing.
select assign_single_table(p_booking_id => :'bruno', p_table_id => :'t4', p_idempotency_key => 'bruno-1');
select assign_merged_tables(p_booking_id => :'carla', p_table_ids => array[:'t2', :'t3']::uuid[],
                            p_require_adjacency => true, p_assigned_by => '00000000-0000-0000-0000-0000000000f1');
select right(booking_id::text, 2) as booking, table_id, assigned_by from booking_table_assignments
order by booking_id, table_id;
-- assign_merged_tables asks for connected tables unless told otherwise.
select assign_merged_tables(:'anna', array[:'t3', :'t4']::uuid[]);

set client_min_messages = warning;
drop schema floor cascade;
