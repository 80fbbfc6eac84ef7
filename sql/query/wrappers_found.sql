-- Functions of a schema ($1) that have the names of the contract ($2), and whether they are ours.
select p.oid::pg_catalog.regprocedure::text,
       l.lanname = 'c' and p.probin is not null and p.probin like '%holdfast'
         or exists (
           select from pg_catalog.pg_depend d
           join pg_catalog.pg_extension e on e.oid = d.refobjid and e.extname = 'holdfast'
           where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'x'
             and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
         )
from pg_catalog.pg_proc p
join pg_catalog.pg_language l on l.oid = p.prolang
where p.pronamespace = $1 and p.proname::text = any ($2)
order by 1
