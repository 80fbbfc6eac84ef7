-- The native functions: what the contract's functions raise or return, as one row, for callers that read outcomes.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

\pset expanded on
-- The answers carry ids that the server made up: here they read <id>.
create function masked(answer jsonb) returns text language sql as $$
  select jsonb_pretty(regexp_replace(answer::text,
    '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '<id>', 'g')::jsonb)
$$;

-- Confirm, by table ids and by hold.
select outcome, code, sqlstate, message, detail, hint, transient, replayed, idempotency_key,
       receipt = pg_current_xact_id() as receipt_is_this_transaction, masked(result) as result
from holdfast.confirm_tables(
  p_schema => 'floor', p_booking_id => :'anna', p_table_ids => array[:'t1', :'t2']::uuid[],
  p_idempotency_key => 'anna-1', p_require_adjacency => true, p_target_status => 'confirmed');
select outcome, replayed, idempotency_key, receipt < pg_snapshot_xmax(pg_current_snapshot()) as receipt_of_the_first,
       masked(result) as result
from holdfast.confirm_tables('floor', :'anna', array[:'t1', :'t2']::uuid[], 'anna-1', true);
select outcome, code, sqlstate, message, detail, hint, transient, replayed, idempotency_key, receipt, result
from holdfast.confirm_tables('floor', :'bruno', array[:'t1']::uuid[], 'bruno-1');

-- Hold, release.
select outcome, code, sqlstate, transient, replayed, idempotency_key, receipt is not null as has_receipt,
       result - 'expires_at' - 'hold_id' as result, result ->> 'hold_id' as hold_id
from holdfast.hold_tables(p_schema => 'floor', p_booking_id => :'carla', p_table_ids => array[:'t4']::uuid[])
\gset hold_
select :'hold_outcome' as outcome, :'hold_code' as code, :'hold_sqlstate' as sqlstate, :'hold_transient' as transient,
       :'hold_replayed' as replayed, :'hold_result' as result;
select outcome, code, message, masked(result) as result from holdfast.confirm_hold(
  p_schema => 'floor', p_hold_id => :'hold_hold_id', p_booking_id => :'carla', p_idempotency_key => 'carla-1',
  p_target_status => 'confirmed');
select outcome, code, masked(result) as result from holdfast.release_hold(p_schema => 'floor', p_hold_id => :'hold_hold_id');

-- Assign, unassign.
select outcome, code, masked(result) as result from holdfast.assign_tables(
  p_schema => 'floor', p_booking_id => :'bruno', p_table_ids => array[:'t3']::uuid[]);
select outcome, code, masked(result) as result from holdfast.unassign_tables(
  p_schema => 'floor', p_booking_id => :'bruno');

-- Transition, the table's status, the state of a booking.
select outcome, code, masked(result) as result from holdfast.transition_booking(
  p_schema => 'floor', p_booking_id => :'anna', p_status => 'checked_in', p_checked_in_at => '2031-05-01 18:05Z',
  p_checked_out_at => null, p_updated_at => '2031-05-01 18:05Z', p_history_from => 'confirmed',
  p_history_to => 'checked_in', p_history_changed_by => null, p_history_changed_at => '2031-05-01 18:05Z',
  p_history_reason => 'arrived');
select outcome, code, sqlstate, message, detail, hint from holdfast.transition_booking(
  'floor', :'anna', 'pending', null, null, null, 'checked_in', 'pending', null, null, 'undo');
select outcome, code, message, result from holdfast.refresh_table_status(p_schema => 'floor', p_table_id => :'t1');
select outcome, code, message, result from holdfast.reconcile_booking(p_schema => 'floor', p_booking_id => :'anna');
select outcome, code, message, result from holdfast.reconcile_booking(
  'floor', '00000000-0000-0000-0000-0000000000bf');

-- They are the caller's own rights: nothing is done that the caller could not do by hand.
select p.proname, p.prosecdef from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'holdfast' and p.prosecdef;
-- A schema that is not attached.
create schema elsewhere;
select outcome, code, sqlstate, message, detail, hint from holdfast.confirm_tables(
  'elsewhere', :'anna', array[:'t1']::uuid[], 'anna-9');
drop schema elsewhere;
-- No schema at all: refused, and no word of the language that holdfast is written in reaches the client.
do $$
declare
  answer text;
begin
  select concat_ws(' ', n.outcome, n.message, n.detail) into answer
  from holdfast.confirm_tables(null, '00000000-0000-0000-0000-0000000000b1', '{}', 'anna-9') n;
  raise notice 'refused: %, in plain words: %', answer !~ '^confirmed', answer !~ '(::|\.rs)';
exception when others then
  get stacked diagnostics answer = pg_exception_detail;
  raise notice 'refused: %, in plain words: %', true, answer !~ '(::|\.rs)';
end
$$;

set client_min_messages = warning;
drop schema floor cascade;
