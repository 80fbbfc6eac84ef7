-- The rules of a move from one status to another.
select 'status' as kind, s.status::text as label, s.is_confirm_target, s.holds_tables,
--[needs_tables
       coalesce(s.needs_tables, s.is_confirm_target or s.occupies_tables) as needs_tables
--|       s.is_confirm_target or s.occupies_tables as needs_tables
--]
       , s.releases_tables
from app.holdfast_booking_statuses s
where s.status::text = :current or s.status::text = :target
union all
select 'move', m.from_status::text, null, null, null, null
from app.holdfast_status_transitions m
where m.to_status::text = :target
