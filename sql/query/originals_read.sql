-- Functions of the application that attach keeps under another name, and that the contract's calls work on ($1 schema).
select o.name, o.kept_as
from app.holdfast_originals o
where o.callable and exists (
  select from pg_catalog.pg_proc p where p.pronamespace = $1 and p.proname::text = o.kept_as
)
order by o.kept_as
