-- Looking after the house without the worker. With the caller's own rights.
create function holdfast.sweep(p_schema regnamespace, p_batch integer default 1000)
returns table (step text, done bigint, more boolean)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_sweep_wrapper';
comment on function holdfast.sweep is
  'Does what the worker does, one batch of each step: expire_holds closes open holds past their deadline, takes their mirrors away and emits capacity.hold.released; notify_outbox notifies holdfast_outbox, with the schema''s name, when events are due (done is 1 then); prune_ledger and prune_attempts forget answers, and attempts that came to nothing, older than holdfast.ledger_retention_days; prune_outbox forgets events delivered longer ago than holdfast.outbox_retention_days. p_schema the attached schema; p_batch 1 to 100000 rows a step, NULL is 1000. Returns a row for each step: how many rows it closed or forgot, and whether to call again. Raises 22023, 55000, and what the application''s triggers raise. Locks the rows that it changes, skips what others have locked, judges them again under lock: it waits for nobody. May be repeated, also by several at once; commit between calls.';
