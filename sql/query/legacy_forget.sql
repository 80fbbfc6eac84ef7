-- Forgets the legacy functions of the schema of these bookings, and of schemas that are gone.
delete from holdfast.legacy_function l
where l.bookings = :bookings or not exists (select from pg_catalog.pg_class c where c.oid = l.bookings)
