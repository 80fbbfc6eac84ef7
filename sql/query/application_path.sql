-- What the application's own code named its things by until now: the path of the function that ours replaces (`names`,
-- the most important first; `legacy` is where attach keeps it), and the schemas that its objects live in or that the database
-- names for every session. A schema in which somebody else may create things is none of them: what they create there would
-- run with the rights of the bookings' owner.
with replaced as (
  select p.proconfig
  from pg_catalog.pg_proc p
  join pg_catalog.pg_language l on l.oid = p.prolang
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join lateral (
    select pg_catalog.min(o.place) as place
    from pg_catalog.unnest(:names) with ordinality o (name, place)
    where p.proname::text = o.name
  ) o
  where (n.oid = :schema or n.nspname::text = :legacy) and l.lanname <> 'c' and o.place is not null
  order by o.place, p.oid
  limit 1
), relation as materialized (
  select c.oid from pg_catalog.pg_class c
  where c.relnamespace = :schema and c.oid in (
    select o.objid from pg_catalog.pg_depend o
    where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
      and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  )
), lived_in as (
  select p.pronamespace as schema
  from pg_catalog.pg_trigger t
  join relation c on c.oid = t.tgrelid
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  where not t.tgisinternal
  union
  select t.typnamespace
  from pg_catalog.pg_attribute a
  join relation c on c.oid = a.attrelid
  join pg_catalog.pg_type t on t.oid = a.atttypid
  where a.attnum > 0 and not a.attisdropped
  union
  select p.pronamespace
  from pg_catalog.pg_depend d
  join pg_catalog.pg_proc p on p.oid = d.refobjid
  left join pg_catalog.pg_attrdef f on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and f.oid = d.objid
  left join pg_catalog.pg_constraint k on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and k.oid = d.objid
  left join pg_catalog.pg_policy y on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and y.oid = d.objid
  join relation c on c.oid = coalesce(f.adrelid, k.conrelid, y.polrelid)
  where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  union
  select e.extnamespace from pg_catalog.pg_extension e
  union
  select n.oid
  from pg_catalog.pg_db_role_setting d
  cross join pg_catalog.unnest(d.setconfig) c (setting)
  join pg_catalog.pg_namespace n
    on pg_catalog.quote_ident(n.nspname) = any (pg_catalog.string_to_array(pg_catalog.substr(c.setting, 13), ', '))
  where d.setrole = 0 and c.setting like 'search$_path=%' escape '$'
    and d.setdatabase = (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())
)
select 'replaced' as kind, (select pg_catalog.substr(c.setting, 13) from pg_catalog.unnest(r.proconfig) c (setting)
                            where c.setting like 'search$_path=%' escape '$') as value
from replaced r
union all
select 'schema', n.nspname::text
from pg_catalog.pg_namespace n
where n.oid in (select l.schema from lived_in l) and n.oid <> :schema
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'holdfast')
  and not exists (
    select from pg_catalog.aclexplode(n.nspacl) g where g.privilege_type = 'CREATE' and g.grantee <> n.nspowner
  )
order by kind, value
