-- Doctor: what a schema lacks and what is known to go wrong in it, before anything is changed.
set client_min_messages = warning;
create extension if not exists holdfast cascade;

-- A schema of ours has nothing amiss.
select holdfast.create_reference_schema('floor');
create role regress_holdfast_caller;
select holdfast.attach('floor', '{regress_holdfast_caller}');
select what, state from holdfast.doctor('floor') where state <> 'ok' and what not in ('shared_preload_libraries', 'client_connection_check_interval', 'worker');

-- Things that happen to a schema over the years.
alter table floor.bookings add column tenant text not null default 'one';
alter table floor.allocations add column tenant text not null;
alter table floor.booking_table_assignments alter column assigned_by set not null;
create index bookings_by_restaurant on floor.bookings (restaurant_id);
create index bookings_by_restaurant_again on floor.bookings (restaurant_id);
drop index floor.table_holds_live_booking_idx;
alter table floor.allocations drop constraint allocations_no_overlap;
alter table floor.allocations add constraint allocations_no_overlap exclude using gist
  (restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow and not is_maintenance);
alter type floor.booking_status add value 'walked_in';
create function floor.refresh_table_status(p_table_id integer) returns void language sql as 'select null';
create function floor.pay(p_booking_id uuid) returns void language plpgsql security definer as $$
begin
  create temp table paid as select from floor.bookings;
exception when others then null;
end $$;
drop function floor.reconcile_booking(uuid);
\pset format unaligned
\pset tuples_only on
select what, state, promise, mend, locks from holdfast.doctor('floor')
where state <> 'ok' and what not in ('shared_preload_libraries', 'client_connection_check_interval', 'worker');

-- An unknown schema, and none.
\set VERBOSITY terse
select count(*) from holdfast.doctor('nowhere');
select count(*) from holdfast.doctor(null);
-- Nothing was changed by looking.
select has_function_privilege('public', 'holdfast.doctor(regnamespace)', 'execute');
drop schema floor cascade;
drop role regress_holdfast_caller;
