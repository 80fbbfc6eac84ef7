-- What attach adds for attempts: those that ended without a success.
-- No foreign key and no unique key: recording how an attempt ended must not wait for anybody.
create table if not exists app.holdfast_attempts (
  id bigint generated always as identity primary key,
  booking_id uuid not null,
  idempotency_key text,
  hold_id uuid,
  -- inline or background; null: called with a deadline of its own.
  trigger text,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  outcome text not null,
  -- Where it was when it ended.
  phase text not null,
  elapsed_ms integer not null,
  tries integer not null,
  pid integer not null,
  detail jsonb not null default '{}',
  transaction_id xid8 not null default pg_catalog.pg_current_xact_id()
);
create index if not exists holdfast_attempts_booking_idx on app.holdfast_attempts (booking_id, id);
create index if not exists holdfast_attempts_ended_idx on app.holdfast_attempts (ended_at);
