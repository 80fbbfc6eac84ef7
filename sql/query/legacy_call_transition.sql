-- A status move, by the application's own function.
select o.status, o.checked_in_at, o.checked_out_at, o.updated_at
from legacy.apply_booking_state_transition(
  p_booking_id => :booking, p_status => :to::app.booking_status, p_checked_in_at => :checked_in_at,
  p_checked_out_at => :checked_out_at,
  p_updated_at => :updated_at, p_history_from => :history_from::app.booking_status,
  p_history_to => :history_to::app.booking_status,
  p_history_changed_by => :changed_by, p_history_changed_at => :changed_at, p_history_reason => :reason,
  p_history_metadata => :metadata
) o
