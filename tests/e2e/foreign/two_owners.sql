-- Two teams own it: one the bookings, one the floor plan. Bookings are partitioned by hash, values have domains, enums have a
-- schema of their own (called app), the application's schema has a name that needs quotes, and what is gone keeps its row.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['two_owners_bookings', 'two_owners_floor'] loop
    begin
      execute format('create role %I', v_role);
    exception when duplicate_object or unique_violation then
      null; -- Roles belong to the whole server.
    end;
  end loop;
end $$;
create schema app authorization two_owners_bookings;
create schema "x-app.y" authorization two_owners_bookings;
grant usage, create on schema "x-app.y" to two_owners_floor;
grant usage on schema app to two_owners_floor;
set search_path = "x-app.y", app, public;
set role two_owners_bookings;
create type app.booking_status as enum (
  'confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show', 'pending_allocation', 'checked_in'
);
create type app.table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');
create type app.table_mobility as enum ('movable', 'fixed');
create type app.hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');
create domain app.guests as integer check (value > 0);
create domain app.short_text as text check (length(value) <= 100);
create domain app.zone_name as text;

set role two_owners_floor;
create table restaurants (
  id uuid primary key default gen_random_uuid(), timezone app.zone_name not null default 'Asia/Kathmandu'
);
create table zones (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id)
);
create table table_inventory (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  zone_id uuid references zones (id), table_number app.short_text not null, capacity app.guests not null,
  min_party_size integer not null default 1, max_party_size integer, active boolean not null default true,
  status app.table_status not null default 'available', mobility app.table_mobility not null default 'movable',
  deleted_at timestamptz
);
-- A number may be given again once its table is gone.
create unique index table_number_of_restaurant on table_inventory (restaurant_id, table_number) where deleted_at is null;
create table table_adjacencies (
  table_a uuid not null references table_inventory (id) on delete cascade,
  table_b uuid not null references table_inventory (id) on delete cascade, primary key (table_a, table_b)
);
-- The bookings' functions work on the floor plan.
grant select, insert, update, delete, references on restaurants, zones, table_inventory, table_adjacencies to two_owners_bookings;

set role two_owners_bookings;
create table bookings (
  id uuid not null default gen_random_uuid(), restaurant_id uuid not null references restaurants (id), customer_id uuid,
  booking_date date, start_time time, end_time time, start_at timestamptz, end_at timestamptz,
  party_size app.guests not null, status app.booking_status not null default 'pending', assigned_zone_id uuid,
  checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz not null default now(),
  deleted_at timestamptz, primary key (id)
) partition by hash (id);
create table bookings_0 partition of bookings for values with (modulus 3, remainder 0);
create table bookings_1 partition of bookings for values with (modulus 3, remainder 1);
create table bookings_2 partition of bookings for values with (modulus 3, remainder 2);
create table booking_state_history (
  id bigint generated always as identity primary key, booking_id uuid not null references bookings (id) on delete cascade,
  from_status app.booking_status, to_status app.booking_status not null, changed_by uuid,
  changed_at timestamptz not null default now(), reason app.short_text, metadata jsonb not null default '{}'
);
create table table_holds (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id) on delete cascade,
  restaurant_id uuid not null references restaurants (id), zone_id uuid, start_at timestamptz not null,
  end_at timestamptz not null, expires_at timestamptz not null, created_by uuid, metadata jsonb,
  status app.hold_status not null default 'active'
);
create table table_hold_members (
  hold_id uuid not null references table_holds (id) on delete cascade,
  table_id uuid not null references table_inventory (id), primary key (hold_id, table_id)
);
create table allocations (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id) on delete cascade,
  restaurant_id uuid not null references restaurants (id), resource_type app.short_text not null, resource_id uuid not null,
  "window" tstzrange not null, shadow boolean not null default false, is_maintenance boolean not null default false,
  created_by uuid, constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id),
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =, resource_type with =, resource_id with =, "window" with &&)
    where (not shadow)
);
create table booking_table_assignments (
  id uuid primary key default gen_random_uuid(), booking_id uuid not null references bookings (id) on delete cascade,
  table_id uuid not null references table_inventory (id), slot_id uuid, assigned_at timestamptz not null default now(),
  assigned_by uuid, idempotency_key text, start_at timestamptz not null, end_at timestamptz not null, merge_group_id uuid,
  allocation_id uuid references allocations (id) on delete set null,
  constraint booking_table_assignments_booking_table_key unique (booking_id, table_id)
);
create table booking_assignment_idempotency (
  booking_id uuid not null references bookings (id) on delete cascade, idempotency_key varchar(200) not null,
  table_ids uuid[] not null, assignment_window tstzrange not null, merge_group_allocation_id uuid,
  created_at timestamptz not null default now(), primary key (booking_id, idempotency_key)
);

insert into restaurants (id, timezone) values ('0ddba11a-0000-4000-8000-000000000001', 'UTC');
insert into zones (id, restaurant_id) values ('0ddba11a-0000-4000-8000-000000000002', '0ddba11a-0000-4000-8000-000000000001');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select ('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       '0ddba11a-0000-4000-8000-000000000002', 'T' || n, 4 from generate_series(1, 4) n;
insert into bookings (id, restaurant_id, start_at, end_at, party_size, status)
select ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       timestamptz '2026-03-01 19:00+00' + n * interval '1 day', timestamptz '2026-03-01 21:00+00' + n * interval '1 day',
       2, case when n <= 4 then 'confirmed' else 'pending' end::app.booking_status from generate_series(1, 6) n;
with allocated as (
  insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
  select b.id, b.restaurant_id, 'table', t.id, tstzrange(b.start_at, b.end_at, '[)')
  from bookings b join table_inventory t on t.table_number = 'T' || extract(day from b.start_at) - 1
  where b.status = 'confirmed' returning id, booking_id, resource_id, "window"
) insert into booking_table_assignments (booking_id, table_id, start_at, end_at, allocation_id)
select booking_id, resource_id, lower("window"), upper("window"), id from allocated;
reset role;
reset search_path;
