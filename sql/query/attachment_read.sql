-- What a schema says itself, beside what attach recorded; read once a session, and again when one of the tables changed.
select 'feature' as kind, 'assignment_exclusion' as name, null::text as value, null::uuid as id, null::integer as number
where exists (
  select from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  where c.relnamespace = :schema and c.relname = 'booking_table_assignments' and k.contype = 'x'
)
union all
-- An index by which the first entry of a table that ends after a moment is found, and a constraint by which there is no other.
select 'feature', 'first_look', null, null, null
where exists (
  select from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indrelid and c.relnamespace = :schema and c.relname = 'allocations'
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  join pg_catalog.pg_am m on m.oid = x.relam
  where m.amname = 'btree' and i.indisvalid and i.indisready and i.indnkeyatts >= 2
    and pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) = 'resource_id'
    and pg_catalog.pg_get_indexdef(i.indexrelid, 2, true) = 'COALESCE(upper("window"), ''infinity''::timestamp with time zone)'
    and (i.indpred is null or pg_catalog.pg_get_expr(i.indpred, i.indrelid) in (
      '(NOT shadow)', '((resource_type = ''table''::text) AND (NOT shadow))',
      '(((resource_type)::text = ''table''::text) AND (NOT shadow))'))
)
and exists (
  select from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid and c.relnamespace = :schema and c.relname = 'allocations'
  join pg_catalog.pg_index i on i.indexrelid = k.conindid
  where k.contype = 'x' and not k.condeferrable and i.indisvalid
    and (i.indpred is null or pg_catalog.pg_get_expr(i.indpred, i.indrelid) = '(NOT shadow)')
    and not exists (
      select from rows from (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.conexclop)) e (attnum, operator)
      left join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = e.attnum
      join pg_catalog.pg_operator o on o.oid = e.operator
      where (coalesce(a.attname, ''), o.oprname) not in (
        ('restaurant_id', '='), ('resource_type', '='), ('resource_id', '='), ('window', '&&'))
    )
    and 'window' in (select a.attname from pg_catalog.pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey))
)
union all
-- A unique index that may allow a set of tables one entry of a booking: any that does not tell entries apart by their key.
select 'feature', 'table_set_key', null, null, null
where exists (
  select from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indrelid and c.relnamespace = :schema and c.relname = 'booking_assignment_idempotency'
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'idempotency_key'
  where (i.indisunique or i.indisexclusion) and a.attnum <> all (i.indkey::smallint[])
)
--[rollout
union all
select 'rollout', null, r.mode, r.restaurant_id, r.percentage
from app.holdfast_rollout r
--]
order by kind, name, value, id
