-- Schemas that attach bound, with the owner of their bookings. A record that belongs to somebody else is not attach's.
select n.oid, n.nspname::text, b.relowner
from pg_catalog.pg_namespace n
join pg_catalog.pg_class r on r.relnamespace = n.oid and r.relname = 'holdfast_attachment' and r.relkind = 'r'
join pg_catalog.pg_class b on b.relnamespace = n.oid and b.relname = 'bookings' and b.relkind in ('r', 'p')
where r.relowner = b.relowner
  and exists (select from pg_catalog.pg_extension e where e.extname = 'holdfast')
order by n.oid
