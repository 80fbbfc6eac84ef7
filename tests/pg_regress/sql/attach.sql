-- Attach: an application's schema is bound to holdfast: checked, completed, and given the contract's functions.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
reset client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- A schema without the tables: the error lists what is missing, and nothing is left behind.
create schema empty;
select holdfast.attach('empty');
\echo :SQLSTATE
select count(*) from pg_class where relnamespace = 'empty'::regnamespace;
select count(*) from pg_proc where pronamespace = 'empty'::regnamespace;
drop schema empty;
-- A schema that is not there.
select holdfast.attach('nowhere');
\echo :SQLSTATE
-- One table short.
select holdfast.create_reference_schema('floor');
drop table floor.table_hold_members;
select holdfast.attach('floor');
\echo :SQLSTATE
set client_min_messages = warning;
drop schema floor cascade;
reset client_min_messages;

-- A quoted, mixed-case name.
select holdfast.create_reference_schema('My App');
select holdfast.attach('"My App"');
select p.oid::regprocedure from pg_proc p where pronamespace = '"My App"'::regnamespace and proname = 'hold_tables';
insert into "My App".restaurants (id) values ('00000000-0000-0000-0000-0000000000e1');
insert into "My App".zones (id, restaurant_id)
values ('00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-0000000000e1');
insert into "My App".table_inventory (id, restaurant_id, zone_id, table_number, capacity)
values ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000e1',
        '00000000-0000-0000-0000-0000000000d1', '1', 2);
insert into "My App".bookings (id, restaurant_id, party_size, start_at, end_at)
values ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000e1', 2,
        '2031-05-01 18:00Z', '2031-05-01 20:00Z');
select table_id from "My App".confirm_hold_assignment_with_transition(
  '00000000-0000-0000-0000-0000000000b1', '{00000000-0000-0000-0000-0000000000a1}', 'one');

-- Attached twice: the same functions, the same rows.
create table before as select oid, proname, proacl from pg_proc where pronamespace = '"My App"'::regnamespace;
select holdfast.attach('"My App"');
select count(*) as changed from before b
full join (select oid, proname, proacl from pg_proc where pronamespace = '"My App"'::regnamespace) p using (oid)
where b.proname is distinct from p.proname or b.proacl is distinct from p.proacl;
select count(*) as replayed from "My App".confirm_hold_assignment_with_transition(
  '00000000-0000-0000-0000-0000000000b1', '{00000000-0000-0000-0000-0000000000a1}', 'one');
drop table before;

-- The functions find their schema by their own identity: it may be renamed.
alter schema "My App" rename to "Our App";
select status from "Our App".bookings;
select count(*) as replayed from "Our App".confirm_hold_assignment_with_transition(
  '00000000-0000-0000-0000-0000000000b1', '{00000000-0000-0000-0000-0000000000a1}', 'one');

-- Two schemas in one database are apart: the same ids, another house.
select holdfast.create_reference_schema('floor');
select holdfast.attach('floor');
insert into floor.restaurants select * from "Our App".restaurants;
insert into floor.zones select * from "Our App".zones;
insert into floor.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select id, restaurant_id, zone_id, table_number, capacity from "Our App".table_inventory;
insert into floor.bookings (id, restaurant_id, party_size, start_at, end_at)
select id, restaurant_id, party_size, start_at, end_at from "Our App".bookings;
select booking_state, assignment_state from floor.reconcile_booking('00000000-0000-0000-0000-0000000000b1');
select table_id from floor.unassign_tables_atomic('00000000-0000-0000-0000-0000000000b1');
select table_id from floor.confirm_hold_assignment_with_transition(
  '00000000-0000-0000-0000-0000000000b1', '{00000000-0000-0000-0000-0000000000a1}', 'one');
select table_id from "Our App".unassign_tables_atomic('00000000-0000-0000-0000-0000000000b1');
select (select count(*) from floor.allocations) as floor, (select count(*) from "Our App".allocations) as our_app;

-- A function of the application under one of the contract's names is kept in a schema of its own, and detach brings it back.
select holdfast.create_reference_schema('busy');
create function busy.refresh_table_status(p_table_id uuid) returns void language sql as 'select';
comment on function busy.refresh_table_status is 'Ours.';
select holdfast.attach('busy');
select name, arguments, legacy_schema, callable from holdfast.legacy_function where bookings = 'busy.bookings'::regclass;
select obj_description('busy_legacy.refresh_table_status'::regproc, 'pg_proc');
select holdfast.detach('busy');
select p.oid::regprocedure, obj_description(p.oid, 'pg_proc') from pg_proc p where p.pronamespace = 'busy'::regnamespace;
select holdfast.detach('busy');
\echo :SQLSTATE

-- Columns that an older application does not have are added; its rows stay.
alter table busy.bookings drop column auto_assign_idempotency_key, drop column auto_assign_last_result;
alter table busy.booking_assignment_idempotency
  drop column outcome, drop column request, drop column refusal, drop column assignment_ids,
  drop column hold_id, drop column transaction_id;
insert into busy.restaurants (name) values ('Trattoria');
select holdfast.attach('busy');
select attrelid::regclass as "table", attname as column, atttypid::regtype as type from pg_attribute
where attrelid in ('busy.bookings'::regclass, 'busy.booking_assignment_idempotency'::regclass)
  and attname in ('auto_assign_idempotency_key', 'auto_assign_last_result', 'outcome', 'request', 'refusal',
                  'assignment_ids', 'hold_id', 'transaction_id') and not attisdropped
order by 1, 2;
select indexrelid::regclass as index, pg_get_expr(indpred, indrelid) as predicate from pg_index
where indexrelid = 'busy.bookings_auto_assign_idempotency_key_idx'::regclass;

set client_min_messages = warning;
drop schema floor, "Our App", busy cascade;
