-- What was answered to which key, and what others are told about it.
create table app.booking_assignment_idempotency (
  booking_id uuid not null references app.bookings (id) on delete cascade,
  idempotency_key text not null check (idempotency_key ~ '\S'),
  table_ids uuid[] not null,
  assignment_window tstzrange not null,
  merge_group_allocation_id uuid,
  table_set_hash text,
  payload_checksum text,
  expires_at timestamptz,
  created_at timestamptz not null default pg_catalog.now(),
  -- holdfast: the answer bound to the key (see holdfast.outcomes), what was asked, what was given.
  outcome text not null default 'confirmed',
  request jsonb,
  refusal jsonb,
  assignment_ids uuid[],
  hold_id uuid,
  transaction_id xid8,
  primary key (booking_id, idempotency_key)
);

create table app.booking_confirmation_results (
  booking_id uuid not null references app.bookings (id) on delete cascade,
  idempotency_key text not null,
  hold_id uuid unique,
  restaurant_id uuid not null references app.restaurants (id),
  table_ids uuid[] not null,
  assignment_window tstzrange not null,
  actor_id uuid,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default pg_catalog.now(),
  primary key (booking_id, idempotency_key)
);

create table app.capacity_outbox (
  id bigint generated always as identity primary key,
  status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead')),
  event_type text not null,
  dedupe_key text not null,
  attempt_count integer not null default 0 check (attempt_count >= 0),
  next_attempt_at timestamptz not null default pg_catalog.now(),
  restaurant_id uuid not null,
  -- NULL: an event of a hold without a booking.
  booking_id uuid,
  idempotency_key text,
  payload jsonb not null default '{}',
  created_at timestamptz not null default pg_catalog.now(),
  -- holdfast: who works on it, and why it failed.
  claimed_by text,
  last_error text
);
create index capacity_outbox_due_idx on app.capacity_outbox (next_attempt_at) where status = 'pending';

create table app.observability_events (
  id bigint generated always as identity primary key,
  source text not null,
  event_type text not null,
  severity text not null check (severity in ('info', 'warning', 'error', 'critical')),
  context jsonb not null default '{}',
  restaurant_id uuid,
  booking_id uuid,
  created_at timestamptz not null default pg_catalog.now()
);
