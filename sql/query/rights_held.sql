-- Does a role ($1) have the use of a schema ($2), and may it execute a function ($3, NULL for none)?
select pg_catalog.has_schema_privilege($1::name, $2, 'usage'), pg_catalog.has_function_privilege($1::name, $3, 'execute')
