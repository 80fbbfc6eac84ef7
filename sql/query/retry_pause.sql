-- Waits before the next try ($1, in seconds); a cancel ends it.
select 1 from pg_catalog.pg_sleep($1)
