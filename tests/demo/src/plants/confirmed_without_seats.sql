-- A confirmed guest loses the tables.
delete from booking_table_assignments
where booking_id = (select id from bookings where status = 'confirmed' order by id offset 2 limit 1);
