-- Who has the lock of an attempt (a number in two halves), or of its booking's share, beside this session, and as which prepared transaction: its
-- locks have no session, and one of them is on its own transaction. A share counts while one of the transactions that had the booking locked runs,
-- and is named only where that transaction is its holder's.
with locks as materialized (
  select l.* from pg_catalog.pg_locks l where l.granted and l.pid is distinct from pg_catalog.pg_backend_pid()
), lockers as materialized (
  select t.virtualtransaction from locks t where t.locktype = 'transactionid' and t.transactionid = any (:lockers::xid[])
), holders as (
  select l.pid, p.gid, l.classid = :high and l.objid = :low as exact,
         exists (select from lockers r where r.virtualtransaction = l.virtualtransaction) as has_booking
  from locks l
  left join locks x
    on l.pid is null and x.pid is null and x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction
  left join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
  where l.locktype = 'advisory' and l.objsubid = 3
    and (l.classid = :high and l.objid = :low or l.classid = :share_high and l.objid = :share_low)
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
)
select case when n.named then h.pid end as pid, case when n.named then h.gid end as gid
from holders h
cross join lateral (select h.exact or h.has_booking as named) n
where n.named or exists (select from lockers)
order by h.exact desc, h.has_booking desc, h.gid nulls last, h.pid
limit 1
