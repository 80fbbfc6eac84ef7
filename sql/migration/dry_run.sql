-- holdfast: what the migration of a schema would do. Changes nothing.
\set ON_ERROR_STOP on
\set QUIET on
set client_encoding = 'UTF8';
set client_min_messages = warning;
set statement_timeout = 0;
set search_path = pg_catalog, pg_temp;
set standard_conforming_strings = on;
\echo 'what the migration of schema public would do'
begin transaction isolation level repeatable read read only;
\echo 'step 1: column bookings.auto_assign_idempotency_key, column bookings.auto_assign_last_result: our statements read or write it'
\echo '  locks bookings for an instant'
\echo '  alter table public.bookings add column if not exists auto_assign_idempotency_key text;'
\echo '  alter table public.bookings add column if not exists auto_assign_last_result jsonb;'
select 'public.bookings' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.bookings')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.bookings'::regclass) as rows;
\echo 'step 2: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis: our statements read or write it'
\echo '  locks booking_assignment_idempotency for an instant'
\echo '  alter table public.booking_assignment_idempotency add column if not exists outcome text not null default ''confirmed'';'
\echo '  alter table public.booking_assignment_idempotency add column if not exists request jsonb;'
\echo '  alter table public.booking_assignment_idempotency add column if not exists refusal jsonb;'
\echo '  alter table public.booking_assignment_idempotency add column if not exists assignment_ids uuid[];'
\echo '  alter table public.booking_assignment_idempotency add column if not exists hold_id uuid;'
\echo '  alter table public.booking_assignment_idempotency add column if not exists transaction_id xid8;'
\echo '  alter table public.booking_assignment_idempotency add column if not exists basis jsonb;'
select 'public.booking_assignment_idempotency' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.booking_assignment_idempotency')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.booking_assignment_idempotency'::regclass) as rows;
\echo 'step 3: index bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null: a booking is looked up by its stored key; without it the table is read whole'
\echo '  locks bookings: nobody, outside of a transaction'
\echo '  create index concurrently if not exists bookings_auto_assign_idempotency_key_idx on public.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;'
select 'public.bookings' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.bookings')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.bookings'::regclass) as rows;
\echo 'step 4: index table_holds (booking_id) where status = ''active'': each confirm locks the live holds of its booking; without it the table is read whole'
\echo '  locks table_holds: nobody, outside of a transaction'
\echo '  create index concurrently if not exists table_holds_live_booking_idx on public.table_holds (booking_id) where status = ''active''::public.hold_status;'
select 'public.table_holds' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.table_holds')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.table_holds'::regclass) as rows;
\echo 'step 5: index booking_table_assignments (table_id, end_at, start_at): each confirm looks who else is assigned to its tables; without it the table is read whole'
\echo '  locks booking_table_assignments: nobody, outside of a transaction'
\echo '  create index concurrently if not exists booking_table_assignments_table_end_idx on public.booking_table_assignments (table_id, end_at, start_at);'
select 'public.booking_table_assignments' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.booking_table_assignments')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.booking_table_assignments'::regclass) as rows;
\echo 'step 6: index allocations (resource_id, coalesce(pg_catalog.upper("window"), ''infinity'')) where resource_type = ''table'' and not shadow: each confirm looks whether its tables are free, before the constraint does; without it the table is read whole'
\echo '  locks allocations: nobody, outside of a transaction'
\echo '  create index concurrently if not exists allocations_table_until_idx on public.allocations (resource_id, coalesce(pg_catalog.upper("window"), ''infinity'')) where resource_type = ''table'' and not shadow;'
select 'public.allocations' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.allocations')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.allocations'::regclass) as rows;
\echo 'step 7: index booking_table_assignments (allocation_id): dropping an allocation looks for its assignment; without it the table is read whole'
\echo '  locks booking_table_assignments: nobody, outside of a transaction'
\echo '  create index concurrently if not exists booking_table_assignments_allocation_idx on public.booking_table_assignments (allocation_id);'
select 'public.booking_table_assignments' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.booking_table_assignments')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.booking_table_assignments'::regclass) as rows;
\echo 'step 8: index booking_state_history (booking_id): the last change of a booking is compared with its status; without it the table is read whole'
\echo '  locks booking_state_history: nobody, outside of a transaction'
\echo '  create index concurrently if not exists booking_state_history_booking_idx on public.booking_state_history (booking_id);'
select 'public.booking_state_history' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.booking_state_history')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.booking_state_history'::regclass) as rows;
\echo 'step 9: index bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone ''UTC'', ''infinity''))): reconciliation looks at the bookings that are not over yet; without it the table is read whole'
\echo '  locks bookings: nobody, outside of a transaction'
\echo '  create index concurrently if not exists bookings_ends_by_idx on public.bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone ''UTC'', ''infinity'')));'
select 'public.bookings' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.bookings')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.bookings'::regclass) as rows;
\echo 'step 10: index booking_assignment_idempotency (created_at) where outcome <> ''fenced'': answers that are past their retention are forgotten by age; without it the table is read whole'
\echo '  locks booking_assignment_idempotency: nobody, outside of a transaction'
\echo '  create index concurrently if not exists booking_assignment_idempotency_age_idx on public.booking_assignment_idempotency (created_at) where outcome <> ''fenced'';'
select 'public.booking_assignment_idempotency' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.booking_assignment_idempotency')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.booking_assignment_idempotency'::regclass) as rows;
\echo 'step 11: index table_holds (expires_at) where status = ''active'': the sweeper looks for live holds past their deadline; without it the table is read whole'
\echo '  locks table_holds: nobody, outside of a transaction'
\echo '  create index concurrently if not exists table_holds_live_expiry_idx on public.table_holds (expires_at) where status = ''active''::public.hold_status;'
select 'public.table_holds' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.table_holds')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.table_holds'::regclass) as rows;
\echo 'step 12: index table_holds (expires_at) where status <> ''active'': holds that ended long ago are deleted by age; without it the table is read whole'
\echo '  locks table_holds: nobody, outside of a transaction'
\echo '  create index concurrently if not exists table_holds_ended_idx on public.table_holds (expires_at) where status <> ''active'';'
select 'public.table_holds' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.table_holds')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.table_holds'::regclass) as rows;
\echo 'step 13: index table_holds (booking_id) where status <> ''active'': holdfast.why tells what became of a booking''s holds; without it the table is read whole'
\echo '  locks table_holds: nobody, outside of a transaction'
\echo '  create index concurrently if not exists table_holds_ended_booking_idx on public.table_holds (booking_id) where status <> ''active'';'
select 'public.table_holds' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.table_holds')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.table_holds'::regclass) as rows;
\echo 'step 14: index table_holds (restaurant_id, window) of live holds: each confirm looks whether somebody else holds its tables; without it that takes longer with each closed hold'
\echo '  locks table_holds: nobody, outside of a transaction'
\echo '  create index concurrently if not exists table_holds_live_window_idx on public.table_holds using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), ''[)'')) where status = ''active''::public.hold_status;'
select 'public.table_holds' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.table_holds')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.table_holds'::regclass) as rows;
\echo 'step 15: unique allocations (booking_id, resource_type, resource_id): a booking has one allocation of a table'
\echo '  locks allocations for an instant, after an index was built beside writers'
\echo '  create unique index concurrently if not exists allocations_booking_resource_key_building on public.allocations (booking_id, resource_type, resource_id);'
\echo '  alter table public.allocations add constraint allocations_booking_resource_key unique using index allocations_booking_resource_key_building;'
select 'public.allocations' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.allocations')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.allocations'::regclass) as rows;
\echo '  rows in its way, twenty at most:'
\restrict only0
select * from (select booking_id, resource_type, resource_id, pg_catalog.count(*) from public.allocations group by booking_id, resource_type, resource_id having pg_catalog.count(*) > 1 and booking_id is not null and resource_type is not null and resource_id is not null) v limit 20;
\unrestrict only0
\echo 'step 16: unique booking_table_assignments (booking_id, table_id): a booking has a table once'
\echo '  locks booking_table_assignments for an instant, after an index was built beside writers'
\echo '  create unique index concurrently if not exists booking_table_assignments_booking_table_key_building on public.booking_table_assignments (booking_id, table_id);'
\echo '  alter table public.booking_table_assignments add constraint booking_table_assignments_booking_table_key unique using index booking_table_assignments_booking_table_key_building;'
select 'public.booking_table_assignments' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.booking_table_assignments')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.booking_table_assignments'::regclass) as rows;
\echo '  rows in its way, twenty at most:'
\restrict only0
select * from (select booking_id, table_id, pg_catalog.count(*) from public.booking_table_assignments group by booking_id, table_id having pg_catalog.count(*) > 1 and booking_id is not null and table_id is not null) v limit 20;
\unrestrict only0
\echo 'step 17: exclusion of overlapping allocations: without it two writers can give one table away twice; adding it reads the whole table and stops every writer until it is done; it can be neither concurrent nor NOT VALID'
\echo '  locks allocations: every writer until it is done'
\echo '  alter table public.allocations add constraint allocations_no_overlap exclude using gist (restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow);'
select 'public.allocations' as "table", pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size('public.allocations')) as size,
  (select c.reltuples::bigint from pg_catalog.pg_class c where c.oid = 'public.allocations'::regclass) as rows;
\echo '  rows in its way, twenty at most:'
\restrict only0
select * from (select id, resource_id, "window", taken as taken_until from (select a.id, a.resource_id, a."window", pg_catalog.lower(a."window") as starts, pg_catalog.max(coalesce(pg_catalog.upper(a."window"), 'infinity')) over (partition by a.restaurant_id, a.resource_type, a.resource_id order by pg_catalog.lower(a."window") nulls first, a.id rows between unbounded preceding and 1 preceding) as taken from public.allocations a where not a.shadow and not pg_catalog.isempty(a."window")) o where taken > coalesce(starts, '-infinity')) v limit 20;
\unrestrict only0
\echo 'step 18: attach'
rollback;

