-- Who has rights on a schema beside its owner; PUBLIC is the empty name.
select distinct case g.grantee when 0 then '' else pg_catalog.pg_get_userbyid(g.grantee)::text end as grantee
from pg_catalog.pg_namespace n, lateral pg_catalog.aclexplode(n.nspacl) g
where n.oid = :schema and g.grantee <> n.nspowner
order by 1
