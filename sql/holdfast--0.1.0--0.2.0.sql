-- From holdfast 0.1.0: what the install scripts have since then. Written by toolchain/upgrade-sql.

set local search_path = pg_catalog, pg_temp;

do $$
declare
  schema_owner text;
  creator text;
  foreign_objects text;
begin
  select o.rolname::text into schema_owner
  from pg_catalog.pg_namespace n join pg_catalog.pg_roles o on o.oid = n.nspowner
  where n.nspname = 'holdfast' and not o.rolsuper;
  select pg_catalog.string_agg(pg_catalog.pg_describe_object(d.classid, d.objid, 0), ', ')
  into foreign_objects
  from pg_catalog.pg_depend d
  join pg_catalog.pg_namespace n on n.oid = d.refobjid and n.nspname = 'holdfast'
  where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.deptype = 'n'
    and d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass
    and not exists (
      select from pg_catalog.pg_depend m
      join pg_catalog.pg_extension e on e.oid = m.refobjid and e.extname = 'holdfast'
      where m.classid = d.classid and m.objid = d.objid and m.deptype = 'e'
        and m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    );
  if schema_owner is not null or foreign_objects is not null then
    raise exception 'schema holdfast is not the extension''s own' using errcode = 'object_not_in_prerequisite_state',
      detail = pg_catalog.concat_ws('; ', 'its owner is ' || schema_owner, 'it contains ' || foreign_objects),
      hint = 'Look at what it is, then drop or rename it: the extension makes the schema itself.';
  end if;
  -- Default privileges may let others create in it.
  for creator in
    select distinct case a.grantee when 0 then 'public' else a.grantee::pg_catalog.regrole::text end
    from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
    where n.nspname = 'holdfast' and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner
  loop
    execute 'revoke create on schema holdfast from ' || creator;
  end loop;
end
$$;

comment on function holdfast.confirm_tables is
  'Sets the tables of a booking to exactly the given set, moves it to the target status and closes its holds; the native form of confirm_hold_assignment_with_transition. Arguments: p_schema the attached schema; p_booking_id; p_table_ids one or more, no NULL, order and duplicates do not matter; p_idempotency_key NULL for none, never blank; p_require_adjacency NULL is false; p_assigned_by NULL for an automatic call; p_start_at and p_end_at both or neither (NULL: the booking''s window); p_target_status NULL leaves the status; the history columns may be NULL. Locks the booking, its holds, its tables. Any outcome of holdfast.outcomes may come back as the row; raised are errors of the application''s own triggers, conflicts that only a constraint saw (P0001, 40001), 40001, 40P01, 55P03, and 55000, XX000 where schema or server cannot do it now. Retry with the same key: a committed answer comes back with replayed set.';

comment on function holdfast.confirm_hold is
  'Confirms the tables of a hold for their window and closes the hold; the native form of confirm_hold_assignment_tx. Arguments as confirm_tables; p_hold_id names the tables; p_window_start and p_window_end both or neither (NULL: the hold''s window); p_expected_policy_version and p_expected_adjacency_hash NULL expect nothing; p_target_status NULL leaves the status. Locks the booking, its holds, its tables. Any outcome of holdfast.outcomes may come back as the row; raised are errors of the application''s own triggers, conflicts that only a constraint saw (P0001, 40001), 40001, 40P01, 55P03, and 55000, XX000 where schema or server cannot do it now. Retry with the same key: a committed answer comes back with replayed set.';

create function holdfast.confirm_many(p_schema regnamespace, p_items jsonb, p_mode text default 'raise')
returns table (
  ordinal integer, booking_id uuid, outcome text, code text, sqlstate text, message text, detail text, hint text,
  transient boolean, replayed boolean, idempotency_key text, receipt xid8, assignments jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_many_wrapper';

comment on function holdfast.confirm_many is
  'Confirms many bookings in one transaction; the native form of confirm_many. p_schema the attached schema; p_items and p_mode as there, and so are rows, errors and locks. Retry with the same keys: each item that was committed comes back with replayed set.';

comment on function holdfast.assign_tables is
  'Adds tables to a booking without touching its status; the native form of assign_tables_atomic_v2. Arguments as confirm_tables. Locks the booking, its holds, its tables. Any outcome of holdfast.outcomes may come back as the row; raised are errors of the application''s own triggers, conflicts that only a constraint saw (P0001, 40001), 40001, 40P01, 55P03, and 55000, XX000 where schema or server cannot do it now. Retry with the same key: a committed answer comes back with replayed set.';

comment on function holdfast.unassign_tables is
  'Takes tables from a booking (NULL: all), leaving its status; the native form of unassign_tables_atomic. result: {table_ids}. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

comment on function holdfast.transition_booking is
  'Moves a booking along a declared move and writes its history; the native form of apply_booking_state_transition. p_history_from must be the current status (NULL: not checked); timestamps are set as given, p_updated_at and p_history_changed_at NULL mean now. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

drop function holdfast.hold_tables;

create function holdfast.hold_tables(
  p_schema regnamespace, p_booking_id uuid, p_table_ids uuid[], p_start_at timestamptz default null,
  p_end_at timestamptz default null, p_ttl_seconds integer default 180, p_created_by uuid default null,
  p_metadata jsonb default '{}', p_idempotency_key text default null, p_wait_ms integer default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_hold_tables_under_key_wrapper';

comment on function holdfast.hold_tables is
  'Holds tables for a booking until a deadline. p_booking_id NULL holds for nobody yet and needs a window; p_ttl_seconds 1 to the owner''s longest (holdfast_hold_policy, 604800), NULL is 180; p_start_at and p_end_at both or neither (NULL: the booking''s window); p_metadata may be NULL; p_idempotency_key NULL for none; p_wait_ms the longest that the call may take, NULL for no limit. result: {hold_id, booking_id, table_ids, start_at, end_at, expires_at}. The same request of the same booking (or p_created_by) gets its live hold again, with replayed set; another one on one of its tables takes its place. Locks the booking, the caller''s own holds and the tables. Refusals come back as the row, who has the table as JSON at the end of hint; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

create function holdfast.extend_hold(
  p_schema regnamespace, p_hold_id uuid, p_ttl_seconds integer default 180, p_booking_id uuid default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_extend_hold_wrapper';

comment on function holdfast.extend_hold is
  'Gives a live hold more time, never less. p_schema the attached schema; p_hold_id; p_ttl_seconds from now, 1 to the owner''s longest (holdfast_hold_policy, 604800), NULL is 180; p_booking_id whose hold it must be, NULL for any. result: {hold_id, expires_at}. Locks the hold. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

comment on function holdfast.release_hold is
  'Hands a hold back; outcome released, or nothing_held when it was unknown, closed or past its deadline. p_actor_id may be NULL. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

comment on function holdfast.refresh_table_status is
  'Sets the status of a table to that of now. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

comment on function holdfast.reconcile_booking is
  'Reads a booking''s status, whether its tables are unassigned, assigned or inconsistent, and what does not agree (see holdfast.findings). result: {booking_state, assignment_state, findings}. Locks nothing. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

drop function holdfast.attach;

create function holdfast.attach(
  p_schema regnamespace, p_grant_to name[] default '{}', p_rehearse boolean default true
) returns void
language c strict volatile set search_path = pg_catalog, pg_temp set client_min_messages = warning
as 'MODULE_PATHNAME', 'native_attach_rehearsed_wrapper';

comment on function holdfast.attach is
  'Binds an application schema: checks its tables, adds the idempotency columns and the rules of statuses and capacity where they are missing, installs the functions of the contract, owned by the owner of bookings, and grants them to the roles of p_grant_to only (also to those of an earlier attach). p_schema: a schema with the tables of the contract. NULL for any argument does nothing. Then it rehearses (see holdfast.rehearse) and takes itself back where a step fails, unless p_rehearse is false. May be repeated. Needs a superuser. Locks each table that it changes until commit; where everything is prepared, its own tables and restaurants for an instant. Functions of the same names move to a schema of their own (its name with _legacy) and come back with detach. Raises 55000 before the first change when something stands in the way (DETAIL has all of it, as doctor says it), 55000 with everything taken back when a step of the rehearsal fails, 22023 when a rollout names functions that are not there, 42501 without a superuser.';

drop function holdfast.create_reference_schema;

create function holdfast.create_reference_schema(p_name text) returns void
language c strict volatile set search_path = pg_catalog, pg_temp set client_min_messages = warning
as 'MODULE_PATHNAME', 'native_create_reference_schema_wrapper';

comment on function holdfast.create_reference_schema is
  'Creates the tables of the contract in the schema p_name, which is created when it is missing; NULL does nothing. For new applications, tests and the demo; call attach next. Needs the right to create the schema. Raises 42710 or 42P07 when something of the same name is there; nothing is changed then.';

create table holdfast.attachment (
  bookings regclass primary key,
  -- Of the release that attached it last.
  version text not null,
  attached_at timestamptz not null default pg_catalog.clock_timestamp(),
  -- The optional tables that were there then.
  features text[] not null,
  -- The roles that were named at attach, and may call.
  callers text[] not null
);

comment on table holdfast.attachment is
  'Schemas that attach bound, by their bookings: the release, the optional tables that were there, the roles that may call.';

create table holdfast.addition (
  bookings regclass not null,
  -- table, found, index, constraint, default, not_null, usage, column.
  kind text not null,
  -- The table that it is on, where it is on one.
  relation text not null,
  -- Its own name; the role of a right to use the schema.
  name text not null,
  -- What the catalogue said of it when attach had made it: it is compared with, and not executed.
  definition text not null,
  primary key (bookings, kind, relation, name)
);

comment on table holdfast.addition is
  'What attach added to a schema beside the application''s own, as kinds and names; detach undoes it.';

create table holdfast.legacy_function (
  bookings regclass not null,
  -- The name that it has, and that a function of ours has in the application's schema now.
  name text not null,
  -- The types of its arguments, without their schemas: these may get other names.
  arguments text[] not null,
  -- The schema that it stands in now.
  legacy_schema text not null,
  -- The contract's call works on it: the kill switch may route to it.
  callable boolean not null,
  -- Attach let the owner of the bookings execute it.
  granted boolean not null,
  -- Everybody could execute it, and detach lets them again: our function took its name, but not the fault (F22).
  closed boolean not null,
  primary key (bookings, name, arguments)
);

comment on table holdfast.legacy_function is
  'Legacy functions that attach keeps in a schema of their own; detach brings them back.';

select pg_catalog.pg_extension_config_dump('holdfast.attachment', 'where exists (select from pg_catalog.pg_class c where c.oid = bookings)');

select pg_catalog.pg_extension_config_dump('holdfast.addition', 'where exists (select from pg_catalog.pg_class c where c.oid = bookings)');

select pg_catalog.pg_extension_config_dump('holdfast.legacy_function', 'where exists (select from pg_catalog.pg_class c where c.oid = bookings)');

create function holdfast.confirm_hold_within(
  p_schema regnamespace, p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_timeout_ms integer,
  p_assigned_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null, p_target_status text default 'confirmed'
)
returns table (
  outcome text, phase text, elapsed_ms integer, attempts integer, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, retry_after_ms integer, replayed boolean, idempotency_key text,
  hold_released boolean, receipt xid8
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_hold_within_wrapper';

comment on function holdfast.confirm_hold_within is
  'Confirms a hold within a limit in time and returns whatever came of it; the native form of atomic_confirm_and_transition_within, with its row. p_schema the attached schema; p_booking_id; p_hold_id; p_idempotency_key NULL for none, never blank; p_timeout_ms in milliseconds, 1 or more, cut down to a day, NULL is no limit; p_assigned_by NULL for an automatic call; the history columns may be NULL; p_target_status NULL leaves the status. When the limit passes, all is taken back, the hold is handed back, and the row says timeout_before_confirm: commit it. Raises what the application''s triggers raise, 57014, 55000, XX000. Locks the booking, its holds, its tables. Retry with the same key.';

create function holdfast.run_auto_assign(
  p_schema regnamespace, p_booking_id uuid, p_hold_id uuid, p_timeout_ms integer default 4000,
  p_trigger text default 'inline'
)
returns table (
  outcome text, phase text, elapsed_ms integer, attempts integer, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, retry_after_ms integer, replayed boolean, idempotency_key text,
  hold_released boolean, receipt xid8
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_run_auto_assign_wrapper';

comment on function holdfast.run_auto_assign is
  'The automatic attempt of a booking, under the booking''s own key; the native form of run_auto_assign, with its row: skipped_already_confirmed, skipped_in_progress, no_hold, or what confirm_hold_within answers. p_schema the attached schema; p_booking_id; p_hold_id NULL, closed or expired: the booking''s own live hold; p_timeout_ms as there; p_trigger inline or background, NULL is inline. Raises, locks and may be retried as there.';

create function holdfast.confirm_outcome(p_schema regnamespace, p_booking_id uuid, p_idempotency_key text)
returns table (
  outcome text, receipt xid8, decided_at timestamptz, undone_at timestamptz, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, pid integer, gid text
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_outcome_wrapper';

comment on function holdfast.confirm_outcome is
  'Did it happen? The native form of confirm_outcome, with its row: exactly one of committed, refused, timed_out, fenced, running, forgotten, never_seen. p_schema the attached schema; p_booking_id and p_idempotency_key not NULL, the key not blank. Raises P0002 for an unknown booking, 22023 and 23514 for a NULL or blank key, 55000. Locks nothing. May be repeated.';

create function holdfast.fence_attempt(
  p_schema regnamespace, p_booking_id uuid, p_idempotency_key text, p_wait_ms integer default 0,
  p_terminate boolean default false
)
returns table (
  outcome text, receipt xid8, decided_at timestamptz, undone_at timestamptz, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, pid integer, gid text
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_fence_attempt_wrapper';

comment on function holdfast.fence_attempt is
  'Gives a key up: its final answer, or a tombstone after which there is none; the native form of fence_attempt, with its row: committed, fenced, or running when whoever has the booking locked did not let go in time. p_schema the attached schema; p_booking_id and p_idempotency_key as confirm_outcome; p_wait_ms milliseconds, 0 or more, NULL is 0; p_terminate NULL is false, true ends the session of a running attempt. Raises P0002, 22023, 23514, 55000, 42501 when p_terminate is set and the caller lacks the role pg_signal_backend, 40001. Locks the booking. May be repeated.';

create function holdfast.undo_confirm(
  p_schema regnamespace, p_booking_id uuid, p_idempotency_key text, p_history_reason text default 'undo_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
)
returns table (
  outcome text, table_ids uuid[], status text, receipt xid8, code text, sqlstate text, message text, detail text,
  hint text
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_undo_confirm_wrapper';

comment on function holdfast.undo_confirm is
  'Takes back what one key did, and nothing of an earlier success; the native form of undo_confirm, with its row: undone, nothing_to_undo, or a refusal. p_schema the attached schema; p_booking_id; p_idempotency_key not NULL, not blank; history columns may be NULL. Raises what the application''s triggers raise, 55000, 40001, 40P01, 55P03. Locks the booking and its tables. May be repeated.';

create function holdfast.ensure_idempotency_index(p_schema regnamespace)
returns table (index_name text, state text, statement text)
language c stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_ensure_idempotency_index_wrapper';

comment on function holdfast.ensure_idempotency_index is
  'Checks the indexes that keys and pruning rely on, and says what to run; it changes nothing. p_schema the attached schema. Returns one row for an index that serves (state present, under whatever name), else one a statement, in their order: state missing, invalid (left by a build that failed) or different (another index has the name). Run the statements one by one, outside of a transaction block: they build concurrently and block nobody. Raises 55000. Locks nothing. May be repeated.';

create function holdfast.idempotency_conflicts(p_schema regnamespace)
returns table (finding text, booking_id uuid, idempotency_key text, detail text)
language c stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_idempotency_conflicts_wrapper';

comment on function holdfast.idempotency_conflicts is
  'Lists keys that will not do what their booking expects: duplicate (several bookings carry it), blank (a booking''s, or the ledger''s), stale (party, date or time changed since the key was made, and the booking is not confirmed yet). p_schema the attached schema. Reads bookings and the ledger whole. Raises 55000. Locks nothing. May be repeated.';

create function holdfast.prune_idempotency(
  p_schema regnamespace, p_older_than interval default null, p_batch integer default 1000
) returns table (pruned bigint, bookings bigint, more boolean)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_prune_idempotency_wrapper';

comment on function holdfast.prune_idempotency is
  'Forgets old answers of the ledger, one batch a call, oldest first. p_schema the attached schema; p_older_than their least age (NULL: holdfast.ledger_retention_days; a month counts 30 days); p_batch 1 to 100000, NULL is 1000. Returns the answers forgotten, how many bookings they belonged to, and whether to call again. A fence is never forgotten; each booking concerned is remembered in holdfast_pruned, so that confirm_outcome answers forgotten. Raises 22023, 55000. Locks the rows that it deletes and skips what others have locked: no call waits for it but one under the very key. May be repeated; commit between calls.';

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

create function holdfast.sweep(p_schema regnamespace, p_batch integer default 1000)
returns table (task text, done bigint, more boolean, error text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_sweep_wrapper';

comment on function holdfast.sweep is
  'Does what the worker does, one batch of each task: record_attempts writes attempts down whose session was ended (with the library preloaded); retry_attempts makes one automatic attempt again that failed for a reason that may have passed, while the booking has a live hold (run_auto_assign, in the background); expire_holds ends open holds past their deadline (closes them, or deletes them where the application does), takes their mirrors away and emits capacity.hold.released; notify_outbox notifies holdfast_outbox, without a payload, when events are due (done is 1 then); scan_commits looks again at bookings that were committed to (done are the bookings); scan_live_bookings looks at all live bookings as holdfast_reconciliation shows them, when holdfast.reconcile_interval has passed (done are those of which something new was found), and scan_bookings at the next p_batch / 4 by primary key, one by one, once in holdfast.full_scan_interval (done are the bookings), both reporting and repairing as scan_commits does; record_disagreements writes down what shadow mode found in calls that raised; prune_ledger, prune_attempts, prune_ended_holds and prune_disagreements forget answers, attempts that came to nothing, what became of holds that were deleted, and what shadow mode found, older than holdfast.ledger_retention_days; prune_outbox forgets events delivered longer ago than holdfast.outbox_retention_days; prune_ended deletes closed holds older than holdfast.ledger_retention_days, events dead for longer than holdfast.outbox_dead_retention_days, and marks of pruned answers whose booking is gone. p_schema the attached schema; p_batch 1 to 100000 rows a task, NULL is 1000. Returns a row for each task: how many rows it closed or forgot, whether to call again, and the first error: a hold or booking that fails for a reason of its own, by a trigger of the application''s say, is put into holdfast_quarantine and left alone for a minute at first, for an hour at last, while the rest goes on; a task that fails as a whole does not keep the others. Raises 22023, 55000, and what is nobody''s own: 40001, 40P01, 55P03, a cancel. Locks the rows that it changes, skips what others have locked, judges them again under lock: it waits for nobody but in the automatic attempt, a second at most. Does nothing, and says so in error, where a subscription fills the tables. May be repeated, also by several at once; commit between calls.';

create function holdfast.doctor(p_schema regnamespace) returns table (
  what text, state text, why text, promise text, mend text, locks text
)
language c strict stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_doctor_wrapper';

comment on function holdfast.doctor is
  'Lists every requirement of an application schema and every known fault in it. p_schema: any schema, attached or not; NULL returns no row. Returns one row each: what; state (ok, missing, wrong, risky); why it matters; promise (G1 to G10, NULL for none of them); mend, the exact statements (NULL: why says what a person has to decide); locks, what they lock. Reads the catalogue and, where the caller may read them, the status rules and at most 1000 live holds. Raises 3F000 for an unknown schema. Locks nothing; safe in production; may be repeated.';

create function holdfast.rehearse(p_schema regnamespace, p_booking_id uuid default null, p_role name default null)
returns table (step text, passed boolean, sqlstate text, message text, spoke text, mend text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_rehearse_wrapper';

comment on function holdfast.rehearse is
  'Calls the whole contract on the schema''s own data and takes it back: hold, confirm, replay, unassign, undo, cancel, release, and the legacy functions. p_schema the attached schema; p_booking_id a booking that may be confirmed (NULL: one is found, or made); p_role who calls (NULL: a role that attach granted the calls to, else the owner of bookings). Returns one row a step: passed (NULL: not tried, or it says nothing about the schema), SQLSTATE and message of what was raised, what spoke (constraint, policy, right, column, function), the statement that mends it where it is known. Acts with the rights of the owner of bookings, waits for a lock 2 s at most, emits no notification, leaves no row; numbers of sequences are used up. Raises 22023 for a role that the caller is no member of, or a booking that has no free table, 55000 for a schema that is not attached. Locks the booking and a table while it runs. May be repeated.';

create function holdfast.detach(p_schema regnamespace, p_keep_tables boolean default true) returns void
language c strict volatile set search_path = pg_catalog, pg_temp set client_min_messages = warning
as 'MODULE_PATHNAME', 'native_detach_wrapper';

comment on function holdfast.detach is
  'Undoes attach: drops the functions of the contract and the views, constraints and indexes that attach added, brings back the constraints that it replaced, and brings the application''s own functions back into its schema, with their grants, comments and owners. p_schema: an attached schema, also one that lost a table since. Columns that were added stay, and every row of the application; tables that attach added (rules, attempts, pruned answers) stay unless p_keep_tables is false. NULL for either does nothing. Needs a superuser. Raises 55000 when the schema is not attached, 2BP01 when something of the application depends on one of our functions. Locks the tables whose constraints change exclusively until commit. Not to be repeated: the second call finds nothing attached.';

create function holdfast.rollout_checked() returns trigger
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'rollout_checked_wrapper';

comment on function holdfast.rollout_checked is
  'The trigger on each row of holdfast_rollout, installed by attach: a row that leaves bookings to legacy functions (a percentage below 100, or another mode than on) needs such functions. Takes no argument, returns NULL, locks nothing. Raises 22023 where attach kept none that gives tables to a booking, and an error when it is called in any other way.';

create function holdfast.rollout_changed() returns trigger
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'rollout_changed_wrapper';

comment on function holdfast.rollout_changed is
  'The trigger on holdfast_rollout, installed by attach: tells every session to read these rows again once the change is committed. Takes no argument, returns NULL, locks nothing. Raises an error when it is called in any other way.';

create function holdfast.migration(p_schema regnamespace, p_form text default 'run') returns text
language c strict stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_migration_wrapper';

comment on function holdfast.migration is
  'Prints a script for psql that brings an application schema to where attach finds everything, and attaches it: psql -XAtc "select holdfast.migration(''public'')" > migration.sql. p_schema: any schema; p_form: run (the script), dry_run (shows what it would do and which rows are in its way, changes nothing), back (takes back what run is about to do; print it before). NULL returns NULL. Raises 22023 for another form, 3F000 for an unknown schema. This function reads the catalogue and locks nothing; may be repeated. The script may be run again after any failure; each of its steps says what it locks.';

create function holdfast.recorded_spans() returns table (
  trace_id text, span_id text, parent_span_id text, name text, part text, started_at timestamptz, ended_at timestamptz,
  outcome text, code text, sqlstate text, message text, detail text, replayed boolean, transaction_end text,
  transaction_id xid8, database_id oid, schema_id oid, function text, path text, booking_id uuid, restaurant_id uuid,
  hold_id uuid, idempotency_key text, pid integer, blocker_pid integer,
  blocker_booking_id uuid, blocker_hold_id uuid, blocker_until timestamptz, is_cut boolean
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_recorded_spans_wrapper';

comment on function holdfast.recorded_spans is
  'The last attempts that the server keeps in memory (holdfast.spans), and a row for each of their parts; read it through the view holdfast.spans. No row when the library is not preloaded. Raises nothing, locks nothing, may be repeated.';

create function holdfast.attempts_in_flight() returns table (
  pid integer, database_id oid, schema_id oid, function text, path text, booking_id uuid, restaurant_id uuid, hold_id uuid,
  idempotency_key text, phase text, started_at timestamptz, since timestamptz, trace_id text, span_id text,
  item integer, items integer
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_attempts_in_flight_wrapper';

comment on function holdfast.attempts_in_flight is
  'What each session is at; read it through the view holdfast.in_flight. No row when the library is not preloaded. Raises nothing, locks nothing, may be repeated.';

create function holdfast.span_counts() returns table (
  preloaded boolean, room bigint, written bigint, held bigint, dropped bigint, observed bigint, unobserved bigint
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_span_counts_wrapper';

comment on function holdfast.span_counts is
  'How many attempts were written down, and how many of them are gone; read it through the view holdfast.stat_spans. One row; with preloaded false every other column is NULL. Raises nothing, locks nothing, may be repeated.';

create view holdfast.spans as
  select s.trace_id, s.span_id, s.parent_span_id, s.name, s.part, s.started_at, s.ended_at, s.outcome, s.code, s.sqlstate, s.message,
         s.detail, s.replayed, s.transaction_end as transaction, s.transaction_id, d.datname::text as database,
         coalesce(n.nspname::text, s.schema_id::text) as schema, s.function, s.path, s.booking_id, s.restaurant_id,
         s.hold_id, s.idempotency_key, s.pid, s.blocker_pid, s.blocker_booking_id, s.blocker_hold_id, s.blocker_until,
         s.is_cut,
         pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
           'db.system.name', 'postgresql',
           'db.namespace', pg_catalog.concat_ws('|', d.datname, coalesce(n.nspname::text, s.schema_id::text)),
           'db.stored_procedure.name', s.function,
           'db.response.status_code', s.sqlstate,
           'error.type', case when s.sqlstate is not null then s.code end,
           'holdfast.part', s.part,
           'holdfast.booking_id', s.booking_id,
           'holdfast.restaurant_id', s.restaurant_id,
           'holdfast.hold_id', s.hold_id,
           'holdfast.idempotency_key', s.idempotency_key,
           'holdfast.outcome', s.outcome,
           'holdfast.path', s.path,
           'holdfast.transaction', s.transaction_end,
           'holdfast.blocker_pid', s.blocker_pid,
           'holdfast.blocker_booking_id', s.blocker_booking_id,
           'holdfast.blocker_hold_id', s.blocker_hold_id,
           'holdfast.blocker_until', s.blocker_until
         )) as attributes
  from holdfast.recorded_spans() s
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) s.database_id
  left join pg_catalog.pg_namespace n
    on n.oid operator(pg_catalog.=) s.schema_id and d.datname operator(pg_catalog.=) pg_catalog.current_database();

comment on view holdfast.spans is
  'The last calls that write to bookings or holds, newest kept (setting holdfast.spans), also those that rolled back: a row named holdfast.confirm, .hold, .undo, .reconcile or the like for each, whose part is NULL, and one for each of its parts (holdfast.replay, .lock, .validate, .write) as its child. transaction: pending, committed, rolled_back or prepared. message and detail are our own words; of an error of the server or of a trigger only SQLSTATE and names are kept. A refusal that names no booking is counted, and not kept. blocker_pid: the session of ours that had the lock on the booking or hold when this one gave up waiting for it; blocker_booking_id and blocker_hold_id: what that one was about, or who had the table, until blocker_until. is_cut: a text was too long. attributes follow OpenTelemetry''s conventions for databases. A schema of another database is its OID.';

create view holdfast.in_flight as
  select f.pid, d.datname::text as database, coalesce(n.nspname::text, f.schema_id::text) as schema, f.function, f.path,
         f.booking_id, f.restaurant_id, f.hold_id, f.idempotency_key, f.phase, f.started_at, f.since,
         -- It looks at every lock of the server: asked of those alone that wait for one, or of whom the reader may not see that.
         case when a.wait_event_type operator(pg_catalog.=) 'Lock' or a.state is null then pg_catalog.pg_blocking_pids(f.pid)
              else '{}'::integer[] end as waiting_for, f.trace_id, f.span_id, f.item, f.items
  from holdfast.attempts_in_flight() f
  left join pg_catalog.pg_stat_get_activity(null) a on a.pid operator(pg_catalog.=) f.pid
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) f.database_id
  left join pg_catalog.pg_namespace n
    on n.oid operator(pg_catalog.=) f.schema_id and d.datname operator(pg_catalog.=) pg_catalog.current_database();

comment on view holdfast.in_flight is
  'Calls that write to bookings or holds and run, or whose transaction is still open: the last of each session. phase done: it has its answer, and its transaction has not ended. since: when the phase was reached. waiting_for: the processes whose locks it waits for now, by pg_blocking_pids. item and items: of a confirm_many, which item it is at, and of how many; NULL for any other call.';

create view holdfast.stat_spans as
  select preloaded, room, written, held, dropped, observed, unobserved from holdfast.span_counts();

comment on view holdfast.stat_spans is
  'written = held + dropped, whenever nothing moves: attempts written down since the server started or recovered, those that holdfast.spans shows, and those that made room for newer ones or found none. room: the setting holdfast.spans. observed: attempts that rolled back, and that the worker told the services of in observability_events, by the setting holdfast.observability_events; unobserved: those that it could not tell of, for the table refused the row or the attempt was dropped before.';

create function holdfast.why(p_schema regnamespace, p_booking_id uuid, p_idempotency_key text default null)
returns table (at timestamptz, source text, what text, detail jsonb, what_to_do text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_why_wrapper';

comment on function holdfast.why is
  'Why a booking is as it is: everything that is known of it, in the order of time, and what to do now. p_schema the attached schema; p_booking_id not NULL; p_idempotency_key NULL for every key, and then with its holds and its history. source: spans (attempts in memory, also those that rolled back), in_flight (at work now), attempts and ledger (written down), history, holds, outbox. detail: ids, keys, codes, times, our own words; nothing that a guest or a person wrote. what_to_do NULL: nothing. At least one row. It reads as the owner of the bookings, whoever calls; members of pg_monitor may. Where a table is locked or the bookings belong to a superuser, who then has to ask, it tells what memory has, and why no more. Raises P0002 for a NULL booking, 55000 for a schema that is not attached. Locks nothing, may be repeated.';

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

revoke all on all functions in schema holdfast from public;

revoke all on all tables in schema holdfast from public;

grant usage on schema holdfast to pg_monitor;

grant select on holdfast.in_flight, holdfast.spans, holdfast.stat_attempts, holdfast.stat_confirm, holdfast.stat_outcomes,
  holdfast.stat_phase, holdfast.stat_shadow, holdfast.stat_spans, holdfast.stat_tasks, holdfast.stat_worker to pg_monitor;

grant execute on function holdfast.attempt_counts(), holdfast.attempts_in_flight(), holdfast.call_counts(),
  holdfast.outcome_counts(), holdfast.phase_counts(), holdfast.recorded_spans(), holdfast.shadow_counts(),
  holdfast.span_counts(), holdfast.task_status(), holdfast.why(regnamespace, uuid, text), holdfast.worker_status() to pg_monitor;
