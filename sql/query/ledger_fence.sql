-- Plants a tombstone under a key, kept as long as its booking. A refusal makes room for it, an answer never.
insert into app.booking_assignment_idempotency (
  booking_id, idempotency_key, table_ids, assignment_window, expires_at, created_at, outcome, refusal, transaction_id
)
values (:booking, :key, '{}', 'empty', 'infinity', :now, 'fenced', :refusal, pg_catalog.pg_current_xact_id())
on conflict (booking_id, idempotency_key) do update set
  table_ids = excluded.table_ids, assignment_window = excluded.assignment_window, expires_at = excluded.expires_at,
  created_at = excluded.created_at, outcome = excluded.outcome, request = null, refusal = excluded.refusal,
  table_set_hash = null, payload_checksum = null, hold_id = null, transaction_id = excluded.transaction_id
where booking_assignment_idempotency.refusal is not null
returning 1
