-- A guest with tables who never confirmed.
update bookings set status = 'pending'
where id = (select id from bookings where status = 'confirmed' order by id offset 3 limit 1);
