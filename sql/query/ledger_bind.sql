-- Binds the key to its answer, in the place of a refusal if there is one. An application may allow a set of tables one
-- entry with its hash: the first keeps it.
insert into app.booking_assignment_idempotency (
  booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash, payload_checksum,
  expires_at, created_at, outcome, request, refusal, assignment_ids, hold_id, transaction_id
--[basis
  , basis
--]
)
values (
  :booking, :key, :tables, pg_catalog.tstzrange(:start, :end, '[)'), :merge_group,
--[table_set_key
  case when not exists (
    select from app.booking_assignment_idempotency l
    where l.booking_id = :booking and l.table_set_hash = :table_set_hash and l.idempotency_key <> :key
  ) then :table_set_hash end,
--|  :table_set_hash,
--]
  :checksum, :kept_until, :now, :outcome, :request, null, :assignments, :hold, pg_catalog.pg_current_xact_id()
--[basis
  , :basis
--]
)
on conflict (booking_id, idempotency_key) do update set
  table_ids = excluded.table_ids, assignment_window = excluded.assignment_window,
  merge_group_allocation_id = excluded.merge_group_allocation_id, table_set_hash = excluded.table_set_hash,
  payload_checksum = excluded.payload_checksum, expires_at = excluded.expires_at,
  created_at = excluded.created_at, outcome = excluded.outcome, request = excluded.request, refusal = null,
  assignment_ids = excluded.assignment_ids, hold_id = excluded.hold_id,
  transaction_id = excluded.transaction_id
--[basis
  , basis = excluded.basis
--]
where booking_assignment_idempotency.refusal is not null and booking_assignment_idempotency.outcome <> 'fenced'
