-- Made by `make docs` from src/rules/schema, for people to read and for the linters.
create type app.table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');

create type app.table_mobility as enum ('movable', 'fixed');

create type app.booking_status as enum ('confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show', 'pending_allocation', 'checked_in');

create type app.hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');

create table app.restaurants (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  name text not null default '',
  timezone text not null default 'UTC' check ((timestamptz '2000-01-01 00:00:00+00' at time zone timezone) is not null)
);

create table app.zones (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references app.restaurants (id),
  name text not null default '',
  unique (id, restaurant_id)
);

create table app.table_inventory (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references app.restaurants (id),
  zone_id uuid,
  table_number text not null,
  capacity integer not null check (capacity > 0),
  min_party_size integer not null default 1 check (min_party_size > 0),
  max_party_size integer check (max_party_size >= min_party_size),
  active boolean not null default true,
  status app.table_status not null default 'available',
  mobility app.table_mobility not null default 'movable',
  unique (restaurant_id, table_number),
  foreign key (zone_id, restaurant_id) references app.zones (id, restaurant_id)
);

create table app.table_adjacencies (
  table_a uuid not null references app.table_inventory (id) on delete cascade,
  table_b uuid not null references app.table_inventory (id) on delete cascade,
  primary key (table_a, table_b),
  check (table_a <> table_b)
);

create table app.bookings (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references app.restaurants (id),
  customer_id uuid,
  booking_date date,
  start_time time,
  end_time time,
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
) with (fillfactor = 85);

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

create table app.booking_slots (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references app.restaurants (id),
  slot_date date not null,
  slot_time time not null,
  unique (restaurant_id, slot_date, slot_time)
);

create table app.table_holds (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  booking_id uuid references app.bookings (id) on delete cascade,
  restaurant_id uuid not null references app.restaurants (id),
  zone_id uuid,
  start_at timestamptz not null,
  end_at timestamptz not null,
  expires_at timestamptz not null,
  created_by uuid,
  created_at timestamptz not null default pg_catalog.now(),
  metadata jsonb default '{}',
  status app.hold_status not null default 'active',
  foreign key (zone_id, restaurant_id) references app.zones (id, restaurant_id),
  constraint table_holds_window_valid check (end_at > start_at and pg_catalog.isfinite(start_at) and pg_catalog.isfinite(end_at)),
  check (pg_catalog.isfinite(expires_at))
);

create table app.table_hold_members (
  hold_id uuid not null references app.table_holds (id) on delete cascade,
  table_id uuid not null references app.table_inventory (id),
  primary key (hold_id, table_id)
);

create table app.allocations (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  booking_id uuid references app.bookings (id) on delete cascade,
  restaurant_id uuid not null references app.restaurants (id),
  resource_type text not null check (resource_type in ('table', 'merge_group', 'hold')),
  resource_id uuid not null,
  "window" tstzrange not null check (not pg_catalog.isempty("window") and pg_catalog.isfinite(pg_catalog.lower("window")) and pg_catalog.isfinite(pg_catalog.upper("window")) and pg_catalog.lower_inc("window") and not pg_catalog.upper_inc("window")),
  shadow boolean not null default false,
  is_maintenance boolean not null default false,
  created_by uuid,
  created_at timestamptz not null default pg_catalog.now(),
  constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id),
  constraint allocations_no_overlap exclude using gist (resource_id with =, "window" with &&) where (not shadow),
  check (shadow = (resource_type = 'hold')),
  check (not is_maintenance or booking_id is null),
  check (booking_id is not null or is_maintenance or resource_type = 'hold')
);

create table app.booking_table_assignments (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  booking_id uuid not null references app.bookings (id) on delete cascade,
  table_id uuid not null references app.table_inventory (id),
  slot_id uuid references app.booking_slots (id),
  assigned_at timestamptz not null default pg_catalog.now(),
  assigned_by uuid,
  idempotency_key text,
  start_at timestamptz not null,
  end_at timestamptz not null,
  merge_group_id uuid,
  allocation_id uuid references app.allocations (id) on delete set null,
  constraint booking_table_assignments_booking_table_key unique (booking_id, table_id),
  check (end_at > start_at)
);

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
  hold_id uuid,
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
  booking_id uuid,
  idempotency_key text,
  payload jsonb not null default '{}',
  created_at timestamptz not null default pg_catalog.now(),
  claimed_by text,
  last_error text
);

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

alter table app.booking_assignment_idempotency add column basis jsonb;

create unique index booking_confirmation_results_hold_id_key on app.booking_confirmation_results (hold_id) where hold_id is not null;

create index bookings_auto_assign_idempotency_key_idx on app.bookings using btree (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;

create index table_holds_live_booking_idx on app.table_holds using btree (booking_id) where status = 'active';

create index booking_table_assignments_table_end_idx on app.booking_table_assignments using btree (table_id, end_at, start_at);

create index allocations_table_until_idx on app.allocations using btree (resource_id, coalesce(pg_catalog.upper("window"), 'infinity')) where resource_type = 'table' and not shadow;

create index booking_table_assignments_allocation_idx on app.booking_table_assignments using btree (allocation_id);

create index booking_state_history_booking_idx on app.booking_state_history using btree (booking_id, id);

create index bookings_ends_by_idx on app.bookings using btree ((coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity')));

create index booking_assignment_idempotency_age_idx on app.booking_assignment_idempotency using btree (created_at) where outcome <> 'fenced';

create index table_holds_live_expiry_idx on app.table_holds using btree (expires_at) where status = 'active';

create index capacity_outbox_due_idx on app.capacity_outbox using btree (next_attempt_at) where status = 'pending';

create index capacity_outbox_lease_idx on app.capacity_outbox using btree (next_attempt_at) where status = 'processing';

create index table_holds_ended_idx on app.table_holds using btree (expires_at) where status <> 'active';

create index table_holds_ended_booking_idx on app.table_holds using btree (booking_id) where status <> 'active';

create index capacity_outbox_dead_idx on app.capacity_outbox using btree (next_attempt_at) where status = 'dead';

create index capacity_outbox_done_idx on app.capacity_outbox using btree (next_attempt_at) where status = 'done';

create index capacity_outbox_dedupe_idx on app.capacity_outbox using hash (dedupe_key);

create index capacity_outbox_booking_idx on app.capacity_outbox using btree (booking_id);

create index table_holds_live_window_idx on app.table_holds using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'active';
