-- What is counted outside of transactions, so that a rollback does not take it back.

create function holdfast.outcome_counts() returns table (
  database_id oid, schema_id oid, schema_name text, function text, path text,
  outcome text, code text, disposition text, count bigint, epoch timestamptz
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_outcome_counts_wrapper';
comment on function holdfast.outcome_counts is
  'How many attempts came to each outcome since the epoch began; read it through the view holdfast.stat_outcomes. When the library is not in shared_preload_libraries, a row for each outcome of which count and epoch are NULL. Looks first whether prepared transactions have ended. Raises nothing, locks nothing, may be repeated.';

create function holdfast.attempt_counts() returns table (
  preloaded boolean, epoch timestamptz, started bigint, ended bigint, in_flight bigint, prepared bigint,
  counters bigint[]
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_attempt_counts_wrapper';
comment on function holdfast.attempt_counts is
  'The attempts since the epoch began; read it through the view holdfast.stat_attempts. One row; with preloaded false every other column is NULL. Looks first whether prepared transactions have ended. Raises nothing, locks nothing, may be repeated.';

create function holdfast.call_counts() returns table (
  database_id oid, schema_id oid, schema_name text, function text, path text,
  started bigint, ended bigint, in_flight bigint, prepared bigint, timeout_before_confirm bigint,
  counters bigint[], total_ms double precision, epoch timestamptz
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_call_counts_wrapper';
comment on function holdfast.call_counts is
  'The attempts of each label set since the epoch began; read it through the view holdfast.stat_confirm. No row when the library is not preloaded. Looks first whether prepared transactions have ended. Raises nothing, locks nothing, may be repeated.';

create function holdfast.phase_counts() returns table (
  database_id oid, schema_id oid, schema_name text, function text, path text,
  phase text, calls bigint, total_ms double precision,
  p50_ms double precision, p95_ms double precision, p99_ms double precision,
  le_ms double precision[], buckets bigint[]
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_phase_counts_wrapper';
comment on function holdfast.phase_counts is
  'How long calls and their phases took since the epoch began; read it through the view holdfast.stat_phase. No row when the library is not preloaded. Raises nothing, locks nothing, may be repeated.';

create function holdfast.stat_reset() returns boolean
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_stat_reset_wrapper';
comment on function holdfast.stat_reset is
  'Forgets the numbers and times of every database and begins an epoch; what is in flight or prepared stays counted as started. Returns false when the library is not preloaded: nothing is counted. Raises nothing, locks nothing, may be repeated.';

create view holdfast.stat_confirm as
  select d.datname as database,
         case when d.datname operator(pg_catalog.=) pg_catalog.current_database()
              then coalesce(n.nspname::pg_catalog.text, c.schema_id::pg_catalog.text)
              else c.schema_name end as schema,
         c.function, c.path, c.started, c.ended, c.in_flight, c.prepared, c.timeout_before_confirm,
         c.counters[1] as replayed, c.counters[2] as retries, c.counters[3] as deadlocks,
         c.counters[4] as lock_timeouts, c.counters[5] as completed_in_time,
         c.counters[6] as timeout_after_confirm,
         c.counters[7] as booking_waits, c.counters[8] as booking_wait_us,
         c.counters[9] as hold_waits, c.counters[10] as hold_wait_us,
         c.counters[11] as table_waits, c.counters[12] as table_wait_us,
         c.counters[13] as write_waits, c.counters[14] as write_wait_us,
         c.total_ms, c.epoch
  from holdfast.call_counts() c
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) c.database_id
  left join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.schema_id;
comment on view holdfast.stat_confirm is
  'Calls that write to bookings or holds, of all databases, by database, schema, function and path (inline, background, manual). started = ended + in_flight + prepared, whenever nothing moves. timeout_before_confirm: those of ended whose limit in time passed. replayed: those of ended that got an earlier answer. retries: further tries within attempts. deadlocks: tries that the server ended as a deadlock, also those that were made again. lock_timeouts: tries that lock_timeout ended, also those that were made again. completed_in_time: confirmed with a deadline, committed before it. timeout_after_confirm: confirmed with a deadline, committed after it. booking_waits: tries that waited for the lock of the booking. booking_wait_us: how long they were at that lock. hold_waits: tries that waited for the locks of holds. hold_wait_us: how long they were at those locks of holds. table_waits: tries that waited for the locks of tables. table_wait_us: how long they were at those locks of tables. write_waits: tries that waited while writing, for the same key, a constraint or what a trigger locks. write_wait_us: how long they were writing then. These times are microseconds; a wait that the end of its session cut off is not counted. total_ms: from beginning to answer. Without database and schema: more label sets were called than holdfast.label_sets has room for. A schema that is gone stands by its number. A clean stop keeps the numbers; a crash begins an epoch. No row when the library is not preloaded.';

create view holdfast.stat_outcomes as
  select d.datname as database,
         case when d.datname operator(pg_catalog.=) pg_catalog.current_database()
              then coalesce(n.nspname::pg_catalog.text, c.schema_id::pg_catalog.text)
              else c.schema_name end as schema,
         c.function, c.path, c.outcome, c.code, c.disposition, c.count, c.epoch
  from holdfast.outcome_counts() c
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) c.database_id
  left join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.schema_id;
comment on view holdfast.stat_outcomes is
  'How often each outcome was reached, by database, schema, function and path as in stat_confirm, also by attempts that rolled back: an attempt that wrote counts as rolled_back when its transaction does, one that an error of a trigger or the end of its session stopped as failed. What was never reached has no row. When the library is not preloaded, a row for each outcome, with NULL.';

create view holdfast.stat_phase as
  select d.datname as database,
         case when d.datname operator(pg_catalog.=) pg_catalog.current_database()
              then coalesce(n.nspname::pg_catalog.text, c.schema_id::pg_catalog.text)
              else c.schema_name end as schema,
         c.function, c.path, c.phase, c.calls, c.total_ms, c.p50_ms, c.p95_ms, c.p99_ms, c.le_ms, c.buckets
  from holdfast.phase_counts() c
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) c.database_id
  left join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.schema_id;
comment on view holdfast.stat_phase is
  'How long calls took, by database, schema, function and path as in stat_confirm, and by phase: call (from beginning to answer, however it ended), replay (looking for an earlier answer), lock (waiting for and taking the locks of booking, holds and tables), validate (reading and deciding), write (with the application''s triggers), commit (the server''s, of the whole transaction). Of each: calls, milliseconds together, estimates of p50, p95 and p99, and the histogram: buckets are cumulative, one for each upper bound in le_ms and one more for all. No row when the library is not preloaded.';

create view holdfast.stat_attempts as
  select preloaded, epoch, started, ended, in_flight, prepared,
         counters[1] as replayed, counters[2] as retries, counters[3] as deadlocks, counters[4] as lock_timeouts,
         counters[5] as completed_in_time, counters[6] as timeout_after_confirm,
         counters[7] as booking_waits, counters[8] as booking_wait_us,
         counters[9] as hold_waits, counters[10] as hold_wait_us,
         counters[11] as table_waits, counters[12] as table_wait_us,
         counters[13] as write_waits, counters[14] as write_wait_us
  from holdfast.attempt_counts();
comment on view holdfast.stat_attempts is
  'The sum over stat_confirm, one row. started = ended + in_flight + prepared, whenever nothing moves. ended: the sum of stat_outcomes; in_flight: running, or its transaction is still open; prepared: in a prepared transaction (2PC) that nobody has ended; the rest as in stat_confirm. With preloaded false every other column is NULL.';
