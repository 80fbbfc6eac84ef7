-- Functions that attach keeps, with the names that they had ($1 schema).
select p.oid::pg_catalog.regprocedure::text, case p.prokind when 'p' then 'procedure' else 'function' end, o.name, o.granted,
       o.closed
from app.holdfast_originals o
join pg_catalog.pg_proc p on p.pronamespace = $1 and p.proname::text = o.kept_as
order by o.kept_as
