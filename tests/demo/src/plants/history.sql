-- A move that nobody wrote down.
delete from booking_state_history
where booking_id = (select id from bookings where status = 'confirmed' order by id offset 8 limit 1);
