-- The assign of one table, by the application's own function.
select from legacy.assign_single_table(
  p_booking_id => :booking, p_table_id => :table, p_assigned_by => :actor, p_idempotency_key => :key
) o
