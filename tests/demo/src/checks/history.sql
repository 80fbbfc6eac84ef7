-- The moves of each booking in their order: each starts where the last one ended, and they end at the booking's status.
with moves as (
  select h.booking_id, h.from_status, h.to_status,
    lag(h.to_status, 1, 'pending') over history as before,
    row_number() over (partition by h.booking_id order by h.id desc) = 1 as last
  from booking_state_history h
  window history as (partition by h.booking_id order by h.id)
), judged as (
  select b.id as booking_id, m.from_status is null or m.from_status = m.before as follows,
    case when m.last then m.to_status = b.status when m.last is null then b.status = 'pending' else true end as arrives
  from bookings b
  left join moves m on m.booking_id = b.id
)
select count(*) as examined, count(*) filter (where not (j.follows and j.arrives)) as violations,
  min(format('%s has a status that no move explains', g.name)) filter (where not (j.follows and j.arrives)) as note
from judged j
join evening.guests g on g.booking_id = j.booking_id
