-- Second lock, where locks are taken: the hold that was named ($2) and the live holds of the booking ($1), by id.
select h.id, h.booking_id, h.restaurant_id, h.start_at, h.end_at, h.expires_at, h.status::text,
       case when h.id = $2 then h.metadata end
from app.table_holds h
where h.id in (
  select $2
  union all
  select o.id from app.table_holds o where o.booking_id = $1 and o.status = 'active'
)
order by h.id
--[lock
for no key update of h
--]
