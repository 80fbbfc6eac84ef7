-- The constraints of a schema's tables. Keys are column names in order; the definition tells the rest.
select pg_catalog.jsonb_build_object(
  'table', c.relname,
  'name', k.conname,
  'kind', k.contype::text,
  'validated', k.convalidated,
  'deferrable', k.condeferrable,
  'columns', (
    select coalesce(pg_catalog.jsonb_agg(a.attname order by u.place), '[]'::jsonb)
    from pg_catalog.unnest(k.conkey) with ordinality u (number, place)
    left join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
  ),
  'operators', (
    select coalesce(pg_catalog.jsonb_agg(o.oprname order by u.place), '[]'::jsonb)
    from pg_catalog.unnest(k.conexclop) with ordinality u (operator, place)
    join pg_catalog.pg_operator o on o.oid = u.operator
  ),
  'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid),
  'usable', coalesce(i.indisvalid, true),
  'definition', pg_catalog.pg_get_constraintdef(k.oid)
) as fact
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
left join pg_catalog.pg_index i on i.indexrelid = k.conindid and k.contype in ('p', 'u', 'x')
where c.relnamespace = :schema and c.oid in (
  select o.objid from pg_catalog.pg_depend o
  where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
    and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
) and not c.relispartition and k.conparentid = 0
order by c.relname, k.conname
