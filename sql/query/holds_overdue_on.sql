-- Open holds on tables ($3) of a restaurant ($2) in a window ($4 to $5) that are past their deadline ($1), or whose booking is
-- over: where windows of holds exclude each other, they keep the tables until somebody ends them. What somebody has
-- locked is left.
select h.id, h.booking_id, h.restaurant_id
from app.table_holds h
left join lateral (select x.status from app.bookings x where x.id = h.booking_id offset 0) b on true
left join app.holdfast_booking_statuses s on s.status = b.status
where h.restaurant_id = $2 and h.status = 'active'
  and pg_catalog.tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)')
    && pg_catalog.tstzrange($4, $5, '[)')
  and (h.expires_at <= $1 - limit.hold_grace or s.releases_tables)
  and exists (select from app.table_hold_members m where m.hold_id = h.id and m.table_id = any ($3))
for no key update of h skip locked
