-- Binds a final refusal to its key. A refusal about another hold makes room for it.
insert into app.booking_assignment_idempotency (
  booking_id, idempotency_key, table_ids, assignment_window, table_set_hash, payload_checksum, expires_at,
  created_at, outcome, request, refusal, hold_id, transaction_id
)
values (
  $1, $2, $3, pg_catalog.tstzrange($4, $5, '[)'), $6, $7, $8, $9, $10, $11, $12, $13,
  pg_catalog.pg_current_xact_id()
)
on conflict (booking_id, idempotency_key) do update set
  outcome = excluded.outcome, refusal = excluded.refusal, hold_id = excluded.hold_id,
  created_at = excluded.created_at, expires_at = excluded.expires_at, transaction_id = excluded.transaction_id
where booking_assignment_idempotency.refusal is not null
returning 1
