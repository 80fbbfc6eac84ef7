-- The contract's confirm by tables, by the application's own function.
select null::uuid as assignment_id, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.confirm_hold_assignment_with_transition(
  p_booking_id => :booking, p_table_ids => :tables, p_idempotency_key => :key, p_require_adjacency => :adjacent,
  p_assigned_by => :actor, p_start_at => :start, p_end_at => :end, p_target_status => :target::app.booking_status,
  p_history_changed_by => :changed_by, p_history_reason => :reason, p_history_metadata => :metadata
) o
