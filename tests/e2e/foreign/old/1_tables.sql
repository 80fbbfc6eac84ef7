-- An application that has lived for years: its tables, with columns and indexes that grew one release at a time.
-- It runs with search_path = public, extensions, as its hosting platform set it up.
create schema if not exists extensions;
do $$
begin
  if exists (select from pg_available_extensions where name = 'pgcrypto') then
    create extension pgcrypto schema extensions;
  else
    -- What the application uses of pgcrypto, on a server that does not bring it.
    create function extensions.digest(text, text) returns bytea language sql immutable strict
      as 'select sha256(convert_to($1, ''UTF8''))';
  end if;
end $$;

create type booking_status as enum (
  'confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show', 'pending_allocation', 'checked_in'
);
create type table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');
create type table_mobility as enum ('movable', 'fixed');
create type hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');

create table restaurants (
  id uuid primary key default gen_random_uuid(), name text not null default 'The Old Mill', slug text unique,
  timezone text not null default 'Europe/London', max_covers integer not null default 200,
  contact_email text, opening_hours jsonb not null default '{}', created_at timestamptz not null default now()
);
create table zones (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  name text not null default 'Main room', sort_order integer not null default 0, area_type text not null default 'indoor'
);
create table table_inventory (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  zone_id uuid references zones (id), table_number text not null, section text, seating_type text not null default 'standard',
  capacity integer not null check (capacity > 0), min_party_size integer not null default 1, max_party_size integer,
  active boolean not null default true, status table_status not null default 'available',
  mobility table_mobility not null default 'movable', position jsonb, notes text,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (restaurant_id, table_number)
);
create table table_adjacencies (
  table_a uuid not null references table_inventory (id) on delete cascade,
  table_b uuid not null references table_inventory (id) on delete cascade,
  created_at timestamptz not null default now(), primary key (table_a, table_b)
);
create table customers (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid references restaurants (id),
  full_name text not null, email_normalized text, phone_normalized text, marketing_opt_in boolean not null default false
);
create table bookings (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  customer_id uuid references customers (id), booking_date date, start_time time, end_time time,
  start_at timestamptz, end_at timestamptz, party_size integer not null check (party_size > 0),
  status booking_status not null default 'pending', assigned_zone_id uuid references zones (id),
  checked_in_at timestamptz, checked_out_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  -- Columns that only this application knows.
  reference text not null unique default upper(substr(md5(random()::text), 1, 10)),
  source text not null default 'web', seating_preference text not null default 'any', notes text,
  customer_name text not null default '', customer_email text not null default '', customer_phone text,
  marketing_opt_in boolean not null default false, loyalty_points_awarded integer not null default 0,
  deposit_cents integer not null default 0, tags text[] not null default '{}', client_request_id uuid default gen_random_uuid(),
  cancelled_at timestamptz, version integer not null default 1, is_late boolean not null default false
);
create table booking_slots (
  id uuid primary key default gen_random_uuid(), restaurant_id uuid not null references restaurants (id),
  slot_date date not null, slot_time time not null, available_capacity integer not null default 999,
  reserved_count integer not null default 0, version integer not null default 1,
  unique (restaurant_id, slot_date, slot_time)
);
create table booking_state_history (
  id bigserial primary key, booking_id uuid not null references bookings (id) on delete cascade,
  from_status booking_status, to_status booking_status not null, changed_by uuid,
  changed_at timestamptz not null default now(), reason text, metadata jsonb not null default '{}'
);
create table table_holds (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id) on delete set null,
  restaurant_id uuid not null references restaurants (id), zone_id uuid references zones (id),
  start_at timestamptz not null, end_at timestamptz not null, expires_at timestamptz not null, created_by uuid,
  metadata jsonb, status hold_status not null default 'active', last_touched_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
create table table_hold_members (
  id bigserial unique, hold_id uuid not null references table_holds (id) on delete cascade,
  table_id uuid not null references table_inventory (id), created_at timestamptz not null default now(),
  primary key (hold_id, table_id)
);
create table allocations (
  id uuid primary key default gen_random_uuid(), booking_id uuid references bookings (id) on delete cascade,
  restaurant_id uuid not null references restaurants (id), resource_type text not null, resource_id uuid not null,
  "window" tstzrange not null, shadow boolean not null default false, is_maintenance boolean not null default false,
  created_by uuid, created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  constraint allocations_resource_type_check check (resource_type in ('table', 'merge_group', 'hold')),
  constraint allocations_booking_resource_key unique (booking_id, resource_type, resource_id),
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow)
);
create table booking_table_assignments (
  id uuid primary key default gen_random_uuid(), booking_id uuid not null references bookings (id) on delete cascade,
  table_id uuid not null references table_inventory (id), slot_id uuid references booking_slots (id),
  assigned_at timestamptz not null default now(), assigned_by uuid, idempotency_key text, notes text,
  start_at timestamptz, end_at timestamptz, merge_group_id uuid, allocation_id uuid references allocations (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  constraint booking_table_assignments_booking_table_key unique (booking_id, table_id),
  constraint bta_no_overlap exclude using gist (table_id with =, tstzrange(start_at, end_at, '[)') with &&)
);
create table booking_assignment_idempotency (
  booking_id uuid not null references bookings (id) on delete cascade, idempotency_key text not null,
  table_ids uuid[] not null, assignment_window tstzrange not null, merge_group_allocation_id uuid,
  table_set_hash text, payload_checksum text, expires_at timestamptz not null default now() + interval '90 days',
  created_at timestamptz not null default now(), primary key (booking_id, idempotency_key)
);
create table booking_confirmation_results (
  booking_id uuid not null references bookings (id) on delete cascade, idempotency_key text not null,
  hold_id uuid, restaurant_id uuid not null references restaurants (id), table_ids uuid[] not null,
  assignment_window tstzrange not null, actor_id uuid, metadata jsonb not null, created_at timestamptz not null default now(),
  primary key (booking_id, idempotency_key), unique (hold_id)
);
create table capacity_outbox (
  id bigserial primary key, status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead')),
  event_type text not null, dedupe_key text unique, attempt_count integer not null default 0,
  next_attempt_at timestamptz not null default now(), restaurant_id uuid, booking_id uuid, idempotency_key text,
  payload jsonb not null default '{}', created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
create table observability_events (
  id bigserial primary key, source text not null, event_type text not null,
  severity text not null default 'info' check (severity in ('info', 'warning', 'error', 'critical')),
  context jsonb not null default '{}', restaurant_id uuid, booking_id uuid, created_at timestamptz not null default now()
);
create table audit_log (
  id bigserial primary key, entity text not null, entity_id uuid, action text not null, old_row jsonb, new_row jsonb,
  actor text not null default current_user, at timestamptz not null default clock_timestamp()
);

-- Twenty indexes of bookings, counting its two keys. Some say the same, some are of no use to anybody.
create index bookings_restaurant_id_idx on bookings (restaurant_id);
create index idx_bookings_restaurant on bookings (restaurant_id);
create index bookings_restaurant_date_idx on bookings (restaurant_id, booking_date);
create index bookings_restaurant_date_status_idx on bookings (restaurant_id, booking_date, status);
create index idx_bookings_date on bookings (booking_date);
create index idx_bookings_status on bookings (status);
create index idx_bookings_customer on bookings (customer_id);
create index idx_bookings_start_at on bookings (start_at);
create index idx_bookings_window on bookings using gist (tstzrange(start_at, end_at, '[)'));
create index idx_bookings_zone on bookings (assigned_zone_id) where assigned_zone_id is not null;
create index idx_bookings_email on bookings (lower(customer_email));
create index idx_bookings_phone on bookings (customer_phone);
create index idx_bookings_reference on bookings (reference);
create index idx_bookings_created on bookings (created_at desc);
create index idx_bookings_updated on bookings (updated_at desc);
create unique index bookings_client_request_key on bookings (restaurant_id, client_request_id);
create index idx_bookings_tags on bookings using gin (tags);
create index idx_bookings_pending on bookings (restaurant_id, created_at) where status = 'pending';
create index allocations_resource_window_idx on allocations using gist (resource_id, "window");
create index bta_table_idx on booking_table_assignments (table_id);
create index bta_table_id_idx on booking_table_assignments (table_id);
create index bta_slot_idx on booking_table_assignments (slot_id);
create index table_holds_expires_idx on table_holds (expires_at);
create index table_holds_booking_idx on table_holds (booking_id);
