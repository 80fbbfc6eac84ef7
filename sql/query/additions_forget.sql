-- Forgets what attach added to the schema of these bookings ($1), and to schemas that are gone.
delete from holdfast.addition a
where a.bookings = $1 or not exists (select from pg_catalog.pg_class c where c.oid = a.bookings)
