-- Who has rights on what attach made in a schema: its tables and views, their sequences and row types. PUBLIC is the
-- empty name; that it may use a row type, as by default, tells it nothing. Functions tell theirs themselves.
with ours as (
  select c.oid, c.relname, c.reltype
  from pg_catalog.pg_class c
  where c.relnamespace = :schema and c.oid in (
    select o.objid from pg_catalog.pg_depend o
    where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
      and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  ) and c.relkind in ('r', 'p', 'v') and c.relname::text = any (:ours)
), granted as (
  select o.relname, 'table' as kind, o.oid::pg_catalog.regclass::text as object, c.relowner as owner,
         coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)) as rights
  from ours o join pg_catalog.pg_class c on c.oid = o.oid
  union all
  select o.relname, 'sequence', s.oid::pg_catalog.regclass::text, s.relowner,
         coalesce(s.relacl, pg_catalog.acldefault('s', s.relowner))
  from ours o
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = o.oid
    and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')
  join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
  union all
  select o.relname, 'type', t.oid::pg_catalog.regtype::text, t.typowner,
         coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
  from ours o join pg_catalog.pg_type t on t.oid = o.reltype
)
select pg_catalog.jsonb_build_object(
  'table', g.relname, 'kind', g.kind, 'object', g.object,
  'grantee', case a.grantee when 0 then '' else pg_catalog.pg_get_userbyid(a.grantee)::text end,
  'privileges', pg_catalog.jsonb_agg(a.privilege_type order by a.privilege_type)
) as fact
from granted g, pg_catalog.aclexplode(g.rights) a
where a.grantee <> g.owner and not (g.kind = 'type' and a.grantee = 0)
group by g.relname, g.kind, g.object, a.grantee
order by g.relname, g.kind, a.grantee
