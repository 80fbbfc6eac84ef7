-- The assign of joined tables, by the application's own function.
select from legacy.assign_merged_tables(
  p_booking_id => $1, p_table_ids => $2, p_require_adjacency => $3, p_assigned_by => $4,
  p_idempotency_key => $5
) o
