-- The contract's assign, by the application's own function.
select null::uuid as assignment_id, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.assign_tables_atomic_v2(
  p_booking_id => :booking, p_table_ids => :tables, p_idempotency_key => :key, p_require_adjacency => :adjacent,
  p_assigned_by => :actor, p_start_at => :start, p_end_at => :end
) o
