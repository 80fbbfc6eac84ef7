-- Forgets disagreements of calls before an instant, oldest first; skips what others have locked.
with doomed as materialized (
  select d.ctid as place
  from app.holdfast_disagreements d
  where d.called_at < :before
  order by d.called_at
  limit :batch
  for update skip locked
)
delete from app.holdfast_disagreements d
where d.ctid = any (array(select o.place from doomed o))
returning d.id
