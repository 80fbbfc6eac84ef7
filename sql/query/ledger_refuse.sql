-- Binds a final refusal to its key. An earlier refusal makes room for it, an answer never.
insert into app.booking_assignment_idempotency (
  booking_id, idempotency_key, table_ids, assignment_window, payload_checksum, expires_at,
  created_at, outcome, request, refusal, hold_id, transaction_id
)
values (
  :booking, :key, :tables,
  case when :start is null then 'empty'::tstzrange else pg_catalog.tstzrange(:start, :end, '[)') end,
  :checksum, :kept_until, :now, :outcome, :request, :refusal, :hold, pg_catalog.pg_current_xact_id()
)
on conflict (booking_id, idempotency_key) do update set
  table_ids = excluded.table_ids, assignment_window = excluded.assignment_window,
  table_set_hash = null, payload_checksum = excluded.payload_checksum,
  request = excluded.request, outcome = excluded.outcome, refusal = excluded.refusal, hold_id = excluded.hold_id,
  created_at = excluded.created_at, expires_at = excluded.expires_at, transaction_id = excluded.transaction_id
where booking_assignment_idempotency.refusal is not null and booking_assignment_idempotency.outcome <> 'fenced'
returning 1
