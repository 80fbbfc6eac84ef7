-- Shadow mode, for whoever decides whether to switch over.

create function holdfast.shadow_report(p_schema regnamespace) returns table (
  fault text, what text, found_by text[], seen bigint, first_seen timestamptz, last_seen timestamptz, example jsonb,
  findings text[]
)
language c stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_shadow_report_wrapper';
comment on function holdfast.shadow_report is
  'Which of the known faults F1 to F28 a schema shows. p_schema the attached schema. Returns a row for each fault, and the row other for disagreements that show none: what it is; found_by, disagreement (of calls in shadow mode), doctor (in the body or the rights of a function), both or neither; seen, how many disagreements show it, first_seen and last_seen (NULL: none), the latest in full as example {id, function, kind, request, ours, theirs, session}; findings, what holdfast.doctor calls them. Reads holdfast_disagreements and the catalogue; calls that raised are in it once the worker, or holdfast.sweep, has written them down. Raises 55000. Locks nothing. May be repeated.';

create function holdfast.shadow_counts() returns table (
  schema_id oid, judged bigint, agreed bigint, disagreed bigint, undecided bigint, skipped bigint, failed bigint,
  lost bigint
)
language c volatile parallel restricted set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_shadow_counts_wrapper';
comment on function holdfast.shadow_counts is
  'How often the original functions and ours agreed in shadow mode, one row a schema of this database; read it through the view holdfast.stat_shadow. No row when the library is not preloaded, and for what comes after 256 schemas. Raises nothing, locks nothing, may be repeated.';

create view holdfast.stat_shadow as
  select n.nspname::pg_catalog.text as schema, c.judged, c.agreed, c.disagreed, c.undecided, c.skipped, c.failed, c.lost
  from holdfast.shadow_counts() c
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.schema_id;
comment on view holdfast.stat_shadow is
  'Calls in shadow mode since the server started: judged = agreed + disagreed + undecided (the original failed because of the moment: a deadlock, a lock timeout, a cancel). Not judged: skipped (the transaction is serializable), failed (our own looking failed; the call went on). lost: disagreements that could not be kept, because too many calls raised before the worker came, or the table was not there.';
