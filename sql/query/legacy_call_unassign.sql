-- Taking tables away, by the application's own function.
select o.table_id
from legacy.unassign_tables_atomic(
  p_booking_id => :booking, p_table_ids => :tables
) o
