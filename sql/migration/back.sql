-- holdfast: takes back what the migration of a schema is about to do.
-- Print it before you run that one: afterwards there is nothing left to take back but attach.
\set ON_ERROR_STOP on
\set QUIET on
set client_encoding = 'UTF8';
set client_min_messages = warning;
set statement_timeout = 0;
set search_path = pg_catalog, pg_temp;
set standard_conforming_strings = on;
\echo 'way back of the migration of schema public'

-- Statements that lock a table for an instant: in one transaction, tried again while somebody is in the way.
create or replace procedure pg_temp.briefly(variadic statements text[]) language plpgsql as $only0$
declare
  statement text;
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      foreach statement in array statements loop
        execute statement;
      end loop;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end
$only0$;

-- Stops the script.
create or replace procedure pg_temp.stop(why text) language plpgsql as $only0$
begin
  raise exception '%', why;
end
$only0$;
set lock_timeout = '5min';
\echo 'step 1: detach'
select exists (select from holdfast.attachment a where a.bookings = pg_catalog.to_regclass('public.bookings')) as attached \gset
\if :attached
call pg_temp.briefly(
  'select holdfast.detach(''public''::regnamespace)'
);
\endif

\echo 'step 2: exclusion of overlapping allocations'
call pg_temp.briefly(
  'alter table public.allocations drop constraint if exists allocations_no_overlap'
);

\echo 'step 3: unique booking_table_assignments (booking_id, table_id)'
call pg_temp.briefly(
  'alter table public.booking_table_assignments drop constraint if exists booking_table_assignments_booking_table_key'
);

\echo 'step 4: unique allocations (booking_id, resource_type, resource_id)'
call pg_temp.briefly(
  'alter table public.allocations drop constraint if exists allocations_booking_resource_key'
);

\echo 'step 5: index table_holds (restaurant_id, window) of live holds'
\restrict only0
drop index concurrently if exists public.table_holds_live_window_idx;
\unrestrict only0

\echo 'step 6: index table_holds (booking_id) where status <> ''active'''
\restrict only0
drop index concurrently if exists public.table_holds_ended_booking_idx;
\unrestrict only0

\echo 'step 7: index table_holds (expires_at) where status <> ''active'''
\restrict only0
drop index concurrently if exists public.table_holds_ended_idx;
\unrestrict only0

\echo 'step 8: index table_holds (expires_at) where status = ''active'''
\restrict only0
drop index concurrently if exists public.table_holds_live_expiry_idx;
\unrestrict only0

\echo 'step 9: index booking_assignment_idempotency (created_at) where outcome <> ''fenced'''
\restrict only0
drop index concurrently if exists public.booking_assignment_idempotency_age_idx;
\unrestrict only0

\echo 'step 10: index bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone ''UTC'', ''infinity'')))'
\restrict only0
drop index concurrently if exists public.bookings_ends_by_idx;
\unrestrict only0

\echo 'step 11: index booking_state_history (booking_id)'
\restrict only0
drop index concurrently if exists public.booking_state_history_booking_idx;
\unrestrict only0

\echo 'step 12: index booking_table_assignments (allocation_id)'
\restrict only0
drop index concurrently if exists public.booking_table_assignments_allocation_idx;
\unrestrict only0

\echo 'step 13: index allocations (resource_id, coalesce(pg_catalog.upper("window"), ''infinity'')) where resource_type = ''table'' and not shadow'
\restrict only0
drop index concurrently if exists public.allocations_table_until_idx;
\unrestrict only0

\echo 'step 14: index booking_table_assignments (table_id, end_at, start_at)'
\restrict only0
drop index concurrently if exists public.booking_table_assignments_table_end_idx;
\unrestrict only0

\echo 'step 15: index table_holds (booking_id) where status = ''active'''
\restrict only0
drop index concurrently if exists public.table_holds_live_booking_idx;
\unrestrict only0

\echo 'step 16: index bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null'
\restrict only0
drop index concurrently if exists public.bookings_auto_assign_idempotency_key_idx;
\unrestrict only0

\echo 'step 17: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists outcome;'

\echo 'step 18: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists request;'

\echo 'step 19: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists refusal;'

\echo 'step 20: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists assignment_ids;'

\echo 'step 21: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists hold_id;'

\echo 'step 22: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists transaction_id;'

\echo 'step 23: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis'
\echo '  it has data by now, and nothing needs it gone: alter table public.booking_assignment_idempotency drop column if exists basis;'

\echo 'step 24: column bookings.auto_assign_idempotency_key, column bookings.auto_assign_last_result'
\echo '  it has data by now, and nothing needs it gone: alter table public.bookings drop column if exists auto_assign_idempotency_key;'

\echo 'step 25: column bookings.auto_assign_idempotency_key, column bookings.auto_assign_last_result'
\echo '  it has data by now, and nothing needs it gone: alter table public.bookings drop column if exists auto_assign_last_result;'

