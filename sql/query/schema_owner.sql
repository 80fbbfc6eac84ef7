-- The owner of the bookings of a schema.
select pg_catalog.pg_get_userbyid(c.relowner)::text as owner
from pg_catalog.pg_class c
where c.relnamespace = :schema and c.relname = 'bookings' and c.relkind in ('r', 'p')
