-- Deletes closed holds whose deadline passed before $1, at most $2, with their members; skips what others have locked.
with doomed as materialized (
  select h.id
  from app.table_holds h
  where h.status <> 'active' and h.expires_at < $1
  limit $2
  for update skip locked
)
delete from app.table_holds h
where h.id = any (array(select d.id from doomed d))
returning h.id
