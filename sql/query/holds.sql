-- Second lock, where locks are taken: the hold that was named and the live holds of the booking, by id.
select h.id, h.booking_id, h.restaurant_id, h.start_at, h.end_at, h.expires_at, h.status::text,
       case when h.id = :hold then h.metadata end as metadata
from app.table_holds h
where h.id in (
  select :hold
  union all
  select o.id from app.table_holds o where o.booking_id = :booking and o.status = 'active'
)
order by h.id
--[lock
for no key update of h
--]
