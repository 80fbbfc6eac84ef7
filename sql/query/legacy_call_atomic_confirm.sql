-- A confirm that takes everything from the hold, by the application's own function.
select o.assignment_id, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.atomic_confirm_and_transition(
  p_booking_id => :booking, p_hold_id => :hold, p_idempotency_key => :key, p_assigned_by => :actor, p_history_reason => :reason,
  p_history_metadata => :metadata, p_history_changed_by => :changed_by, p_target_status => :target::app.booking_status
) o
