-- Does a role have the use of a schema, and may it execute a function (`function` null: none)?
select pg_catalog.has_schema_privilege(:role::name, :schema, 'usage') as may_use,
       pg_catalog.has_function_privilege(:role::name, :function, 'execute') as may_execute
