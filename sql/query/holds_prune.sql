-- Deletes closed holds whose deadline passed before the cutoff, with their members; skips what others have locked.
with doomed as materialized (
  select h.id
  from app.table_holds h
  where h.status <> 'active' and h.expires_at < :cutoff
  limit :batch
  for update skip locked
)
delete from app.table_holds h
where h.id = any (array(select d.id from doomed d))
returning h.id
