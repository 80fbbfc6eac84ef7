-- Made by `make docs` from src/rules/schema, for people to read and for the linters.
create table if not exists app.holdfast_booking_statuses (
  status app.booking_status primary key,
  is_confirm_target boolean not null default false,
  holds_tables boolean not null default false,
  occupies_tables boolean not null default false,
  releases_tables boolean not null default false,
  needs_tables boolean,
  check (not (holds_tables and releases_tables)),
  check (holds_tables or not is_confirm_target),
  check (holds_tables or not occupies_tables)
);

create table if not exists app.holdfast_status_transitions (
  from_status app.booking_status not null references app.holdfast_booking_statuses (status),
  to_status app.booking_status not null references app.holdfast_booking_statuses (status),
  primary key (from_status, to_status),
  check (from_status <> to_status)
);

create table if not exists app.holdfast_capacity_policies (
  restaurant_id uuid primary key references app.restaurants (id) on delete cascade,
  extra_seats integer not null default 0 check (extra_seats >= 0),
  enforce_min_party boolean not null default false
);

create table if not exists app.holdfast_attempts (
  id bigint generated always as identity primary key,
  booking_id uuid not null,
  idempotency_key text,
  hold_id uuid,
  trigger text,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  outcome text not null,
  phase text not null,
  elapsed_ms integer not null,
  tries integer not null,
  pid integer not null,
  detail jsonb not null default '{}',
  transaction_id xid8 not null default pg_catalog.pg_current_xact_id()
);

create index if not exists holdfast_attempts_booking_idx on app.holdfast_attempts (booking_id, id);

create index if not exists holdfast_attempts_ended_idx on app.holdfast_attempts (ended_at);

create table if not exists app.holdfast_pruned (
  booking_id uuid primary key,
  until timestamptz not null
);

create table if not exists app.holdfast_out_of_service (
  table_id uuid primary key
);

create table if not exists app.holdfast_reconciliation_policies (
  finding text primary key,
  action text not null check (action in ('report', 'repair'))
);

create table if not exists app.holdfast_commit_scan (
  id boolean default true primary key check (id),
  seen pg_snapshot,
  since timestamptz,
  reach timestamptz,
  pending pg_snapshot,
  pending_at timestamptz,
  upto timestamptz not null default '-infinity',
  commits bigint not null default 0,
  due_at timestamptz not null default '-infinity'
);

create table if not exists app.holdfast_findings (
  booking_id uuid not null,
  finding text not null,
  seen_at timestamptz not null default pg_catalog.clock_timestamp(),
  primary key (booking_id, finding)
);

create table if not exists app.holdfast_booking_scans (
  id boolean default true primary key check (id),
  look_at timestamptz not null default '-infinity',
  pass_at timestamptz not null default '-infinity',
  pass_began_at timestamptz,
  pass_ended_at timestamptz,
  pass_after uuid,
  pass_bookings bigint not null default 0,
  attached_at timestamptz not null default pg_catalog.now()
);

create table if not exists app.holdfast_quarantine (
  task text not null,
  id uuid not null,
  failures integer not null default 1,
  until timestamptz not null,
  error text not null,
  primary key (task, id)
);

create table if not exists app.holdfast_hold_policy (
  id integer default 1 primary key check (id = 1),
  ending text not null default 'close' check (ending in ('close', 'delete')),
  mirrors boolean not null default true,
  to_window_end boolean not null default false,
  longest_seconds integer not null default 604800 check (longest_seconds > 0)
);

create table if not exists app.holdfast_ended_holds (
  hold_id uuid primary key,
  booking_id uuid,
  restaurant_id uuid not null,
  ended text not null,
  idempotency_key text,
  table_ids uuid[] not null,
  start_at timestamptz,
  end_at timestamptz,
  expires_at timestamptz not null,
  ended_at timestamptz not null
);

create index if not exists holdfast_ended_holds_ended_idx on app.holdfast_ended_holds (ended_at);

create index if not exists holdfast_ended_holds_booking_idx on app.holdfast_ended_holds (booking_id);

create table if not exists app.holdfast_rollout (
  restaurant_id uuid default '00000000-0000-0000-0000-000000000000' primary key,
  mode text not null default 'on' check (mode in ('on', 'original', 'shadow', 'rehearse')),
  percentage integer not null default 100 check (percentage between 0 and 100)
);

comment on table app.holdfast_rollout is 'holdfast: who confirms, by restaurant and share of bookings; changes take effect with the next call of each session';

create table if not exists app.holdfast_disagreements (
  id bigint generated always as identity primary key,
  called_at timestamptz not null,
  function text not null,
  booking_id uuid,
  kind text not null,
  faults text[] not null,
  request jsonb not null,
  ours jsonb not null,
  theirs jsonb not null,
  session jsonb not null
);

create index if not exists holdfast_disagreements_called_idx on app.holdfast_disagreements (called_at);

comment on table app.holdfast_disagreements is 'holdfast: calls that the original functions and ours did not agree on, in shadow mode; kept for holdfast.ledger_retention_days; read holdfast.shadow_report';
