-- Until when the scans of this schema are throttled: of commits; of live bookings, and whether there are any; of all
-- bookings one after the other, when the next batch is due, and the last pass began. No row: nothing was scanned yet.
select v.due_at as commits, l.look_at as live,
       exists (
         select from app.bookings b
         where coalesce(b.end_at, (b.booking_date + 2)::timestamp at time zone 'UTC', 'infinity') > :now
       ) as has_live,
       case when exists (select from app.bookings) then l.pass_at end as batch,
       case when l.pass_ended_at is not null then l.pass_began_at end as passed
from app.holdfast_booking_scans l
cross join app.holdfast_commit_scan v
where l.id and v.id
