-- The contract's confirm by hold, by the application's own function.
select o.assignment_id, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.confirm_hold_assignment_tx(
  p_hold_id => $1, p_booking_id => $2, p_idempotency_key => $3, p_require_adjacency => $4,
  p_assigned_by => $5, p_window_start => $6, p_window_end => $7, p_expected_policy_version => $8,
  p_expected_adjacency_hash => $9, p_target_status => $10::app.booking_status, p_history_reason => $11,
  p_history_metadata => $12, p_history_changed_by => $13
) o
