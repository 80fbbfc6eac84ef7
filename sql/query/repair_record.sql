-- The end of a repair: the booking moves to its status if that is asked for, and its history says from
-- where, when and what was done.
with moved as (
  update app.bookings b set status = :to::app.booking_status, updated_at = least(:now, pg_catalog.clock_timestamp())
  where b.id = :booking and :moves
  returning b.id
)
insert into app.booking_state_history (
  booking_id, from_status, to_status, changed_at, reason
--[history_metadata
  , metadata
--]
)
select :booking, :from::app.booking_status, :to::app.booking_status, :now, 'reconciliation'
--[history_metadata
       , :metadata
--]
where :moves = ((select pg_catalog.count(*) from moved) = 1)
returning 1
