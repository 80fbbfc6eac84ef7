-- A confirm that takes everything from the hold, by the application's own function.
select o.assignment_id, o.table_id, o.start_at, o.end_at, o.merge_group_id
from legacy.atomic_confirm_and_transition(
  p_booking_id => $1, p_hold_id => $2, p_idempotency_key => $3, p_assigned_by => $4, p_history_reason => $5,
  p_history_metadata => $6, p_history_changed_by => $7, p_target_status => $8::app.booking_status
) o
