-- A status move, by the application's own function.
select o.status, o.checked_in_at, o.checked_out_at, o.updated_at
from legacy.apply_booking_state_transition(
  p_booking_id => $1, p_status => $2::app.booking_status, p_checked_in_at => $3, p_checked_out_at => $4,
  p_updated_at => $5, p_history_from => $6::app.booking_status, p_history_to => $7::app.booking_status,
  p_history_changed_by => $8, p_history_changed_at => $9, p_history_reason => $10, p_history_metadata => $11
) o
