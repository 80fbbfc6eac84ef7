-- Forgets disagreements of calls before $1, at most $2, oldest first; skips what others have locked.
with doomed as materialized (
  select d.ctid as place
  from app.holdfast_disagreements d
  where d.called_at < $1
  order by d.called_at
  limit $2
  for update skip locked
)
delete from app.holdfast_disagreements d
where d.ctid = any (array(select o.place from doomed o))
returning d.id
