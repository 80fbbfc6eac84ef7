-- Functions of a schema ($1) that have the names of the contract ($2), and whether they are ours.
select p.oid::pg_catalog.regprocedure::text,
       l.lanname = 'c' and p.probin is not null and p.probin like '%holdfast'
from pg_catalog.pg_proc p
join pg_catalog.pg_language l on l.oid = p.prolang
where p.pronamespace = $1 and p.proname::text = any ($2)
order by 1
