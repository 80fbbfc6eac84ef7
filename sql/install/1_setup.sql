-- Nothing that stands in a schema of somebody else is found by name here.
set local search_path = pg_catalog, pg_temp;
-- The schema is looked for by name: one that somebody made before, or put something into, would have its functions called in
-- the place of ours by whoever calls them.
do $$
declare
  schema_owner text;
  creator text;
  foreign_objects text;
begin
  select o.rolname::text into schema_owner
  from pg_catalog.pg_namespace n join pg_catalog.pg_roles o on o.oid = n.nspowner
  where n.nspname = 'holdfast' and not o.rolsuper;
  select pg_catalog.string_agg(pg_catalog.pg_describe_object(d.classid, d.objid, 0), ', ')
  into foreign_objects
  from pg_catalog.pg_depend d
  join pg_catalog.pg_namespace n on n.oid = d.refobjid and n.nspname = 'holdfast'
  where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.deptype = 'n'
    and d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass
    and not exists (
      select from pg_catalog.pg_depend m
      join pg_catalog.pg_extension e on e.oid = m.refobjid and e.extname = 'holdfast'
      where m.classid = d.classid and m.objid = d.objid and m.deptype = 'e'
        and m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    );
  if schema_owner is not null or foreign_objects is not null then
    raise exception 'schema holdfast is not the extension''s own' using errcode = 'object_not_in_prerequisite_state',
      detail = pg_catalog.concat_ws('; ', 'its owner is ' || schema_owner, 'it contains ' || foreign_objects),
      hint = 'Look at what it is, then drop or rename it: the extension makes the schema itself.';
  end if;
  -- Default privileges may let others create in it.
  for creator in
    select distinct case a.grantee when 0 then 'public' else a.grantee::pg_catalog.regrole::text end
    from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
    where n.nspname = 'holdfast' and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner
  loop
    execute 'revoke create on schema holdfast from ' || creator;
  end loop;
end
$$;

-- Nothing here is for PUBLIC: rights are granted by attach, to the roles that it is given.
revoke all on schema holdfast from public;
comment on schema holdfast is
  'holdfast: a held table becomes a confirmed booking exactly once. attach() binds an application''s schema.';
