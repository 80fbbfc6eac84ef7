-- holdfast: brings schema public to where holdfast.attach finds everything.
--
-- Run it with: psql -X -v roles='{role_one,role_two}' -f this_file
-- roles may call the functions. When a step fails, mend what it names and run the file again: a step that is done is passed
-- over. Each lock is waited for 50 ms at most and tried again, so that nobody waits behind us for longer.
\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = warning;
set statement_timeout = 0;
set search_path = pg_catalog, pg_temp;
set lock_timeout = '5min';
\if :{?roles}
\else
\set roles '{}'
\endif
select set_config('migration.roles', :'roles', false) as roles \gset

-- column bookings.auto_assign_idempotency_key, column bookings.auto_assign_last_result: our statements read or write it.
\echo 'step 1: column bookings.auto_assign_idempotency_key, column bookings.auto_assign_last_result (locks bookings for an instant)'
do $holdfast$
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      alter table public.bookings add column if not exists auto_assign_idempotency_key text;
      alter table public.bookings add column if not exists auto_assign_last_result jsonb;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end $holdfast$;

-- column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id: our statements read or write it.
\echo 'step 2: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id (locks booking_assignment_idempotency for an instant)'
do $holdfast$
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      alter table public.booking_assignment_idempotency add column if not exists outcome text not null default 'confirmed';
      alter table public.booking_assignment_idempotency add column if not exists request jsonb;
      alter table public.booking_assignment_idempotency add column if not exists refusal jsonb;
      alter table public.booking_assignment_idempotency add column if not exists assignment_ids uuid[];
      alter table public.booking_assignment_idempotency add column if not exists hold_id uuid;
      alter table public.booking_assignment_idempotency add column if not exists transaction_id xid8;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end $holdfast$;

-- index bookings (auto_assign_idempotency_key): a booking is looked up by its stored key; without it the table is read whole.
\echo 'step 3: index bookings (auto_assign_idempotency_key) (locks bookings: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.bookings_auto_assign_idempotency_key_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.bookings_auto_assign_idempotency_key_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists bookings_auto_assign_idempotency_key_idx on public.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.bookings_auto_assign_idempotency_key_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.bookings_auto_assign_idempotency_key_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists bookings_auto_assign_idempotency_key_idx on public.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.bookings_auto_assign_idempotency_key_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index bookings_auto_assign_idempotency_key_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index table_holds (booking_id): each confirm locks the live holds of its booking; without it the table is read whole.
\echo 'step 4: index table_holds (booking_id) (locks table_holds: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_booking_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.table_holds_live_booking_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists table_holds_live_booking_idx on public.table_holds (booking_id) where status = 'active'::public.hold_status;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_booking_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.table_holds_live_booking_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists table_holds_live_booking_idx on public.table_holds (booking_id) where status = 'active'::public.hold_status;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_booking_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index table_holds_live_booking_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index booking_table_assignments (table_id, end_at): each confirm looks who else is assigned to its tables; without it the table is read whole.
\echo 'step 5: index booking_table_assignments (table_id, end_at) (locks booking_table_assignments: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_table_end_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_table_assignments_table_end_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_table_assignments_table_end_idx on public.booking_table_assignments (table_id, end_at);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_table_end_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_table_assignments_table_end_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_table_assignments_table_end_idx on public.booking_table_assignments (table_id, end_at);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_table_end_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index booking_table_assignments_table_end_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index booking_table_assignments (allocation_id): dropping an allocation looks for its assignment; without it the table is read whole.
\echo 'step 6: index booking_table_assignments (allocation_id) (locks booking_table_assignments: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_allocation_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_table_assignments_allocation_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_table_assignments_allocation_idx on public.booking_table_assignments (allocation_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_allocation_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_table_assignments_allocation_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_table_assignments_allocation_idx on public.booking_table_assignments (allocation_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_allocation_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index booking_table_assignments_allocation_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index booking_state_history (booking_id): the last change of a booking is compared with its status; without it the table is read whole.
\echo 'step 7: index booking_state_history (booking_id) (locks booking_state_history: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_state_history_booking_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_state_history_booking_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_state_history_booking_idx on public.booking_state_history (booking_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_state_history_booking_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_state_history_booking_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_state_history_booking_idx on public.booking_state_history (booking_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_state_history_booking_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index booking_state_history_booking_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity'))): reconciliation looks at the bookings that are not over yet; without it the table is read whole.
\echo 'step 8: index bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone ''UTC'', ''infinity''))) (locks bookings: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.bookings_ends_by_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.bookings_ends_by_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists bookings_ends_by_idx on public.bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity')));
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.bookings_ends_by_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.bookings_ends_by_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists bookings_ends_by_idx on public.bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity')));
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.bookings_ends_by_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index bookings_ends_by_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index booking_assignment_idempotency (created_at): answers that are past their retention are forgotten by age; without it the table is read whole.
\echo 'step 9: index booking_assignment_idempotency (created_at) (locks booking_assignment_idempotency: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_assignment_idempotency_age_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_assignment_idempotency_age_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_assignment_idempotency_age_idx on public.booking_assignment_idempotency (created_at) where outcome <> 'fenced';
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_assignment_idempotency_age_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_assignment_idempotency_age_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists booking_assignment_idempotency_age_idx on public.booking_assignment_idempotency (created_at) where outcome <> 'fenced';
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_assignment_idempotency_age_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index booking_assignment_idempotency_age_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index table_holds (expires_at): the sweeper looks for live holds past their deadline; without it the table is read whole.
\echo 'step 10: index table_holds (expires_at) (locks table_holds: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_expiry_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.table_holds_live_expiry_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists table_holds_live_expiry_idx on public.table_holds (expires_at) where status = 'active'::public.hold_status;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_expiry_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.table_holds_live_expiry_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists table_holds_live_expiry_idx on public.table_holds (expires_at) where status = 'active'::public.hold_status;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_expiry_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index table_holds_live_expiry_idx could not be built; run this script again'; end $holdfast$;
\endif

-- index table_holds (restaurant_id, window) of live holds: each confirm looks whether somebody else holds its tables; without it that takes longer with each closed hold.
\echo 'step 11: index table_holds (restaurant_id, window) of live holds (locks table_holds: nobody, outside of a transaction)'
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_window_idx') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.table_holds_live_window_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists table_holds_live_window_idx on public.table_holds using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'active'::public.hold_status;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_window_idx') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.table_holds_live_window_idx;
\endif
\set ON_ERROR_STOP off
create index concurrently if not exists table_holds_live_window_idx on public.table_holds using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'active'::public.hold_status;
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_window_idx') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index table_holds_live_window_idx could not be built; run this script again'; end $holdfast$;
\endif

-- unique allocations (booking_id, resource_type, resource_id): a booking claims a table once.
\echo 'step 12: unique allocations (booking_id, resource_type, resource_id) (locks allocations for an instant, after an index was built beside writers)'
select exists (select from pg_catalog.pg_constraint c where c.conrelid = 'public.allocations'::regclass and c.conname = 'allocations_booking_resource_key' and not c.condeferrable) as done \gset
\if :done
\echo '  is done'
\else
select exists (select booking_id, resource_type, resource_id, pg_catalog.count(*) from public.allocations group by booking_id, resource_type, resource_id having pg_catalog.count(*) > 1 and booking_id is not null and resource_type is not null and resource_id is not null) as violated \gset
\if :violated
\echo 'these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:'
select * from (select booking_id, resource_type, resource_id, pg_catalog.count(*) from public.allocations group by booking_id, resource_type, resource_id having pg_catalog.count(*) > 1 and booking_id is not null and resource_type is not null and resource_id is not null) v limit 20;
do $holdfast$ begin raise exception 'step 12 stopped: rows violate unique allocations (booking_id, resource_type, resource_id)'; end $holdfast$;
\endif
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.allocations_booking_resource_key_building') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.allocations_booking_resource_key_building;
\endif
\set ON_ERROR_STOP off
create unique index concurrently if not exists allocations_booking_resource_key_building on public.allocations (booking_id, resource_type, resource_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.allocations_booking_resource_key_building') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.allocations_booking_resource_key_building;
\endif
\set ON_ERROR_STOP off
create unique index concurrently if not exists allocations_booking_resource_key_building on public.allocations (booking_id, resource_type, resource_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.allocations_booking_resource_key_building') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index allocations_booking_resource_key_building could not be built; run this script again'; end $holdfast$;
\endif
do $holdfast$
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      alter table public.allocations add constraint allocations_booking_resource_key unique using index allocations_booking_resource_key_building;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end $holdfast$;
\endif

-- unique booking_table_assignments (booking_id, table_id): a booking has a table once.
\echo 'step 13: unique booking_table_assignments (booking_id, table_id) (locks booking_table_assignments for an instant, after an index was built beside writers)'
select exists (select from pg_catalog.pg_constraint c where c.conrelid = 'public.booking_table_assignments'::regclass and c.conname = 'booking_table_assignments_booking_table_key' and not c.condeferrable) as done \gset
\if :done
\echo '  is done'
\else
select exists (select booking_id, table_id, pg_catalog.count(*) from public.booking_table_assignments group by booking_id, table_id having pg_catalog.count(*) > 1 and booking_id is not null and table_id is not null) as violated \gset
\if :violated
\echo 'these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:'
select * from (select booking_id, table_id, pg_catalog.count(*) from public.booking_table_assignments group by booking_id, table_id having pg_catalog.count(*) > 1 and booking_id is not null and table_id is not null) v limit 20;
do $holdfast$ begin raise exception 'step 13 stopped: rows violate unique booking_table_assignments (booking_id, table_id)'; end $holdfast$;
\endif
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_booking_table_key_building') \gset
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_table_assignments_booking_table_key_building;
\endif
\set ON_ERROR_STOP off
create unique index concurrently if not exists booking_table_assignments_booking_table_key_building on public.booking_table_assignments (booking_id, table_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_booking_table_key_building') \gset
\endif
\if :built
\else
\if :stale
drop index concurrently if exists public.booking_table_assignments_booking_table_key_building;
\endif
\set ON_ERROR_STOP off
create unique index concurrently if not exists booking_table_assignments_booking_table_key_building on public.booking_table_assignments (booking_id, table_id);
\set ON_ERROR_STOP on
select coalesce(pg_catalog.bool_or(i.indisvalid), false) as built, coalesce(pg_catalog.bool_or(not i.indisvalid), false) as stale
  from pg_catalog.pg_index i where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_booking_table_key_building') \gset
\endif
\if :built
\else
do $holdfast$ begin raise exception 'index booking_table_assignments_booking_table_key_building could not be built; run this script again'; end $holdfast$;
\endif
do $holdfast$
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      alter table public.booking_table_assignments add constraint booking_table_assignments_booking_table_key unique using index booking_table_assignments_booking_table_key_building;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end $holdfast$;
\endif

-- exclusion of overlapping allocations: without it two writers can give one table away twice; adding it reads the whole table and stops every writer until it is done; it can be neither concurrent nor NOT VALID.
\echo 'step 14: exclusion of overlapping allocations (locks allocations: every writer until it is done)'
select exists (select from pg_catalog.pg_constraint c where c.conrelid = 'public.allocations'::regclass and c.conname = 'allocations_no_overlap'
  and c.contype = 'x' and not c.condeferrable and pg_catalog.pg_get_constraintdef(c.oid) like '%WHERE ((NOT shadow))') as done \gset
\if :done
\echo '  is done'
\else
select exists (select id, resource_id, "window", taken as taken_until from (select a.id, a.resource_id, a."window", pg_catalog.lower(a."window") as starts, pg_catalog.max(coalesce(pg_catalog.upper(a."window"), 'infinity')) over (partition by a.restaurant_id, a.resource_type, a.resource_id order by pg_catalog.lower(a."window") nulls first, a.id rows between unbounded preceding and 1 preceding) as taken from public.allocations a where not a.shadow and not pg_catalog.isempty(a."window")) o where taken > coalesce(starts, '-infinity')) as violated \gset
\if :violated
\echo 'these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:'
select * from (select id, resource_id, "window", taken as taken_until from (select a.id, a.resource_id, a."window", pg_catalog.lower(a."window") as starts, pg_catalog.max(coalesce(pg_catalog.upper(a."window"), 'infinity')) over (partition by a.restaurant_id, a.resource_type, a.resource_id order by pg_catalog.lower(a."window") nulls first, a.id rows between unbounded preceding and 1 preceding) as taken from public.allocations a where not a.shadow and not pg_catalog.isempty(a."window")) o where taken > coalesce(starts, '-infinity')) v limit 20;
do $holdfast$ begin raise exception 'step 14 stopped: rows violate exclusion of overlapping allocations'; end $holdfast$;
\endif
\if :{?overlap}
\else
\set overlap ask
\endif
select :'overlap' = 'window' as in_window \gset
\if :in_window
do $holdfast$
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      alter table public.allocations add constraint allocations_no_overlap exclude using gist (restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow);
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end $holdfast$;
\else
\echo 'an EXCLUDE constraint can be neither concurrent nor NOT VALID:'
\echo '  -v overlap=window  adds it at once; every writer of allocations waits while the table is read and the'
\echo '                     index built: some ten seconds for a million rows. Run it when nobody books.'
do $holdfast$ begin raise exception 'step 14 stopped: choose with -v overlap=window, and run this script again'; end $holdfast$;
\endif
\endif

\echo 'step 15: attach'
do $holdfast$
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      perform holdfast.attach('public'::regnamespace, pg_catalog.current_setting('migration.roles')::name[]);
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end $holdfast$;

-- Worth a look, and left to you:
-- client_connection_check_interval: a plain call whose client has vanished goes on until it is done, and keeps its locks so long; calls with a limit in time look twice a second by themselves.
--   alter system set client_connection_check_interval = '1s';
--   select pg_catalog.pg_reload_conf();

\echo 'done; what is left, if anything:'
select what, state, why from holdfast.doctor('public') where state in ('missing', 'wrong');

