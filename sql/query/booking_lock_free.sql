-- The booking's lock, if nobody has it: no row when somebody does.
select b.id from app.bookings b where b.id = :booking for no key update of b skip locked
