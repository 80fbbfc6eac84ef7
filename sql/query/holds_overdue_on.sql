-- Open holds on tables of a restaurant in a window that are past their deadline, or whose booking is
-- over: where windows of holds exclude each other, they keep the tables until somebody ends them. What somebody has
-- locked is left.
select h.id, h.booking_id, h.restaurant_id
from app.table_holds h
left join lateral (select x.status from app.bookings x where x.id = h.booking_id offset 0) b on true
left join app.holdfast_booking_statuses s on s.status = b.status
where h.restaurant_id = :restaurant and h.status = 'active'
  and pg_catalog.tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)')
    && pg_catalog.tstzrange(:start, :end, '[)')
  and (h.expires_at <= :now - limit.hold_grace or s.releases_tables)
  and exists (select from app.table_hold_members m where m.hold_id = h.id and m.table_id = any (:tables))
for no key update of h skip locked
