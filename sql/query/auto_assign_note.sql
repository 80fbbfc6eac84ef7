-- Keeps the last result of a booking and its key, if it is a new one, unless somebody has it locked.
update app.bookings b
set auto_assign_last_result = :result, auto_assign_idempotency_key = coalesce(:new_key, b.auto_assign_idempotency_key)
where b.id in (select f.id from app.bookings f where f.id = :booking for no key update skip locked)
