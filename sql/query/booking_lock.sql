-- First lock: every attempt on one booking waits here. NO KEY: a ledger's foreign key must not wait for it. What the
-- booking is, is read afterwards: whoever had it may have moved it, to another restaurant even.
select b.id
from app.bookings b
where b.id = :booking
for no key update
