-- Refusals: each in the words that callers branch on, with SQLSTATE, DETAIL and HINT.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

-- A second restaurant, and tables that have something wrong with them.
\set other 00000000-0000-0000-0000-0000000000e2
\set far 00000000-0000-0000-0000-0000000000a5
\set loose 00000000-0000-0000-0000-0000000000a6
\set closed 00000000-0000-0000-0000-0000000000a7
\set broken 00000000-0000-0000-0000-0000000000a8
\set nobody 00000000-0000-0000-0000-0000000000bf
insert into restaurants (id) values (:'other');
insert into zones (id, restaurant_id) values ('00000000-0000-0000-0000-0000000000d3', :'other');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity, active, status) values
  (:'far', :'other', '00000000-0000-0000-0000-0000000000d3', '5', 4, true, 'available'),
  (:'loose', :'trattoria', null, '6', 4, true, 'available'),
  (:'closed', :'trattoria', :'terrace', '7', 4, false, 'available'),
  (:'broken', :'trattoria', :'terrace', '8', 4, true, 'out_of_service');
\set eva 00000000-0000-0000-0000-0000000000b5
\set franco 00000000-0000-0000-0000-0000000000b6
insert into bookings (id, restaurant_id, party_size) values (:'eva', :'trattoria', 2);
insert into bookings (id, restaurant_id, party_size, booking_date, start_time, end_time)
values (:'franco', :'trattoria', 2, '2031-05-01', '22:00', '20:00');

-- Nothing of that id.
select * from confirm_hold_assignment_with_transition(:'nobody', array[:'t1']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(null, array[:'t1']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1', :'nobody']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1', null]::uuid[], 'k');
\echo :SQLSTATE
select * from atomic_confirm_and_transition(:'anna', :'nobody', 'k');
\echo :SQLSTATE

-- No tables.
select * from confirm_hold_assignment_with_transition(:'anna', null, 'k');
\echo :SQLSTATE
select * from assign_tables_atomic_v2(:'anna', '{}');
\echo :SQLSTATE

-- Windows.
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k',
  p_start_at => '2031-05-01 18:00Z');
\echo :SQLSTATE
select * from confirm_hold_assignment_tx(:'nobody', :'anna', 'k', p_window_end => '2031-05-01 18:00Z');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k',
  p_start_at => '2031-05-01 20:00Z', p_end_at => '2031-05-01 18:00Z');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k',
  p_start_at => '2031-05-01 18:00Z', p_end_at => 'infinity');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k',
  p_start_at => '2040-05-01 18:00Z', p_end_at => '2040-05-01 20:00Z');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'eva', array[:'t1']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'franco', array[:'t1']::uuid[], 'k');
\echo :SQLSTATE

-- Tables.
select * from confirm_hold_assignment_with_transition(:'anna', array[:'far']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'loose']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'closed']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'broken']::uuid[], 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1', :'t9']::uuid[], 'k');
\echo :SQLSTATE
update table_inventory set mobility = 'fixed' where id = :'t2';
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1', :'t2']::uuid[], 'k');
\echo :SQLSTATE
update table_inventory set mobility = 'movable' where id = :'t2';
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1', :'t2', :'t4']::uuid[], 'k',
  p_require_adjacency => true);
\echo :SQLSTATE
update bookings set assigned_zone_id = :'bar' where id = :'anna';
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k');
\echo :SQLSTATE
update bookings set assigned_zone_id = null where id = :'anna';

-- The party.
update bookings set party_size = 12 where id = :'carla';
select * from confirm_hold_assignment_with_transition(:'carla', array[:'t3', :'t4']::uuid[], 'k');
\echo :SQLSTATE
update bookings set party_size = 1 where id = :'carla';
update table_inventory set min_party_size = 2 where id = :'t4';
insert into holdfast_capacity_policies (restaurant_id, enforce_min_party) values (:'trattoria', true);
select * from confirm_hold_assignment_with_transition(:'carla', array[:'t4']::uuid[], 'k');
\echo :SQLSTATE
delete from holdfast_capacity_policies;

-- Somebody was faster: a live hold, a claim, an assignment without a claim.
\set hold 00000000-0000-0000-0000-0000000000c1
insert into table_holds (id, booking_id, restaurant_id, start_at, end_at, expires_at, metadata) values
  (:'hold', :'bruno', :'trattoria', '2031-05-01 19:00Z', '2031-05-01 21:00Z', '2031-01-01 00:00Z', null);
insert into table_hold_members values (:'hold', :'t3');
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t3']::uuid[], 'k');
\echo :SQLSTATE
insert into allocations (restaurant_id, resource_type, resource_id, "window", is_maintenance)
values (:'trattoria', 'table', :'t2', '[2031-05-01 12:00Z,2031-05-01 19:00Z)', true);
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1', :'t2']::uuid[], 'k');
\echo :SQLSTATE
insert into booking_table_assignments (booking_id, table_id, start_at, end_at)
values (:'bruno', :'t4', '2031-05-01 19:00Z', '2031-05-01 21:00Z');
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t4']::uuid[], 'k');
\echo :SQLSTATE

-- Holds.
select * from atomic_confirm_and_transition(:'anna', :'hold', 'k');
\echo :SQLSTATE
select * from confirm_hold_assignment_tx(:'hold', :'bruno', 'k', p_expected_policy_version => '7');
\echo :SQLSTATE
select * from confirm_hold_assignment_tx(:'hold', :'bruno', 'k', p_expected_adjacency_hash => 'abc');
\echo :SQLSTATE
update table_holds set metadata = '{"policyVersion": "8", "selection": {"snapshot": {"adjacency": {"hash": "xyz"}}}}';
select * from confirm_hold_assignment_tx(:'hold', :'bruno', 'k', p_expected_policy_version => '7');
select * from confirm_hold_assignment_tx(:'hold', :'bruno', 'k', p_expected_adjacency_hash => 'abc');
update table_holds set metadata = null, expires_at = '2026-05-01 18:00Z';
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE
-- The same sentence in every session, whatever its time zone.
set timezone = 'America/New_York';
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
set timezone = 'UTC';
update table_holds set expires_at = '2031-01-01 00:00Z', status = 'cancelled';
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE
update table_holds set status = 'active', restaurant_id = :'other';
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE
update table_holds set restaurant_id = :'trattoria';
delete from table_hold_members;
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE
insert into table_hold_members values (:'hold', :'t3');
-- Held for another day than the booking's.
update table_holds set start_at = '2031-06-01 19:00Z', end_at = '2031-06-01 21:00Z';
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE
-- An application without our constraints may have holds without a usable window.
alter table table_holds drop constraint table_holds_window_valid, alter start_at drop not null;
drop index table_holds_live_window_idx;
update table_holds set start_at = null;
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE
update table_holds set start_at = '2031-05-01 22:00Z', end_at = '2031-05-01 21:00Z';
select * from atomic_confirm_and_transition(:'bruno', :'hold', 'k');
\echo :SQLSTATE

-- One broken hold is nobody else's trouble.
begin;
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k');
rollback;
update table_holds set start_at = '2031-05-01 19:00Z';

-- What a new hold may be.
select * from hold_tables(:'anna', array[:'t1']::uuid[], p_ttl_seconds => 0);
\echo :SQLSTATE
select * from hold_tables(:'anna', array[:'closed']::uuid[]);
\echo :SQLSTATE
select * from hold_tables(null, array[:'t1']::uuid[]);
\echo :SQLSTATE
select * from hold_tables(null, array[:'t2']::uuid[], '2031-05-01 18:00Z', '2031-05-01 20:00Z');
\echo :SQLSTATE

-- The application's own errors pass through as they are.
create function guard() returns trigger language plpgsql as $$
begin
  raise exception 'No more guests tonight' using
    errcode = 'FL042', detail = 'The kitchen is closed', hint = 'Call tomorrow', constraint = 'kitchen_open';
end
$$;
create trigger guard before insert on booking_table_assignments for each row execute function guard();
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k');
\echo :SQLSTATE
-- And a trigger that swallows rows is found out.
\set VERBOSITY terse
create or replace function guard() returns trigger language plpgsql as 'begin return null; end';
select * from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'k');
\echo :SQLSTATE
select count(*) as claims_of_anna from allocations where booking_id = :'anna';

set client_min_messages = warning;
drop schema floor cascade;
