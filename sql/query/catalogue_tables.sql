-- What the relations of a schema look like: one a row, with its columns, and what the owner of the bookings lacks.
select pg_catalog.jsonb_build_object(
  'name', c.relname,
  'kind', c.relkind::text,
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'rows', c.reltuples::bigint,
  'row_security', c.relrowsecurity,
  'hides_rows', c.relrowsecurity and not exists (
    select from pg_catalog.pg_class b
    join pg_catalog.pg_roles o on o.oid = b.relowner
    where b.relnamespace = :schema and b.relname = 'bookings'
      and (o.rolsuper or o.rolbypassrls or not c.relforcerowsecurity and pg_catalog.pg_has_role(o.oid, c.relowner, 'usage'))
  ),
  'partitioned_by', (
    select coalesce(pg_catalog.jsonb_agg(coalesce(a.attname::text, pg_catalog.pg_get_partkeydef(c.oid)) order by k.place), '[]'::jsonb)
    from pg_catalog.pg_partitioned_table p
    cross join lateral pg_catalog.unnest(p.partattrs::smallint[]) with ordinality k (number, place)
    left join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = k.number and k.number > 0
    where p.partrelid = c.oid
  ),
  'readable', pg_catalog.has_table_privilege(c.oid, 'select'),
  'has_rules', c.relhasrules,
  'lacks', (
    select coalesce(pg_catalog.jsonb_agg(r.name), '[]'::jsonb)
    from pg_catalog.unnest(array['select', 'insert', 'update', 'delete', 'references']) r (name)
    where not pg_catalog.has_table_privilege(:owner, c.oid, r.name)
  ),
  'columns', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', a.attname,
      'type_name', pg_catalog.format_type(a.atttypid, null),
      'type_kind', t.typtype::text,
      'base_type', pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null),
      'length', case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end,
      'type_owner', pg_catalog.pg_get_userbyid(t.typowner),
      'barred', not pg_catalog.has_type_privilege(:owner, t.oid, 'usage'),
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
) as fact
from pg_catalog.pg_class c
where c.relnamespace = :schema and c.oid in (
  select o.objid from pg_catalog.pg_depend o
  where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
    and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
order by c.relname
