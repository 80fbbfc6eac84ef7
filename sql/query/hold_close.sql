-- Closes one hold that is locked: `holds_close` without lists to be unfolded.
update app.table_holds h
set status = :status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp())
where h.id = :hold
--[ended_holds
  and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
