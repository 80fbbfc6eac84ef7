-- Forgets what attach added to the schema of these bookings, and to schemas that are gone.
delete from holdfast.addition a
where a.bookings = :bookings or not exists (select from pg_catalog.pg_class c where c.oid = a.bookings)
