-- Retries in new transactions: a procedure with the caller's own rights. It cannot ask who it is, so its schema is the
-- default of an argument, which the server keeps by identity: renaming the schema works. A procedure that ends
-- transactions can have no SET, so every name has its schema.
create or replace procedure app.confirm_with_retry(
  p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_timeout_ms integer,
  p_assigned_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null,
  p_target_status app.booking_status default 'confirmed', p_tries integer default 3, inout result jsonb default null,
  p_schema regnamespace default 'app'::regnamespace
)
language plpgsql
as $$
begin
  for attempt in 1 .. greatest(coalesce(p_tries, 3), 1) loop
    execute pg_catalog.format(
      'select pg_catalog.to_jsonb(w) from %s.atomic_confirm_and_transition_within($1, $2, $3, $4, $5, $6, $7, $8, $9) w',
      p_schema
    ) into result using p_booking_id, p_hold_id, p_idempotency_key, p_timeout_ms, p_assigned_by, p_history_reason,
      p_history_metadata, p_history_changed_by, p_target_status;
    if (result operator(pg_catalog.->>) 'retry_after_ms') is null or attempt operator(pg_catalog.=) greatest(coalesce(p_tries, 3), 1) then
      commit and chain;
      return;
    end if;
    rollback and chain;
    perform pg_catalog.pg_sleep((result operator(pg_catalog.->>) 'retry_after_ms')::pg_catalog.float8 operator(pg_catalog./) 1000);
  end loop;
end
$$;

comment on procedure app.confirm_with_retry is
  'atomic_confirm_and_transition_within in transactions of its own: a serialization failure, and a deadlock or a lock timeout that outlasted the retries inside, is tried again in a new one, p_tries times in all (NULL is 3), after the wait that the row names. Call it outside of a transaction. result is the last row as JSON; it is committed. Leave p_schema out: it is the schema of the procedure. Acts with the caller''s rights. Raises and locks as there; an error that strikes at COMMIT (40001 too) reaches the caller.';
