-- What an automatic attempt looks at first, without a lock; `hold` is the one that was given.
select b.status::text, b.restaurant_id, b.party_size,
       pg_catalog.to_char(l.at, 'YYYY-MM-DD') as date, pg_catalog.to_char(l.at, 'HH24:MI:SS') as time,
       b.auto_assign_idempotency_key,
       exists (select from app.booking_table_assignments a where a.booking_id = b.id) as has_tables,
       g.booking_id as given_booking, g.status::text as given_status, g.expires_at as given_expires_at,
       (select h.id from app.table_holds h
        where h.booking_id = b.id and h.status = 'active' and h.expires_at > :now - limit.hold_grace
        order by h.expires_at desc, h.id limit 1) as own_hold,
       (select pg_catalog.jsonb_agg(s.status order by s.status)
        from app.holdfast_booking_statuses s where s.is_confirm_target) as targets,
--[basis
       (select l.basis ->> 'window' = 'derived' from app.booking_assignment_idempotency l
        where l.booking_id = b.id and l.outcome in ('confirmed', 'assigned')
        order by l.created_at desc limit 1) as window_derived
--|       false as window_derived
--]
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
cross join lateral (select coalesce(b.booking_date + b.start_time, b.start_at at time zone r.timezone)) l (at)
left join app.table_holds g on g.id = :hold
where b.id = :booking
