-- Reconciliation: what can be found.
create function holdfast.finding_catalogue() returns table (
  name text, code text, severity text, promise text, sentence text, repair text
)
language c immutable parallel safe set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_finding_catalogue_wrapper';
comment on function holdfast.finding_catalogue is
  'Every finding that a reconciliation can come to; read it through the view holdfast.findings. Raises nothing, locks nothing.';

create view holdfast.findings as
  select name, code, severity, promise, sentence, repair from holdfast.finding_catalogue();
comment on view holdfast.findings is
  'The catalogue of findings: name, stable code, severity (info, warning, error, critical), the promise it breaks, what it means, what a repair does.';

create function holdfast.repair_booking(
  p_schema regnamespace, p_booking_id uuid, p_findings text[] default null, p_dry_run boolean default true
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_repair_booking_wrapper';
comment on function holdfast.repair_booking is
  'Plans the repair of one booking, and does it when p_dry_run is false; the native form of repair_booking. p_schema the attached schema; p_booking_id; p_findings names or codes of holdfast.findings (NULL: all); p_dry_run NULL is true. result: an array of {finding, severity, action, step, detail, changes}. Locks the booking, its holds, its tables. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

create function holdfast.explain_confirm(
  p_schema regnamespace, p_booking_id uuid, p_hold_id uuid default null, p_table_ids uuid[] default null,
  p_idempotency_key text default null, p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status text default 'confirmed', p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_explain_confirm_wrapper';
comment on function holdfast.explain_confirm is
  'Says what a confirm with these arguments would find now; the native form of explain_confirm. p_schema the attached schema; the rest as there. result: an array of {check_name, passed, outcome, message, detail, blocking_table_id, blocking_booking_id, blocking_hold_id, blocking_start_at, blocking_end_at}. Locks nothing, writes nothing. Refusals of the schema come back as the row; may be repeated.';

-- Compiling the plan just in time takes many times longer than running it.
create function holdfast.audit(p_schema regnamespace) returns jsonb
language c stable set search_path = pg_catalog, pg_temp set jit = off
as 'MODULE_PATHNAME', 'native_audit_wrapper';
comment on function holdfast.audit is
  'Holds every promise that rows can show (G1 to G9) against every row of a schema, the past included but for bookings that were over before the schema was attached (holdfast_booking_scans.attached_at), in one snapshot. p_schema the attached schema. Returns a certificate: schema, taken_at, snapshot, lsn_at_most (the log''s position after the snapshot was taken), counts, checks (promise, check, examined, broken, the first ten examples; notice: legitimate ways lead there too), violations, notices, digest (SHA-256 of the JSON without it, keys sorted, no white space). sql/audit/promises.sql asks the same without holdfast. Reads every table whole. Raises 55000. Locks nothing. May be repeated, also on a standby.';

create function holdfast.verify_commits(p_schema regnamespace, p_batch integer default 1000)
returns table (booking_id uuid, findings text[], repaired boolean, detail text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_verify_commits_wrapper';
comment on function holdfast.verify_commits is
  'Looks again at the bookings whose ledger was committed to since the last call, and says which do not agree; a booking with nothing but findings of severity info is left out. The worker and holdfast.sweep do the same. What does not agree is written into holdfast_findings until it agrees again. Costs in proportion to what was committed. p_schema the attached schema; p_batch 1 to 100000 answers, NULL is 1000. A mismatch that is new becomes an event capacity.atomic_confirm transaction.reconciled_mismatch in observability_events, where there is that table, and is repaired at once where holdfast_reconciliation_policies says repair for one of its findings and nobody works on the booking. Raises 22023, 55000, 40001 in a transaction that is not READ COMMITTED when another looked meanwhile, what repair_booking raises. Locks its row of holdfast_commit_scan and skips when another has it; a repair locks as repair_booking does. May be repeated; the first call begins ten minutes back.';

create function holdfast.backfill(p_schema regnamespace, p_dry_run boolean default true)
returns table (booking_id uuid, finding text, severity text, action text, step text, detail text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_backfill_wrapper';
comment on function holdfast.backfill is
  'Gives live bookings that were confirmed before their schema was attached what they lack: the allocation of an assignment and its id, the allocation of a group, the answer of a key, the history''s last entry; and reports what does not fit. Such a booking ends in the future and has no answer of ours. p_schema the attached schema; p_dry_run NULL is true: nothing is written. Returns one row a finding (holdfast.findings): action planned, done, or person where a person decides. Writes at most 500 bookings a call: call again, each in a transaction of its own, until no row says done. Raises 55000, 40001, 40P01, 55P03, and what the application''s triggers raise. Locks each booking that it mends as repair_booking does. May be repeated.';
