-- Moves the booking's status and writes its history, together.
with moved as (
  update app.bookings b
  set status = $2::app.booking_status, checked_in_at = $3, checked_out_at = $4, updated_at = $5
  where b.id = $1
  returning b.status, b.checked_in_at, b.checked_out_at, b.updated_at
), recorded as (
  insert into app.booking_state_history (
    booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
    , metadata
--]
  )
  select $1, $6::app.booking_status, $2::app.booking_status, $7, $8, $9
--[history_metadata
         , coalesce($10, '{}'::jsonb)
--]
  from moved
  returning booking_id
)
select m.status, m.checked_in_at, m.checked_out_at, m.updated_at
from moved m
where (select pg_catalog.count(*) from recorded) = 1
