-- Assign: tables are added to a booking, or taken away, and its status stays.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

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
