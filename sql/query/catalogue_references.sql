-- Foreign keys to the tables of a schema, from anywhere. Deleting a row, or changing its key, looks for the rows that
-- refer to it: is there an index that finds them?
select pg_catalog.jsonb_build_object(
  'schema', pg_catalog.quote_ident(n.nspname),
  'table', c.relname,
  'name', k.conname,
  'columns', (
    select pg_catalog.jsonb_agg(a.attname order by u.place)
    from pg_catalog.unnest(k.conkey) with ordinality u (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
  ),
  'references', t.relname,
  'partitioned', c.relkind = 'p',
  'elsewhere', c.relnamespace <> :schema,
  'indexed', exists (
    select from pg_catalog.pg_index i
    where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
      and array(
        select u.number from pg_catalog.unnest(i.indkey::int2[]) with ordinality u (number, place)
        where u.place <= pg_catalog.cardinality(k.conkey) order by u.number
      ) = array(select u.number from pg_catalog.unnest(k.conkey) u (number) order by u.number)
  )
) as fact
from pg_catalog.pg_class t
cross join lateral (
  -- A foreign key depends on the columns that it refers to; constraints have no index by them.
  select distinct d.objid as oid
  from pg_catalog.pg_depend d
  where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = t.oid
    and d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
) f
join pg_catalog.pg_constraint k on k.oid = f.oid and k.confrelid = t.oid
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where t.relnamespace = :schema and t.oid in (
  select o.objid from pg_catalog.pg_depend o
  where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
    and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
) and k.contype = 'f' and k.conparentid = 0
order by c.relname, k.conname
