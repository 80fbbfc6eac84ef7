-- Compensation: what one key did is taken back.
create or replace function app.undo_confirm(
  p_booking_id uuid, p_idempotency_key text, p_history_reason text default 'undo_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
) returns table (
  outcome text, table_ids uuid[], status text, receipt xid8, code text, sqlstate text, message text, detail text,
  hint text
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_undo_confirm_wrapper';

comment on function app.undo_confirm is
  'Takes back what a key did: the tables that it gave and that are the booking''s still, and the move of the status, back to where it was. A key that only moved the status moves it back, while nothing else happened since. What an earlier key gave stays; tables that the key replaced are the booking''s again as they were (DETAIL lists them) while nobody else has them, else nothing is changed and the row says undo_undecided: a person decides. Writes history and emits capacity.assignment.undone. p_booking_id; p_idempotency_key not NULL, not blank; history columns may be NULL. Returns one row: undone (table_ids, status afterwards, receipt), nothing_to_undo, or a refusal with code, sqlstate, message, detail and hint: booking_state_conflict when the status moved on since, undo_undecided, never_seen when no attempt under the key is known. The key stays bound: a replay says that its tables are gone. Raises what the application''s triggers raise, 40001, 40P01, 55P03. Locks the booking and its tables. May be repeated.';
