-- What is counted outside of transactions, so that a rollback does not take it back.

create function holdfast.outcome_counts() returns table (
  outcome text, code text, disposition text, count bigint, epoch timestamptz
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_outcome_counts_wrapper';
comment on function holdfast.outcome_counts is
  'How many attempts to confirm or assign came to each outcome since the epoch began (UTC start of the server, or of its recovery from a crash); read it through the view holdfast.stat_outcomes. count and epoch are NULL when the library is not in shared_preload_libraries. Raises nothing, locks nothing, may be repeated.';

create function holdfast.attempt_counts() returns table (
  preloaded boolean, epoch timestamptz, started bigint, ended bigint, in_flight bigint, prepared bigint,
  replayed bigint, retries bigint, completed_in_time bigint, timeout_after_confirm bigint
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_attempt_counts_wrapper';
comment on function holdfast.attempt_counts is
  'The attempts to confirm or assign since the epoch began; read it through the view holdfast.stat_attempts. One row; with preloaded false every other column is NULL. Looks first whether prepared transactions have ended. Raises nothing, locks nothing, may be repeated.';

create view holdfast.stat_outcomes as
  select outcome, code, disposition, count, epoch from holdfast.outcome_counts();
comment on view holdfast.stat_outcomes is
  'How often each outcome was reached, also by attempts that rolled back: an attempt that wrote counts as rolled_back when its transaction does, one that an error of a trigger or the end of its session stopped as failed. NULL when the library is not preloaded.';

create view holdfast.stat_attempts as
  select preloaded, epoch, started, ended, in_flight, prepared, replayed, retries, completed_in_time,
         timeout_after_confirm
  from holdfast.attempt_counts();
comment on view holdfast.stat_attempts is
  'started = ended + in_flight + prepared, whenever nothing moves. ended: the sum of stat_outcomes; in_flight: running, or its transaction is still open; prepared: in a prepared transaction (2PC) that nobody has ended; replayed: those of ended that got an earlier answer; retries: further tries within attempts; completed_in_time and timeout_after_confirm: confirmed with a deadline, committed before or after it. A crash of the server begins a new epoch.';
