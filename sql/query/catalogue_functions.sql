-- The functions of a schema with what a doctor looks at. Those of other extensions are none of ours.
select pg_catalog.jsonb_build_object(
  'oid', p.oid::bigint,
  'name', p.proname,
  'signature', p.oid::pg_catalog.regprocedure::text,
  'kind', p.prokind::text,
  'language', l.lanname,
  'owner', pg_catalog.pg_get_userbyid(p.proowner),
  'ours', l.lanname = 'c' and p.probin is not null and p.probin like '%holdfast' or exists (
    select from pg_catalog.pg_depend d
    join pg_catalog.pg_extension e on e.oid = d.refobjid and e.extname = 'holdfast'
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'x'
      and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  ),
  'definer', p.prosecdef,
  'pinned', coalesce((
    select pg_catalog.bool_or(s.setting like 'search_path=%') from pg_catalog.unnest(p.proconfig) s (setting)
  ), false),
  'for_public', exists (
    select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) g
    where g.grantee = 0 and g.privilege_type = 'EXECUTE'
  ),
  'grantees', (
    select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.pg_get_userbyid(g.grantee)), '[]'::jsonb)
    from pg_catalog.aclexplode(p.proacl) g
    where g.grantee not in (0, p.proowner) and g.privilege_type = 'EXECUTE'
  ),
  'defaults', p.pronargdefaults,
  'arguments', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', coalesce(p.proargnames[u.place], ''),
      'type_name', pg_catalog.format_type(u.type_oid, null),
      'mode', coalesce(p.proargmodes[u.place]::text, 'i')
    ) order by u.place), '[]'::jsonb)
    from pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality u (type_oid, place)
  ),
  'returns', pg_catalog.format_type(p.prorettype, null),
  'body', case when l.lanname in ('sql', 'plpgsql') then p.prosrc else '' end
) as fact
from pg_catalog.pg_proc p
join pg_catalog.pg_language l on l.oid = p.prolang
where p.pronamespace = :schema and p.oid in (
  select o.objid from pg_catalog.pg_depend o
  where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
    and o.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
) and p.prokind in ('f', 'p')
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
  )
order by p.proname, p.oid
