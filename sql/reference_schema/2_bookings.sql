-- Bookings and their history.
create type app.booking_status as enum (
  'confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show',
  'pending_allocation', 'checked_in'
);

create table app.bookings (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references app.restaurants (id),
  customer_id uuid,
  booking_date date,
  start_time time,
  end_time time,
  -- NULL: derived from date, times and the restaurant's time zone.
  start_at timestamptz check (pg_catalog.isfinite(start_at)),
  end_at timestamptz check (pg_catalog.isfinite(end_at)),
  party_size integer not null check (party_size > 0),
  status app.booking_status not null default 'pending',
  assigned_zone_id uuid,
  checked_in_at timestamptz,
  checked_out_at timestamptz check (checked_out_at >= checked_in_at),
  created_at timestamptz not null default pg_catalog.now(),
  updated_at timestamptz not null default pg_catalog.now(),
  auto_assign_idempotency_key text check (auto_assign_idempotency_key ~ '\S'),
  auto_assign_last_result jsonb,
  foreign key (assigned_zone_id, restaurant_id) references app.zones (id, restaurant_id),
  check (end_at > start_at)
);
create index bookings_auto_assign_idempotency_key_idx
  on app.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;

create table app.booking_state_history (
  id bigint generated always as identity primary key,
  booking_id uuid not null references app.bookings (id) on delete cascade,
  from_status app.booking_status,
  to_status app.booking_status not null,
  changed_by uuid,
  changed_at timestamptz not null default pg_catalog.clock_timestamp(),
  reason text,
  metadata jsonb not null default '{}'
);
create index booking_state_history_booking_idx on app.booking_state_history (booking_id, id);

create table app.booking_slots (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references app.restaurants (id),
  slot_date date not null,
  slot_time time not null,
  unique (restaurant_id, slot_date, slot_time)
);
