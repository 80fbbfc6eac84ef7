-- What a hold stands for, without a lock: enough to compare it with an answer already given. Where holds are deleted when
-- they end, we remember which tables and window each had; so did the functions that holdfast replaced.
select h.start_at, h.end_at,
       array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id) as tables
from app.table_holds h
where h.id = :hold
--[ended_holds
union all
select e.start_at, e.end_at, e.table_ids
from app.holdfast_ended_holds e
where e.hold_id = :hold and not exists (select from app.table_holds h where h.id = :hold)
--]
--[results
union all
select pg_catalog.lower(r.assignment_window), pg_catalog.upper(r.assignment_window),
       array(select t.id from pg_catalog.unnest(r.table_ids) t (id) order by t.id)
from app.booking_confirmation_results r
where r.hold_id = :hold and not exists (select from app.table_holds h where h.id = :hold)
--]
