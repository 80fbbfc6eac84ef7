-- The indexes by which a look asks for what belongs to a booking: one row each, with its pages, how many bookings are live,
-- and how many pages the server expects the system to keep in memory.
select i.index, i.pages, l.bookings,
       (pg_catalog.pg_size_bytes(pg_catalog.current_setting('effective_cache_size')) / i.page_size)::integer as kept
from (
  select pg_catalog.count(*)::integer as bookings
  from app.bookings b
  where coalesce(b.end_at, (b.booking_date + 2)::timestamp at time zone 'UTC', 'infinity') > pg_catalog.now()
) l
cross join (
  select distinct on (x.indrelid) x.indexrelid as index, s.page_size,
         (pg_catalog.pg_relation_size(x.indexrelid) / s.page_size)::integer as pages
  from (select pg_catalog.current_setting('block_size')::bigint as page_size) s
  cross join pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indexrelid
  join pg_catalog.pg_am m on m.oid = c.relam
  join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
  where x.indrelid = any (array[
      'app.booking_table_assignments', 'app.allocations', 'app.booking_state_history', 'app.booking_assignment_idempotency'
    ]::regclass[])
    and c.relkind = 'i' and a.attname = 'booking_id' and m.amname = 'btree' and x.indisvalid and x.indpred is null
  order by x.indrelid, pages
) i
