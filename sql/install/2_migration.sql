-- For the DBA: the findings of doctor as a script to review, run, and run again.

create function holdfast.migration(p_schema regnamespace, p_form text default 'run') returns text
language c strict stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_migration_wrapper';
comment on function holdfast.migration is
  'Prints a script for psql that brings an application schema to where attach finds everything, and attaches it: psql -XAtc "select holdfast.migration(''public'')" > migration.sql. p_schema: any schema; p_form: run (the script), dry_run (shows what it would do and which rows are in its way, changes nothing), back (takes back what run is about to do; print it before). NULL returns NULL. Raises 22023 for another form, 3F000 for an unknown schema. This function reads the catalogue and locks nothing; may be repeated. The script may be run again after any failure; each of its steps says what it locks.';
