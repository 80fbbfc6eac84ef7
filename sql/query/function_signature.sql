-- How ALTER takes a function.
select :function::pg_catalog.regprocedure::text as signature
