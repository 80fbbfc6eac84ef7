-- What a hold stands for, without a lock: enough to compare it with an answer already given.
select h.start_at, h.end_at,
       array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id)
from app.table_holds h
where h.id = $1
