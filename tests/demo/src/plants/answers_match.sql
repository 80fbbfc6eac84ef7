-- A stay that ends later than the guest was told.
update booking_table_assignments set end_at = end_at + interval '1 minute'
where booking_id = (select id from bookings where status = 'confirmed' order by id offset 7 limit 1);
