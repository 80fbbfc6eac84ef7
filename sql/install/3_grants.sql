-- Secure by default: what is created above is for the owner alone.
revoke all on all functions in schema holdfast from public;
revoke all on all tables in schema holdfast from public;
-- Whoever watches the server may see what is counted and what was attempted, and change nothing.
grant usage on schema holdfast to pg_monitor;
grant select on holdfast.in_flight, holdfast.spans, holdfast.stat_attempts, holdfast.stat_confirm, holdfast.stat_outcomes,
  holdfast.stat_phase, holdfast.stat_shadow, holdfast.stat_spans, holdfast.stat_tasks, holdfast.stat_worker to pg_monitor;
grant execute on function holdfast.attempt_counts(), holdfast.attempts_in_flight(), holdfast.call_counts(),
  holdfast.outcome_counts(), holdfast.phase_counts(), holdfast.recorded_spans(), holdfast.shadow_counts(),
  holdfast.span_counts(), holdfast.task_status(), holdfast.why(regnamespace, uuid, text), holdfast.worker_status() to pg_monitor;
