-- Secure by default: what is created above is for the owner alone.
revoke all on all functions in schema holdfast from public;
revoke all on all tables in schema holdfast from public;
-- Whoever watches the server may see what was attempted, and change nothing.
grant usage on schema holdfast to pg_monitor;
grant select on holdfast.spans, holdfast.in_flight, holdfast.stat_spans to pg_monitor;
grant execute on function holdfast.recorded_spans(), holdfast.attempts_in_flight(), holdfast.span_counts() to pg_monitor;
