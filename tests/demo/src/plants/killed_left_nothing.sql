-- A killed transaction that left its event behind.
insert into capacity_outbox (event_type, dedupe_key, restaurant_id, booking_id)
select 'capacity.assignment.sync', 'planted', b.restaurant_id, b.id
from evening.kills k join bookings b on b.id = k.booking_id
where not k.came_back order by b.id limit 1;
