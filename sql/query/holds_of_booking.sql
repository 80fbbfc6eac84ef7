-- Second lock, where locks are taken and no hold is named: the live holds of the booking, by id.
select h.id, h.booking_id, h.restaurant_id, h.start_at, h.end_at, h.expires_at, h.status::text, null::jsonb as metadata
from app.table_holds h
where h.booking_id = :booking and h.status = 'active'
order by h.id
--[lock
for no key update of h
--]
