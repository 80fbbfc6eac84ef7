-- The contract's confirm by tables, by the application's own function.
select null::uuid, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.confirm_hold_assignment_with_transition(
  p_booking_id => $1, p_table_ids => $2, p_idempotency_key => $3, p_require_adjacency => $4,
  p_assigned_by => $5, p_start_at => $6, p_end_at => $7, p_target_status => $8::app.booking_status,
  p_history_changed_by => $9, p_history_reason => $10, p_history_metadata => $11
) o
