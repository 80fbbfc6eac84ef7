-- Closes a hold that was taken before its booking was known, and gives it to the booking. Apart from `holds_close`: an
-- application's trigger may look at every write of this column.
update app.table_holds h
set status = :status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp()), booking_id = :booking
where h.id = :hold
--[ended_holds
  and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
