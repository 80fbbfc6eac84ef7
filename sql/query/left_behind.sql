-- What a schema's code left in a superuser's session: the commit would run it, or a later statement find it, with a superuser's rights.
select 'cursor ' || pg_catalog.quote_ident(c.name) || ' with hold' as name
from pg_catalog.pg_cursors c
where c.is_holdable and c.creation_time >= pg_catalog.statement_timestamp()
union all
select 'temporary object ' || pg_catalog.quote_ident(t.name::pg_catalog.text)
from (
  select c.relname, c.relowner from pg_catalog.pg_class c where c.relnamespace = pg_catalog.pg_my_temp_schema()
  union all
  select y.typname, y.typowner from pg_catalog.pg_type y where y.typnamespace = pg_catalog.pg_my_temp_schema()
) t (name, owner)
join pg_catalog.pg_roles r on r.oid = t.owner and not r.rolsuper
