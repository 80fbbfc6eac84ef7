-- The end of a repair: the booking ($1) moves to its status ($2) if that is asked for ($6), and its history says from
-- where ($3), when ($4) and what was done ($5).
with moved as (
  update app.bookings b set status = $2::app.booking_status, updated_at = least($4, pg_catalog.clock_timestamp())
  where b.id = $1 and $6
  returning b.id
)
insert into app.booking_state_history (
  booking_id, from_status, to_status, changed_at, reason
--[history_metadata
  , metadata
--]
)
select $1, $3::app.booking_status, $2::app.booking_status, $4, 'reconciliation'
--[history_metadata
       , $5
--]
where $6 = ((select pg_catalog.count(*) from moved) = 1)
returning 1
