-- An application with words of its own: other labels, a schema whose name needs quotes, identity keys beside the
-- uuids, columns that must have a value and get it by default, and an overlap constraint that skips maintenance.
create schema "Harbour Dining";
set search_path = "Harbour Dining", public;
create type booking_status as enum ('requested', 'confirmed', 'seated', 'left', 'withdrawn', 'absent');
create type table_status as enum ('available', 'reserved', 'occupied', 'out_of_service', 'to_be_laid');
create type table_mobility as enum ('movable', 'fixed', 'bolted_to_the_deck');
create type hold_status as enum ('active', 'expired', 'confirmed', 'cancelled', 'handed_over');

create table restaurants (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  timezone text not null default 'Europe/Lisbon', "legalName" text not null default 'Harbour Dining SA'
);
create table zones (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  restaurant_id uuid not null references restaurants (id), deck integer not null default 1
);
create table table_inventory (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  restaurant_id uuid not null references restaurants (id), zone_id uuid references zones (id), table_number text not null,
  capacity integer not null, min_party_size integer not null default 1, max_party_size integer,
  active boolean not null default true, status table_status not null default 'available',
  mobility table_mobility not null default 'movable', "linenSet" text not null default 'white'
);
create table table_adjacencies (
  no bigint generated always as identity primary key, table_a uuid not null references table_inventory (id),
  table_b uuid not null references table_inventory (id), "gapCm" integer not null default 0, unique (table_a, table_b)
);
create table bookings (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  restaurant_id uuid not null references restaurants (id), customer_id uuid, booking_date date, start_time time,
  end_time time, start_at timestamptz, end_at timestamptz, party_size integer not null check (party_size > 0),
  status booking_status not null default 'requested', assigned_zone_id uuid references zones (id),
  checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz not null default now(),
  "boatArrives" boolean not null default false, tenant text not null default current_user,
  "Notes" jsonb not null default '{}', auto_assign_last_result jsonb
);
create table booking_slots (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  restaurant_id uuid not null references restaurants (id), slot_date date not null, slot_time time not null,
  tide text not null default 'unknown', unique (restaurant_id, slot_date, slot_time)
);
create table booking_state_history (
  no bigint generated always as identity primary key, booking_id uuid not null references bookings (id),
  from_status booking_status, to_status booking_status not null, changed_by uuid,
  changed_at timestamptz not null default now(), reason text, metadata jsonb not null default '{}',
  "writtenBy" text not null default session_user
);
create table table_holds (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  booking_id uuid references bookings (id), restaurant_id uuid not null references restaurants (id),
  zone_id uuid references zones (id), start_at timestamptz not null, end_at timestamptz not null,
  expires_at timestamptz not null, created_by uuid, metadata jsonb not null default '{}',
  status hold_status not null default 'active', channel text not null default 'bridge'
);
create table table_hold_members (
  no bigint generated always as identity primary key, hold_id uuid not null references table_holds (id) on delete cascade,
  table_id uuid not null references table_inventory (id), unique (hold_id, table_id)
);
create table allocations (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  booking_id uuid references bookings (id), restaurant_id uuid not null references restaurants (id),
  resource_type text not null check (resource_type in ('table', 'merge_group', 'hold')), resource_id uuid not null,
  "window" tstzrange not null, shadow boolean not null default false, is_maintenance boolean not null default false,
  created_by uuid, "costCentre" text not null default 'FOH',
  constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id),
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =, resource_type with =, resource_id with =, "window" with &&)
    where (not shadow and not is_maintenance) deferrable initially immediate
);
create table booking_table_assignments (
  no bigint generated always as identity primary key, id uuid not null unique default gen_random_uuid(),
  booking_id uuid not null references bookings (id), table_id uuid not null references table_inventory (id),
  slot_id uuid references booking_slots (id), assigned_at timestamptz not null default now(), assigned_by uuid,
  idempotency_key text, start_at timestamptz not null, end_at timestamptz not null, merge_group_id uuid,
  allocation_id uuid references allocations (id) on delete set null, covers integer not null default 0,
  constraint booking_table_assignments_booking_table_key unique (booking_id, table_id)
);
create table booking_assignment_idempotency (
  no bigint generated always as identity unique, booking_id uuid not null references bookings (id),
  idempotency_key text not null, table_ids uuid[] not null, assignment_window tstzrange not null,
  merge_group_allocation_id uuid, table_set_hash text, payload_checksum text, expires_at timestamptz,
  created_at timestamptz not null default now(), region text not null default 'south', primary key (booking_id, idempotency_key)
);
create table booking_confirmation_results (
  no bigint generated always as identity unique, booking_id uuid not null references bookings (id),
  idempotency_key text not null, hold_id uuid unique, restaurant_id uuid not null references restaurants (id),
  table_ids uuid[] not null, assignment_window tstzrange not null, actor_id uuid, metadata jsonb not null default '{}',
  created_at timestamptz not null default now(), region text not null default 'south', primary key (booking_id, idempotency_key)
);
create table capacity_outbox (
  id uuid primary key default gen_random_uuid(), no bigint generated always as identity, status text not null default 'pending',
  event_type text not null, dedupe_key text not null unique, attempt_count integer not null default 0,
  next_attempt_at timestamptz not null default now(), restaurant_id uuid not null, booking_id uuid, idempotency_key text,
  payload jsonb not null default '{}', topic text not null default 'capacity'
);

insert into restaurants (id) values ('0ddba11a-0000-4000-8000-000000000001');
insert into zones (id, restaurant_id) values ('0ddba11a-0000-4000-8000-000000000002', '0ddba11a-0000-4000-8000-000000000001');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select ('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       '0ddba11a-0000-4000-8000-000000000002', 'T' || n, 4 from generate_series(1, 4) n;
insert into bookings (id, restaurant_id, start_at, end_at, party_size, status)
select ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       timestamptz '2026-03-01 19:00+00' + n * interval '1 day', timestamptz '2026-03-01 21:00+00' + n * interval '1 day',
       2, case when n <= 4 then 'confirmed' else 'requested' end::booking_status from generate_series(1, 6) n;
with allocated as (
  insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
  select b.id, b.restaurant_id, 'table', t.id, tstzrange(b.start_at, b.end_at, '[)')
  from bookings b join table_inventory t on t.table_number = 'T' || extract(day from b.start_at) - 1
  where b.status = 'confirmed' returning id, booking_id, resource_id, "window"
) insert into booking_table_assignments (booking_id, table_id, start_at, end_at, allocation_id)
select booking_id, resource_id, lower("window"), upper("window"), id from allocated;
reset search_path;
