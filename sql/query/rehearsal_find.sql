-- A booking to rehearse with, and a table that is free for it: the booking that is named, else any that may be confirmed.
-- Of any, only those that end last are looked at, by the index that reconciliation has.
select b.id as booking_id, t.id as table_id, w.start_at, w.end_at
from (
  select x.* from app.bookings x where x.id = :booking
  union all
  select y.* from (
    select x.* from app.bookings x
    where :booking is null
    order by coalesce(x.end_at, (x.booking_date + 2)::timestamp at time zone 'UTC', 'infinity') desc
    limit 300
  ) y
  where y.status in (
    select m.from_status from app.holdfast_status_transitions m
    join app.holdfast_booking_statuses s on s.status = m.to_status
    where s.is_confirm_target
  )
) b
join app.restaurants r on r.id = b.restaurant_id
cross join lateral (
  select coalesce(b.start_at, (b.booking_date + b.start_time) at time zone r.timezone) as start_at,
         coalesce(b.end_at, (b.booking_date + b.end_time) at time zone r.timezone) as end_at
) w
cross join lateral (
  select i.id from app.table_inventory i
  where i.restaurant_id = b.restaurant_id and i.active and i.status::text <> 'out_of_service'
    and i.capacity >= b.party_size and i.zone_id = coalesce(b.assigned_zone_id, i.zone_id)
    and coalesce(i.min_party_size, 1) <= b.party_size and coalesce(i.max_party_size, b.party_size) >= b.party_size
    and not exists (
      select from app.allocations al
      where al.resource_id = i.id and not pg_catalog.isempty(al."window")
        and pg_catalog.lower(al."window") < w.end_at and pg_catalog.upper(al."window") > w.start_at
    )
    and not exists (
      select from app.booking_table_assignments a
      where a.table_id = i.id and a.start_at < w.end_at and a.end_at > w.start_at
    )
    and not exists (
      select from app.table_hold_members m join app.table_holds h on h.id = m.hold_id
      where m.table_id = i.id and h.start_at < w.end_at and h.end_at > w.start_at
    )
  order by i.capacity, i.id
  limit 1
) t
where w.start_at < w.end_at and not exists (
  select from app.booking_table_assignments a where a.booking_id = b.id
)
order by w.start_at desc
limit 1
