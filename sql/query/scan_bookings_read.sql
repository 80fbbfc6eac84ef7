-- Live bookings that do not agree and whose finding is new, or is to be mended; a batch of them. What agrees again is struck off,
-- what was set aside still is left.
with seen as materialized (
  select v.booking_id, v.finding
  from app.holdfast_reconciliation_read() v
  where v.booking_id is not null and v.severity <> 'info'
), struck_off as (
  delete from app.holdfast_findings f
  where not exists (select from seen s where s.booking_id = f.booking_id and s.finding = f.finding)
)
select distinct s.booking_id
from seen s
where (
    not exists (select from app.holdfast_findings f where f.booking_id = s.booking_id and f.finding = s.finding)
    or exists (select from app.holdfast_reconciliation_policies p where p.finding = s.finding and p.action = 'repair')
  ) and not exists (
    select from app.holdfast_quarantine a
    where a.task = any ('{reconcile, repair}') and a.id = s.booking_id and a.until > :now
  )
limit :batch
