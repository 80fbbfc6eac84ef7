-- The contract's confirm by hold, by the application's own function.
select o.assignment_id, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.confirm_hold_assignment_tx(
  p_hold_id => :hold, p_booking_id => :booking, p_idempotency_key => :key, p_require_adjacency => :adjacent,
  p_assigned_by => :actor, p_window_start => :start, p_window_end => :end, p_expected_policy_version => :policy_version,
  p_expected_adjacency_hash => :adjacency_hash, p_target_status => :target::app.booking_status, p_history_reason => :reason,
  p_history_metadata => :metadata, p_history_changed_by => :changed_by
) o
