-- An application that has tables, views and functions of its own under names that holdfast gave to things once, or gives to
-- its functions: none of them means the same.
create type booking_status as enum (
  'confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show', 'pending_allocation', 'checked_in'
);
create type table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');
create type table_mobility as enum ('movable', 'fixed');
create type hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');

create table restaurants (id uuid primary key default gen_random_uuid(), timezone text not null default 'UTC');
create table zones (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id)
);
create table table_inventory (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  zone_id uuid references zones (id), table_number text not null, capacity integer not null,
  min_party_size integer not null default 1, max_party_size integer, active boolean not null default true,
  status table_status not null default 'available', mobility table_mobility not null default 'movable'
);
create table bookings (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  customer_id uuid, booking_date date, start_time time, end_time time, start_at timestamptz, end_at timestamptz,
  party_size integer not null check (party_size > 0), status booking_status not null default 'pending',
  assigned_zone_id uuid, checked_in_at timestamptz, checked_out_at timestamptz,
  updated_at timestamptz not null default now()
);
create table booking_state_history (
  booking_id uuid not null references bookings (id), from_status booking_status, to_status booking_status not null,
  changed_by uuid, changed_at timestamptz not null default now(), reason text
);
create table table_holds (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id),
  restaurant_id uuid not null references restaurants (id), zone_id uuid, start_at timestamptz not null,
  end_at timestamptz not null, expires_at timestamptz not null, created_by uuid, metadata jsonb,
  status hold_status not null default 'active'
);
create table table_hold_members (
  hold_id uuid not null references table_holds (id) on delete cascade, table_id uuid not null references table_inventory (id),
  primary key (hold_id, table_id)
);
create table allocations (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id),
  restaurant_id uuid not null references restaurants (id), resource_type text not null, resource_id uuid not null,
  "window" tstzrange not null, shadow boolean not null default false, is_maintenance boolean not null default false,
  created_by uuid
);
create table booking_table_assignments (
  id uuid primary key default gen_random_uuid(), booking_id uuid not null references bookings (id),
  table_id uuid not null references table_inventory (id), slot_id uuid, assigned_at timestamptz not null default now(),
  assigned_by uuid, idempotency_key text, start_at timestamptz not null, end_at timestamptz not null,
  merge_group_id uuid, allocation_id uuid references allocations (id) on delete set null
);
create table booking_assignment_idempotency (
  booking_id uuid not null references bookings (id), idempotency_key text not null, table_ids uuid[] not null,
  assignment_window tstzrange not null, merge_group_allocation_id uuid, table_set_hash text, payload_checksum text,
  expires_at timestamptz, created_at timestamptz not null default now(), primary key (booking_id, idempotency_key)
);

-- Its own, and nobody else's.
create table capacity_policies (code text primary key, label text not null, sort integer);
insert into capacity_policies values ('STD', 'Standard', 1);
create table booking_statuses (id serial primary key, name text unique not null, colour text);
insert into booking_statuses (name, colour) values ('confirmed', 'green'), ('pending', 'amber');
create table booking_status_transitions (id serial primary key, from_id integer references booking_statuses (id),
  to_id integer references booking_statuses (id), allowed_role text);
create table reconciliation_policies (id serial primary key, ledger_account text not null);
create view booking_reconciliation as
  select b.id as booking_id, b.status::text as booking_state,
         case when exists (select from booking_table_assignments a where a.booking_id = b.id) then 'assigned' else 'none' end
           as assignment_state
  from bookings b;
create view inconsistent_bookings as select booking_id from booking_reconciliation where assignment_state = 'none';
create function explain_confirm(p_booking_id uuid) returns text language sql stable set search_path to public as
  $$ select 'booking ' || p_booking_id || ' is ' || b.status from bookings b where b.id = p_booking_id $$;
create function hold_tables(p_tables uuid[], p_minutes integer) returns integer language sql immutable as
  $$ select coalesce(array_length(p_tables, 1), 0) * p_minutes $$;
create table holdfast_notes (id serial primary key, note text);

insert into restaurants (id) values ('0ddba11a-0000-4000-8000-000000000001');
insert into zones (id, restaurant_id) values ('0ddba11a-0000-4000-8000-000000000002', '0ddba11a-0000-4000-8000-000000000001');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select ('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       '0ddba11a-0000-4000-8000-000000000002', 'T' || n, 4 from generate_series(1, 4) n;
insert into bookings (id, restaurant_id, start_at, end_at, party_size, status)
select ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       timestamptz '2026-03-01 19:00+00' + n * interval '1 day', timestamptz '2026-03-01 21:00+00' + n * interval '1 day',
       2, case when n <= 4 then 'confirmed' else 'pending' end::booking_status from generate_series(1, 6) n;
with allocated as (
  insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
  select b.id, b.restaurant_id, 'table', t.id, tstzrange(b.start_at, b.end_at, '[)')
  from bookings b join table_inventory t on t.table_number = 'T' || extract(day from b.start_at) - 1
  where b.status = 'confirmed' returning id, booking_id, resource_id, "window"
) insert into booking_table_assignments (booking_id, table_id, start_at, end_at, allocation_id)
select booking_id, resource_id, lower("window"), upper("window"), id from allocated;
