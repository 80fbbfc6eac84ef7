-- The assign of one table, by the application's own function.
select from legacy.assign_single_table(
  p_booking_id => $1, p_table_id => $2, p_assigned_by => $3, p_idempotency_key => $4
) o
