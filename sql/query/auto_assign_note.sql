-- Keeps the last result ($2) of a booking ($1) and its key ($3, null: as it is), unless somebody has it locked.
update app.bookings b
set auto_assign_last_result = $2, auto_assign_idempotency_key = coalesce($3, b.auto_assign_idempotency_key)
where b.id in (select f.id from app.bookings f where f.id = $1 for no key update skip locked)
