-- A confirm whose ledger row is gone: its key could take effect a second time.
delete from booking_assignment_idempotency
where booking_id = (select id from bookings where status = 'confirmed' order by id offset 6 limit 1);
