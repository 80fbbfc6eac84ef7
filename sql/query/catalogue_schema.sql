-- What the owner of the bookings ($2) may do in the schema ($1).
select pg_catalog.jsonb_build_object(
  'usage', pg_catalog.has_schema_privilege($2, $1, 'usage'),
  'create', pg_catalog.has_schema_privilege($2, $1, 'create')
)
