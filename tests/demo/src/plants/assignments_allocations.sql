-- An allocation disappears under its assignment.
delete from allocations
where resource_type = 'table' and booking_id = (
  select id from bookings where status = 'confirmed' order by id offset 4 limit 1);
