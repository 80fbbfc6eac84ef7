-- Writes down that the booking moved.
insert into app.booking_state_history (
  booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
  , metadata
--]
)
values (
  :booking, :from::app.booking_status, :to::app.booking_status, :changed_by, :changed_at, :reason
--[history_metadata
  , coalesce(:metadata, '{}'::jsonb)
--]
)
