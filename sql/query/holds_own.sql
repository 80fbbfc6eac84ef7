-- Second lock: the open holds of a booking; where none is given, those that somebody took for no booking yet in a
-- window in the restaurant of a table. By id, with their tables.
select h.id, h.booking_id, h.restaurant_id, h.start_at, h.end_at, h.expires_at, h.status::text, h.metadata, h.created_by,
       array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id) as members
from app.table_holds h
where h.id in (
  select o.id from app.table_holds o where o.booking_id = :booking and o.status = 'active'
  union all
  select o.id from app.table_holds o
  where :booking is null and o.booking_id is null and o.created_by = :created_by and o.status = 'active'
    and o.restaurant_id = (select t.restaurant_id from app.table_inventory t where t.id = :table)
    and pg_catalog.tstzrange(least(o.start_at, o.end_at), greatest(o.start_at, o.end_at), '[)')
      && pg_catalog.tstzrange(:start, :end, '[)')
)
order by h.id
for no key update of h
