-- The window of a booking (b) at a restaurant (r), as w: its instants, or what its day and times say there. An end before its
-- start is on the next day, until noon. In an hour that the clocks skip, the length counts.
cross join lateral (
  select coalesce(b.start_at, d.start_at) as start_at,
         coalesce(b.end_at, case when d.end_at <= d.start_at and b.end_time > b.start_time
                                 then d.start_at + (b.end_time - b.start_time) else d.end_at end) as end_at
  from (
    select (b.booking_date + b.start_time) at time zone r.timezone as start_at,
           (b.booking_date + b.end_time
             + case when b.end_time < b.start_time and b.end_time <= '12:00' then interval '1 day' else interval '0' end)
             at time zone r.timezone as end_at
  ) d
) w
