-- Waits before the next try; a cancel ends it.
select 1 from pg_catalog.pg_sleep(:seconds)
