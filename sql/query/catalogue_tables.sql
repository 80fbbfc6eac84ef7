-- What the relations of a schema ($1) look like: one a row, with its columns.
select pg_catalog.jsonb_build_object(
  'name', c.relname,
  'kind', c.relkind::text,
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'rows', c.reltuples::bigint,
  'row_security', c.relrowsecurity,
  'readable', pg_catalog.has_table_privilege(c.oid, 'select'),
  'columns', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', a.attname,
      'type_name', pg_catalog.format_type(a.atttypid, null),
      'type_kind', t.typtype::text,
      'not_null', a.attnotnull,
      'filled', a.atthasdef or a.attidentity <> '' or a.attgenerated <> '',
      'computed', a.attgenerated <> '' or a.attidentity = 'a',
      'expression', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
      'labels', case when t.typtype = 'e' then (
        select pg_catalog.jsonb_agg(e.enumlabel order by e.enumsortorder)
        from pg_catalog.pg_enum e where e.enumtypid = t.oid
      ) end
    ) order by a.attnum), '[]'::jsonb)
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  )
)
from pg_catalog.pg_class c
where c.relnamespace = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by c.relname
