-- Whose booking it is, where the rollout tells restaurants apart.
select b.restaurant_id from app.bookings b where b.id = :booking
