-- Who has the lock of an attempt (a number in two halves), or of its booking's share, beside this session, and as which prepared transaction: its
-- locks have no session, and one of them is on its own transaction.
select l.pid, p.gid
from pg_catalog.pg_locks l
left join pg_catalog.pg_locks x
  on l.pid is null and x.pid is null and x.locktype = 'transactionid' and x.granted
  and x.virtualtransaction = l.virtualtransaction
left join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
where l.locktype = 'advisory' and l.granted and l.objsubid = 3
  and (l.classid = :high and l.objid = :low or l.classid = :share_high and l.objid = :share_low)
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  and l.pid is distinct from pg_catalog.pg_backend_pid()
order by p.gid nulls last, l.pid
