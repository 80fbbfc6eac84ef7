-- Where a confirm leads, and where a cancel of it leads.
select s.status::text as target, (
  select m.to_status::text from app.holdfast_status_transitions m
  join app.holdfast_booking_statuses c on c.status = m.to_status
  where m.from_status = s.status and c.releases_tables
  order by m.to_status desc
  limit 1
) as cancelled
from app.holdfast_booking_statuses s
where s.is_confirm_target
order by pg_catalog.lower(s.status::text) <> 'confirmed', s.status
limit 1
