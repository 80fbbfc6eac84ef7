-- An application on a hosting platform: default privileges give every table and function to API roles, extensions have a
-- schema of their own, row security is on where the platform's guide says so.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['hold_windows_service', 'hold_windows_anon'] loop
    begin
      execute format('create role %I', v_role);
    exception when duplicate_object or unique_violation then
      null; -- Roles belong to the whole server.
    end;
  end loop;
end $$;
create schema if not exists extensions;
grant usage on schema public, extensions to hold_windows_service, hold_windows_anon;
alter default privileges in schema public grant all on tables to hold_windows_service, hold_windows_anon;
alter default privileges in schema public grant all on sequences to hold_windows_service, hold_windows_anon;
alter default privileges in schema public grant all on functions to hold_windows_service, hold_windows_anon;

create type booking_status as enum (
  'confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show', 'pending_allocation', 'checked_in'
);
create type table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');
create type table_mobility as enum ('movable', 'fixed');
create type hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');

create table restaurants (
  id uuid primary key default gen_random_uuid(), timezone text not null default 'Europe/London'
);
create table zones (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id) on delete cascade
);
create table table_inventory (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id) on delete cascade,
  zone_id uuid references zones (id), table_number text not null, capacity integer not null check (capacity > 0),
  min_party_size integer not null default 1, max_party_size integer, active boolean not null default true,
  status table_status not null default 'available', mobility table_mobility not null default 'movable'
);
create table table_adjacencies (
  table_a uuid not null references table_inventory (id) on delete cascade,
  table_b uuid not null references table_inventory (id) on delete cascade, primary key (table_a, table_b)
);
create table bookings (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id) on delete cascade,
  customer_id uuid, booking_date date, start_time time, end_time time, start_at timestamptz, end_at timestamptz,
  party_size integer not null check (party_size > 0), status booking_status not null default 'pending',
  assigned_zone_id uuid references zones (id), checked_in_at timestamptz, checked_out_at timestamptz,
  auto_assign_idempotency_key text, updated_at timestamptz not null default now()
);
-- The index that attach would make, under the application's own name.
create index idx_bookings_auto_assign_idempotency_key on bookings (auto_assign_idempotency_key)
  where auto_assign_idempotency_key is not null;
create table booking_slots (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id) on delete cascade,
  slot_date date not null, slot_time time not null, unique (restaurant_id, slot_date, slot_time)
);
create table booking_state_history (
  id bigserial primary key, booking_id uuid not null references bookings (id) on delete cascade,
  from_status booking_status, to_status booking_status not null, changed_by uuid,
  changed_at timestamptz not null default now(), reason text, metadata jsonb not null default '{}'
);
create table table_holds (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id) on delete cascade,
  restaurant_id uuid not null references restaurants (id) on delete cascade, zone_id uuid references zones (id),
  start_at timestamptz not null, end_at timestamptz not null, expires_at timestamptz not null, created_by uuid,
  metadata jsonb, status hold_status not null default 'active', created_at timestamptz not null default now()
);
create table table_hold_members (
  hold_id uuid not null references table_holds (id) on delete cascade,
  table_id uuid not null references table_inventory (id) on delete cascade, primary key (hold_id, table_id)
);
create table allocations (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id) on delete cascade,
  restaurant_id uuid not null references restaurants (id) on delete cascade, resource_type text not null,
  resource_id uuid not null, "window" tstzrange not null, shadow boolean not null default false,
  is_maintenance boolean not null default false, created_by uuid,
  -- It does not know a hold: a hold's mirror is a shadow on the table.
  constraint allocations_resource_type_check check (resource_type in ('table', 'merge_group')),
  constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id),
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow)
);
-- Kept by triggers: which table is held when.
create table table_hold_windows (
  hold_id uuid not null references table_holds (id) on delete cascade, table_id uuid not null,
  hold_window tstzrange not null, mirror_id uuid, primary key (hold_id, table_id),
  constraint thw_no_overlap exclude using gist (table_id with =, hold_window with &&)
);
create table booking_table_assignments (
  id uuid primary key default gen_random_uuid(), booking_id uuid not null references bookings (id) on delete cascade,
  table_id uuid not null references table_inventory (id) on delete cascade, slot_id uuid references booking_slots (id),
  assigned_at timestamptz not null default now(), assigned_by uuid, idempotency_key text, start_at timestamptz,
  end_at timestamptz, merge_group_id uuid, allocation_id uuid references allocations (id) on delete set null,
  constraint booking_table_assignments_booking_table_key unique (booking_id, table_id)
);
create table booking_assignment_idempotency (
  booking_id uuid not null references bookings (id) on delete cascade, idempotency_key text not null,
  table_ids uuid[] not null, assignment_window tstzrange not null,
  -- No index leads here: whoever deletes an allocation reads the whole ledger.
  merge_group_allocation_id uuid references allocations (id) on delete set null,
  table_set_hash text, payload_checksum text, expires_at timestamptz, created_at timestamptz not null default now(),
  primary key (booking_id, idempotency_key),
  constraint booking_assignment_idempotency_booking_hash_key unique (booking_id, table_set_hash)
);
create table booking_confirmation_results (
  booking_id uuid not null references bookings (id) on delete cascade, idempotency_key text not null, hold_id uuid unique,
  restaurant_id uuid not null references restaurants (id) on delete cascade, table_ids uuid[] not null,
  assignment_window tstzrange not null, actor_id uuid, metadata jsonb not null default '{}',
  created_at timestamptz not null default now(), primary key (booking_id, idempotency_key)
);
-- A done event is enqueued again under its key, so nothing here is unique.
create table capacity_outbox (
  id bigserial primary key, status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead')),
  event_type text not null, dedupe_key text, attempt_count integer not null default 0,
  next_attempt_at timestamptz not null default now(), restaurant_id uuid, booking_id uuid, idempotency_key text,
  payload jsonb not null default '{}', created_at timestamptz not null default now()
);
create table audit_logs (
  id bigserial primary key, entity text not null, action text not null, actor text not null default current_user,
  at timestamptz not null default clock_timestamp()
);

alter table allocations enable row level security;
create policy allocations_of_services on allocations for all to hold_windows_service using (true);
alter table table_hold_windows enable row level security;
