-- Many confirms in one call and one transaction: a row for each item, in the order of the items.
create or replace function app.confirm_many(p_items jsonb, p_mode text default 'raise')
returns table (
  ordinal integer, booking_id uuid, outcome text, code text, sqlstate text, message text, detail text, hint text,
  transient boolean, replayed boolean, idempotency_key text, receipt xid8, assignments jsonb
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_confirm_many_wrapper';

comment on function app.confirm_many is
  'Confirms many bookings in one transaction, each as a single confirm would, in the order of the list. p_items: a JSON array of at most 10000 objects, each with booking_id, either table_ids or hold_id, and any of idempotency_key, require_adjacency, assigned_by, start_at, end_at (times with their offset), target_status (absent: confirmed; null leaves the status), history_changed_by, history_reason, history_metadata, expected_policy_version, expected_adjacency_hash and group. p_mode: raise (NULL too) ends the call at an error that is no refusal, such as that of a trigger; isolate makes it the answer of its item alone, with outcome failed. Items of one group are done all or not at all, where the first of them stands: the others of one that is not done say group_refused, and no refusal of a group binds a key. Returns one row an item, ordinal from 1; assignments as an array, empty where it was not done. Raises 22023 before anything is written when p_items or p_mode cannot be read, naming item and member; the errors of triggers, with the item at the end of DETAIL; P0001 and 40001 of what only a constraint saw; 40001, 40P01, 55P03, 57014, 55000, XX000. Locks all bookings of the list, then all holds, then all tables, each by id, before the first item that had no answer. Retry with the same keys: each item that was committed comes back with replayed set.';
