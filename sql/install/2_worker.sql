-- What the background worker is at.
create function holdfast.worker_status() returns table (
  database_id oid, pid integer, schema_id oid, task text, attached_schemas integer,
  skipped_schemas integer, paused text, runs bigint, more boolean,
  failures integer, errors bigint, last_error text, started_at timestamptz, finished_at timestamptz,
  next_run_at timestamptz, done jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_worker_status_wrapper';
comment on function holdfast.worker_status is
  'What the worker is at and what it did since the server started, one row for each database that it knows of; read it through the view holdfast.stat_worker. No row when the library is not preloaded. Raises nothing, locks nothing. May be repeated.';

create view holdfast.stat_worker as
  select d.datname as database, s.pid,
         case when d.datname operator(pg_catalog.=) pg_catalog.current_database()
              then s.schema_id::pg_catalog.regnamespace::pg_catalog.text
              else s.schema_id::pg_catalog.text end as schema,
         s.task, s.attached_schemas, s.skipped_schemas, s.paused, s.runs, s.more, s.failures, s.errors, s.last_error, s.started_at, s.finished_at,
         s.next_run_at, s.done
  from holdfast.worker_status() s
  join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) s.database_id;
comment on view holdfast.stat_worker is
  'The background worker, one row a database: the worker process that is there now (pid, schema and task, else NULL); how many attached schemas it found, and how many of them it skips, because holdfast.worker_excluded_schemas names them or a subscription fills their tables; paused, why nobody works in the database (worker off, read only), else NULL; runs, the rounds in which it ran what was due, whether the last left work for the next, how often in a row a schema failed, errors and the SQLSTATE of the last one (the server''s log has its text); when the last round began and ended and when the next is due (a commit calls it earlier; NULL: when somebody writes); rows done, by task. Since the start of the server.';

-- What came of each of its tasks.
create function holdfast.task_status() returns table (
  database_id oid, schema_id oid, task text, paused text, last_run timestamptz, last_error text,
  last_error_at timestamptz, next_run timestamptz, runs bigint, failures bigint
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_task_status_wrapper';
comment on function holdfast.task_status is
  'What came of each task of the worker, one row for each attached schema and task; read it through the view holdfast.stat_tasks. No row when the library is not preloaded. Raises nothing, locks nothing. May be repeated.';

create view holdfast.stat_tasks as
  select d.datname as database,
         case when d.datname operator(pg_catalog.=) pg_catalog.current_database()
              then t.schema_id::pg_catalog.regnamespace::pg_catalog.text
              else t.schema_id::pg_catalog.text end as schema,
         t.task, t.paused, t.last_run, t.last_error, t.last_error_at, t.next_run,
         coalesce(greatest(
           pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-) t.next_run), 0
         ), 0) as lag_s,
         t.runs, t.failures
  from holdfast.task_status() t
  join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) t.database_id;
comment on view holdfast.stat_tasks is
  'The tasks of the background worker, one row for each database, attached schema and task, since the start of the server. paused: why it is not run (worker off, read only; skipped, because holdfast.worker_excluded_schemas names the schema or a subscription fills its tables), else NULL. last_run: when its last run ended. last_error, last_error_at: SQLSTATE and time of the last error, also of one row that was left alone for it; the server''s log has its text. next_run: when it is to run, NULL when somebody writes. lag_s: seconds since it was to run, 0 while that is to come. runs; failures: those that an error or the end of the process ended. holdfast.sweep is not counted. The schema of another database stands by its number; one that found no slot has no row. No row when the library is not preloaded.';
