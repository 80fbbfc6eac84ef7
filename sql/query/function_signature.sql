-- How ALTER takes a function ($1, OID).
select $1::pg_catalog.regprocedure::text
