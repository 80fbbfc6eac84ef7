-- Keys and their ledger, for the DBA. They act with the caller's own rights, for a superuser with those of the owner of the bookings.
create function holdfast.ensure_idempotency_index(p_schema regnamespace)
returns table (index_name text, state text, statement text)
language c stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_ensure_idempotency_index_wrapper';
comment on function holdfast.ensure_idempotency_index is
  'Checks the indexes that keys and pruning rely on, and says what to run; it changes nothing. p_schema the attached schema. Returns one row for an index that serves (state present, under whatever name), else one a statement, in their order: state missing, invalid (left by a build that failed) or different (another index has the name). Run the statements one by one, outside of a transaction block: they build concurrently and block nobody. Raises 55000. Locks nothing. May be repeated.';

create function holdfast.idempotency_conflicts(p_schema regnamespace)
returns table (finding text, booking_id uuid, idempotency_key text, detail text)
language c stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_idempotency_conflicts_wrapper';
comment on function holdfast.idempotency_conflicts is
  'Lists keys that will not do what their booking expects: duplicate (several bookings carry it), blank (a booking''s, or the ledger''s), stale (party, date or time changed since the key was made, and the booking is not confirmed yet). p_schema the attached schema. Reads bookings and the ledger whole. Raises 55000. Locks nothing. May be repeated.';

create function holdfast.prune_idempotency(
  p_schema regnamespace, p_older_than interval default null, p_batch integer default 1000
) returns table (pruned bigint, bookings bigint, more boolean)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_prune_idempotency_wrapper';
comment on function holdfast.prune_idempotency is
  'Forgets old answers of the ledger, one batch a call, oldest first. p_schema the attached schema; p_older_than their least age (NULL: holdfast.ledger_retention_days; a month counts 30 days); p_batch 1 to 100000, NULL is 1000. Returns the answers forgotten, how many bookings they belonged to, and whether to call again. A fence is never forgotten; each booking concerned is remembered in holdfast_pruned, so that confirm_outcome answers forgotten. Raises 22023, 55000. Locks the rows that it deletes and skips what others have locked: no call waits for it but one under the very key. May be repeated; commit between calls.';
