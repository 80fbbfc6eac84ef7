-- A hold that no session knows of.
insert into table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
select id, restaurant_id, start_at, end_at, now() + interval '1 hour'
from bookings where status = 'confirmed' order by id offset 5 limit 1;
