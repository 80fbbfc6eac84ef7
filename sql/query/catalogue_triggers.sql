-- The triggers of a schema's tables, foreign keys' own among them: a disabled one checks nothing.
select pg_catalog.jsonb_build_object(
  'table', c.relname,
  'name', g.tgname,
  'enabled', g.tgenabled::text,
  'of_constraint', g.tgisinternal,
  'before_row', (g.tgtype::integer & 3) = 3,
  'on_insert', (g.tgtype::integer & 4) = 4,
  'body', case when l.lanname = 'plpgsql' then p.prosrc else '' end
) as fact
from pg_catalog.pg_trigger g
join pg_catalog.pg_class c on c.oid = g.tgrelid
join pg_catalog.pg_proc p on p.oid = g.tgfoid
join pg_catalog.pg_language l on l.oid = p.prolang
where c.relnamespace = :schema and c.oid in (
  select o.objid from pg_catalog.pg_depend o
  where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
    and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
)
order by c.relname, g.tgname
