-- Who will call: the role of that name, else the first role beside the owner that may execute a function of ours in the
-- schema, else the owner of its bookings. May the caller act as that role?
select r.oid, r.rolname::text as name, o.rolname::text as owner,
       pg_catalog.pg_has_role(r.oid, 'member')
         or (select u.rolsuper from pg_catalog.pg_roles u where u.rolname = current_user) as allowed
from pg_catalog.pg_class b
join pg_catalog.pg_roles o on o.oid = b.relowner
join lateral (
  select g.oid, g.rolname from pg_catalog.pg_roles g
  where case when :name is not null then g.rolname::text = :name else g.oid = coalesce((
    select a.grantee from pg_catalog.pg_proc p
    cross join lateral pg_catalog.aclexplode(p.proacl) a
    where p.pronamespace = :schema and p.proname = 'atomic_confirm_and_transition' and a.privilege_type = 'EXECUTE'
      and a.grantee not in (0, p.proowner)
    order by a.grantee
    limit 1
  ), b.relowner) end
) r on true
where b.relnamespace = :schema and b.relname = 'bookings'
