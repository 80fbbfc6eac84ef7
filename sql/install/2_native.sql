-- The native functions: the schema is an argument, the outcome is a row. They act with the caller's own rights, for a superuser with those of the owner of the bookings.

create function holdfast.confirm_tables(
  p_schema regnamespace, p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null, p_target_status text default 'confirmed',
  p_history_changed_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}'
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_tables_wrapper';
comment on function holdfast.confirm_tables is
  'Sets the tables of a booking to exactly the given set, moves it to the target status and closes its holds; the native form of confirm_hold_assignment_with_transition. Arguments: p_schema the attached schema; p_booking_id; p_table_ids one or more, no NULL, order and duplicates do not matter; p_idempotency_key NULL for none, never blank; p_require_adjacency NULL is false; p_assigned_by NULL for an automatic call; p_start_at and p_end_at both or neither (NULL: the booking''s window); p_target_status NULL leaves the status; the history columns may be NULL. Locks the booking, its holds, its tables. Any outcome of holdfast.outcomes may come back as the row; raised are errors of the application''s own triggers, conflicts that only a constraint saw (P0001, 40001), 40001, 40P01, 55P03, and 55000, XX000 where schema or server cannot do it now. Retry with the same key: a committed answer comes back with replayed set.';

create function holdfast.confirm_hold(
  p_schema regnamespace, p_hold_id uuid, p_booking_id uuid, p_idempotency_key text,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_window_start timestamptz default null, p_window_end timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status text default null, p_history_reason text default 'auto_assign_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_hold_wrapper';
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

create function holdfast.assign_tables(
  p_schema regnamespace, p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text default null,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_assign_tables_wrapper';
comment on function holdfast.assign_tables is
  'Adds tables to a booking without touching its status; the native form of assign_tables_atomic_v2. Arguments as confirm_tables. Locks the booking, its holds, its tables. Any outcome of holdfast.outcomes may come back as the row; raised are errors of the application''s own triggers, conflicts that only a constraint saw (P0001, 40001), 40001, 40P01, 55P03, and 55000, XX000 where schema or server cannot do it now. Retry with the same key: a committed answer comes back with replayed set.';

create function holdfast.unassign_tables(
  p_schema regnamespace, p_booking_id uuid, p_table_ids uuid[] default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_unassign_tables_wrapper';
comment on function holdfast.unassign_tables is
  'Takes tables from a booking (NULL: all), leaving its status; the native form of unassign_tables_atomic. result: {table_ids}. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

create function holdfast.transition_booking(
  p_schema regnamespace, p_booking_id uuid, p_status text, p_checked_in_at timestamptz, p_checked_out_at timestamptz,
  p_updated_at timestamptz, p_history_from text, p_history_to text, p_history_changed_by uuid,
  p_history_changed_at timestamptz, p_history_reason text, p_history_metadata jsonb default '{}'
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_transition_booking_wrapper';
comment on function holdfast.transition_booking is
  'Moves a booking along a declared move and writes its history; the native form of apply_booking_state_transition. p_history_from must be the current status (NULL: not checked); timestamps are set as given, p_updated_at and p_history_changed_at NULL mean now. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

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

create function holdfast.release_hold(
  p_schema regnamespace, p_hold_id uuid, p_actor_id uuid default null
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_release_hold_wrapper';
comment on function holdfast.release_hold is
  'Hands a hold back; outcome released, or nothing_held when it was unknown, closed or past its deadline. p_actor_id may be NULL. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

create function holdfast.refresh_table_status(
  p_schema regnamespace, p_table_id uuid
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_refresh_table_status_wrapper';
comment on function holdfast.refresh_table_status is
  'Sets the status of a table to that of now. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

create function holdfast.reconcile_booking(
  p_schema regnamespace, p_booking_id uuid
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_reconcile_booking_wrapper';
comment on function holdfast.reconcile_booking is
  'Reads a booking''s status, whether its tables are unassigned, assigned or inconsistent, and what does not agree (see holdfast.findings). result: {booking_state, assignment_state, findings}. Locks nothing. Refusals come back as the row; a transient one binds no key: do what hint says before you ask again; retry at once only after 40001, 40P01, 55P03.';

create function holdfast.attach(
  p_schema regnamespace, p_grant_to name[] default '{}', p_rehearse boolean default true
) returns void
language c strict volatile set search_path = pg_catalog, pg_temp set client_min_messages = warning
as 'MODULE_PATHNAME', 'native_attach_rehearsed_wrapper';
comment on function holdfast.attach is
  'Binds an application schema: checks its tables, adds the idempotency columns and the rules of statuses and capacity where they are missing, installs the functions of the contract, owned by the owner of bookings, and grants them to the roles of p_grant_to only (also to those of an earlier attach). p_schema: a schema with the tables of the contract. NULL for any argument does nothing. Then it rehearses (see holdfast.rehearse) and takes itself back where a step fails, unless p_rehearse is false. May be repeated. Needs a superuser. Locks each table that it changes until commit; where everything is prepared, its own tables and restaurants for an instant. Functions of the same names move to a schema of their own (its name with _legacy) and come back with detach. Raises 55000 before the first change when something stands in the way (DETAIL has all of it, as doctor says it), 55000 with everything taken back when a step of the rehearsal fails, 22023 when a rollout names functions that are not there, 42501 without a superuser.';

create function holdfast.create_reference_schema(p_name text) returns void
language c strict volatile set search_path = pg_catalog, pg_temp set client_min_messages = warning
as 'MODULE_PATHNAME', 'native_create_reference_schema_wrapper';
comment on function holdfast.create_reference_schema is
  'Creates the tables of the contract in the schema p_name, which is created when it is missing; NULL does nothing. For new applications, tests and the demo; call attach next. Needs the right to create the schema. Raises 42710 or 42P07 when something of the same name is there; nothing is changed then.';

create function holdfast.outcome_catalogue() returns table (
  name text, code text, sqlstate text, disposition text, sentence text, advice text, http_status integer
)
language c immutable parallel safe set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_outcome_catalogue_wrapper';
comment on function holdfast.outcome_catalogue is
  'Every outcome that a call can come to; read it through the view holdfast.outcomes. Raises nothing, locks nothing.';

create view holdfast.outcomes as
  select name, code, sqlstate, disposition, sentence, advice, http_status from holdfast.outcome_catalogue();
comment on view holdfast.outcomes is
  'The catalogue: name, stable code, SQLSTATE, disposition (success, final, transient), what it means, what to do, HTTP status.';
