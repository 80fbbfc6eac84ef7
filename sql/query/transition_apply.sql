-- Moves the booking's status and writes its history, together.
with moved as (
  update app.bookings b
  set status = :to::app.booking_status, checked_in_at = :checked_in_at, checked_out_at = :checked_out_at, updated_at = :updated_at
  where b.id = :booking
  returning b.status, b.checked_in_at, b.checked_out_at, b.updated_at
), recorded as (
  insert into app.booking_state_history (
    booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
    , metadata
--]
  )
  select :booking, :from::app.booking_status, :to::app.booking_status, :changed_by, :changed_at, :reason
--[history_metadata
         , coalesce(:metadata, '{}'::jsonb)
--]
  from moved
  returning booking_id
)
select m.status, m.checked_in_at, m.checked_out_at, m.updated_at
from moved m
where (select pg_catalog.count(*) from recorded) = 1
