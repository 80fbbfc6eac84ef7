-- Forgets that attach bound the schema of these bookings, and schemas that are gone.
delete from holdfast.attachment a
where a.bookings = :bookings or not exists (select from pg_catalog.pg_class c where c.oid = a.bookings)
