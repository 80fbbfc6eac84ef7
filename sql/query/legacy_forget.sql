-- Forgets the legacy functions of the schema of these bookings ($1), and of schemas that are gone.
delete from holdfast.legacy_function l
where l.bookings = $1 or not exists (select from pg_catalog.pg_class c where c.oid = l.bookings)
