-- A table's status of now, by the application's own function.
select from legacy.refresh_table_status(
  p_table_id => :table
) o
