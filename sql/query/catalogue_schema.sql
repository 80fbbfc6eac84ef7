-- What the owner of the bookings may do in the schema.
select pg_catalog.jsonb_build_object(
  'usage', pg_catalog.has_schema_privilege(:owner, :schema, 'usage'),
  'create', pg_catalog.has_schema_privilege(:owner, :schema, 'create')
) as fact
