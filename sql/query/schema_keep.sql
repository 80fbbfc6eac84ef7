-- Until the transaction ends the schema ($1) stays, under the name that this returns: a rename waits.
select n.nspname::text from pg_catalog.pg_namespace n where n.oid = $1 for key share
