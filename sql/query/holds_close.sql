-- Closes holds that are locked, so that no reader of their deadline sees a live one. Not where the application deletes them.
update app.table_holds h
set status = e.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp())
from rows from (pg_catalog.unnest(:holds::uuid[]), pg_catalog.unnest(:ends::text[])) e (id, status)
where h.id = e.id
--[ended_holds
  and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
