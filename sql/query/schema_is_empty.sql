-- Is nothing in a schema?
select not exists (
  select from pg_catalog.pg_depend d
  where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = :schema
) as empty
