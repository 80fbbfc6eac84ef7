-- Privileges: EXECUTE for the named roles only, and no right on the tables for anybody.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
create role regress_holdfast_owner;
create role regress_holdfast_service;
create role "regress_holdfast Host";
create role regress_holdfast_stranger;
select holdfast.create_reference_schema('floor');
-- The application's tables belong to a role of its own.
do $$
declare
  r regclass;
begin
  for r in select oid from pg_class where relnamespace = 'floor'::regnamespace and relkind = 'r' loop
    execute format('alter table %s owner to regress_holdfast_owner', r);
  end loop;
end
$$;
alter schema floor owner to regress_holdfast_owner;
select holdfast.attach(p_schema => 'floor', p_grant_to => array['regress_holdfast_service', 'regress_holdfast Host']);
reset client_min_messages;
set timezone = 'UTC';
set datestyle = 'ISO';
\set VERBOSITY default
\set SHOW_CONTEXT never

-- Who may: the owner of bookings, and those that were named. PUBLIC is not among them.
select p.proname, p.proowner::regrole as owner, a.grantee::regrole as may_execute
from pg_proc p cross join aclexplode(p.proacl) a
where p.pronamespace = 'floor'::regnamespace and a.privilege_type = 'EXECUTE'
order by p.proname, a.grantee::regrole::text;
select nspname, has_schema_privilege('regress_holdfast_service', oid, 'usage') as service,
       has_schema_privilege('regress_holdfast_stranger', oid, 'usage') as stranger
from pg_namespace where nspname in ('floor', 'holdfast') order by nspname;
-- What PUBLIC may call in holdfast itself: nothing.
select p.proname from pg_proc p
where p.pronamespace = 'holdfast'::regnamespace
  and has_function_privilege('regress_holdfast_stranger', p.oid, 'execute')
order by p.proname;

insert into floor.restaurants (id) values ('00000000-0000-0000-0000-0000000000e1');
insert into floor.zones (id, restaurant_id)
values ('00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-0000000000e1');
insert into floor.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
values ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000e1',
        '00000000-0000-0000-0000-0000000000d1', '1', 2);
\set anna 00000000-0000-0000-0000-0000000000b1
\set t1 00000000-0000-0000-0000-0000000000a1
insert into floor.bookings (id, restaurant_id, party_size, start_at, end_at)
values (:'anna', '00000000-0000-0000-0000-0000000000e1', 2, '2031-05-01 18:00Z', '2031-05-01 20:00Z');

-- A stranger gets nowhere, also with the schema's usage.
grant usage on schema floor to regress_holdfast_stranger;
set role regress_holdfast_stranger;
select table_id from floor.confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-1');
\echo :SQLSTATE
select floor.release_hold_and_emit(null);
select floor.auto_assign_idempotency_key(:'anna', :'anna', 2, '2031-05-01', '18:00');
reset role;

-- The service confirms, and can read or write no table.
set role regress_holdfast_service;
select status from floor.bookings;
delete from floor.allocations;
select outcome from holdfast.confirm_tables('floor', :'anna', array[:'t1']::uuid[], 'anna-1');
\echo :SQLSTATE
select table_id, start_at from floor.confirm_hold_assignment_with_transition(
  :'anna', array[:'t1']::uuid[], 'anna-1');
-- Things of its own that bear our names change nothing.
create temporary table bookings (id uuid, status text);
create temporary table allocations (id uuid);
create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select '2099-01-01'::timestamptz $$;
set search_path = pg_temp, floor;
select table_id, start_at from floor.confirm_hold_assignment_with_transition(
  :'anna', array[:'t1']::uuid[], 'anna-2');
select count(*) from pg_temp.allocations;
reset search_path;
drop table pg_temp.bookings, pg_temp.allocations;
drop function pg_temp.clock_timestamp();
-- Nothing of holdfast itself is for the service.
select holdfast.attach('floor');
\echo :SQLSTATE
select holdfast.create_reference_schema('mine');
\echo :SQLSTATE
reset role;

set client_min_messages = warning;
drop schema floor cascade;
drop role regress_holdfast_owner, regress_holdfast_service, "regress_holdfast Host", regress_holdfast_stranger;
