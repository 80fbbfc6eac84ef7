-- The assign of joined tables, by the application's own function.
select from legacy.assign_merged_tables(
  p_booking_id => :booking, p_table_ids => :tables, p_require_adjacency => :adjacent, p_assigned_by => :actor,
  p_idempotency_key => :key
) o
