-- What a schema says itself, beside what attach recorded; read once a session, and again when one of the tables changed.
select 'exclusion' as kind, null::text as name, null::text as value, null::uuid as id, null::integer as number
where exists (
  select from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  where c.relnamespace = :schema and c.relname = 'booking_table_assignments' and k.contype = 'x'
)
--[rollout
union all
select 'rollout', null, r.mode, r.restaurant_id, r.percentage
from app.holdfast_rollout r
--]
order by kind, name, value, id
