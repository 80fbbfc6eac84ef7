-- What attach found and keeps in a schema ($1); read once a session, and again when one of the tables changed.
select 'feature' as kind, a.feature as name, null::text as value, null::uuid as id, null::integer as number
from app.holdfast_attachment a
union all
select 'exclusion', null, null, null, null
where exists (
  select from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  where c.relnamespace = $1 and c.relname = 'booking_table_assignments' and k.contype = 'x'
)
--[books
union all
select 'legacy', o.name, o.legacy_schema, null, o.callable::integer
from app.holdfast_originals o
union all
select 'rollout', null, r.mode, r.restaurant_id, r.percentage
from app.holdfast_rollout r
--]
order by kind, name, value, id
