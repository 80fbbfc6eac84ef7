-- Until the transaction ends the schema stays, under the name that this returns: a rename waits.
select n.nspname::text as name from pg_catalog.pg_namespace n where n.oid = :schema for key share
