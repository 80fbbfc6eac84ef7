-- The contract's assign, by the application's own function.
select null::uuid, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.assign_tables_atomic_v2(
  p_booking_id => $1, p_table_ids => $2, p_idempotency_key => $3, p_require_adjacency => $4,
  p_assigned_by => $5, p_start_at => $6, p_end_at => $7
) o
