-- A row, if the assignments of a schema ($1) exclude each other by a constraint of their own.
select 1
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
where c.relnamespace = $1 and c.relname = 'booking_table_assignments' and k.contype = 'x'
limit 1
