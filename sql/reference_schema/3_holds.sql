-- Holds, and the allocations that keep tables apart in time.
create type app.hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');

create table app.table_holds (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  -- NULL: taken before the booking was known.
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
  constraint table_holds_window_valid
    check (end_at > start_at and pg_catalog.isfinite(start_at) and pg_catalog.isfinite(end_at)),
  check (pg_catalog.isfinite(expires_at))
);
-- Who else holds a table in this window: near zero, also with 100 000 closed holds.
create index table_holds_live_window_idx on app.table_holds
  using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'active';
create index table_holds_live_booking_idx on app.table_holds (booking_id) where status = 'active';

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
  "window" tstzrange not null check (
    not pg_catalog.isempty("window")
    and pg_catalog.isfinite(pg_catalog.lower("window")) and pg_catalog.isfinite(pg_catalog.upper("window"))
    and pg_catalog.lower_inc("window") and not pg_catalog.upper_inc("window")
  ),
  -- The mirror of a hold: seen, but it does not block.
  shadow boolean not null default false,
  -- Blocks without a booking.
  is_maintenance boolean not null default false,
  created_by uuid,
  created_at timestamptz not null default pg_catalog.now(),
  constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id),
  -- G2: no table has two overlapping live allocations.
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =, resource_type with =, resource_id with =, "window" with &&
  ) where (not shadow),
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
-- Who else is assigned to a table from now on: the past is skipped by end_at, and what comes later is told by start_at
-- without reading it.
create index booking_table_assignments_table_end_idx on app.booking_table_assignments (table_id, end_at, start_at);
-- Deleting an allocation looks for its assignment.
create index booking_table_assignments_allocation_idx on app.booking_table_assignments (allocation_id);
