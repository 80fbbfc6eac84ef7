-- What holdfast 0.1.0 made of the schema public: its reference schema, attached. Frozen: see frozen.sha256.
-- The floor: restaurants, zones, tables, and which tables stand side by side.
create type public.table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');
create type public.table_mobility as enum ('movable', 'fixed');

create table public.restaurants (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  name text not null default '' ,
  -- An IANA name; an unknown one is refused by the conversion itself.
  timezone text not null default 'UTC'
    check ((timestamptz '2000-01-01 00:00:00+00' at time zone timezone) is not null)
);

create table public.zones (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references public.restaurants (id),
  name text not null default '',
  unique (id, restaurant_id)
);

create table public.table_inventory (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references public.restaurants (id),
  zone_id uuid,
  table_number text not null,
  capacity integer not null check (capacity > 0),
  min_party_size integer not null default 1 check (min_party_size > 0),
  max_party_size integer check (max_party_size >= min_party_size),
  active boolean not null default true,
  status public.table_status not null default 'available',
  mobility public.table_mobility not null default 'movable',
  unique (restaurant_id, table_number),
  -- A table stands in a zone of its own restaurant (G9).
  foreign key (zone_id, restaurant_id) references public.zones (id, restaurant_id)
);

create table public.table_adjacencies (
  table_a uuid not null references public.table_inventory (id) on delete cascade,
  table_b uuid not null references public.table_inventory (id) on delete cascade,
  primary key (table_a, table_b),
  check (table_a <> table_b)
);
-- Bookings and their history.
create type public.booking_status as enum (
  'confirmed', 'pending', 'cancelled', 'completed', 'PRIORITY_WAITLIST', 'no_show',
  'pending_allocation', 'checked_in'
);

create table public.bookings (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references public.restaurants (id),
  customer_id uuid,
  booking_date date,
  start_time time,
  end_time time,
  -- NULL: derived from date, times and the restaurant's time zone.
  start_at timestamptz check (pg_catalog.isfinite(start_at)),
  end_at timestamptz check (pg_catalog.isfinite(end_at)),
  party_size integer not null check (party_size > 0),
  status public.booking_status not null default 'pending',
  assigned_zone_id uuid,
  checked_in_at timestamptz,
  checked_out_at timestamptz check (checked_out_at >= checked_in_at),
  created_at timestamptz not null default pg_catalog.now(),
  updated_at timestamptz not null default pg_catalog.now(),
  auto_assign_idempotency_key text check (auto_assign_idempotency_key ~ '\S'),
  auto_assign_last_result jsonb,
  foreign key (assigned_zone_id, restaurant_id) references public.zones (id, restaurant_id),
  check (end_at > start_at)
);
create index bookings_auto_assign_idempotency_key_idx
  on public.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;

create table public.booking_state_history (
  id bigint generated always as identity primary key,
  booking_id uuid not null references public.bookings (id) on delete cascade,
  from_status public.booking_status,
  to_status public.booking_status not null,
  changed_by uuid,
  changed_at timestamptz not null default pg_catalog.clock_timestamp(),
  reason text,
  metadata jsonb not null default '{}'
);
create index booking_state_history_booking_idx on public.booking_state_history (booking_id, id);

create table public.booking_slots (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  restaurant_id uuid not null references public.restaurants (id),
  slot_date date not null,
  slot_time time not null,
  unique (restaurant_id, slot_date, slot_time)
);
-- Holds, and the allocations that keep tables apart in time.
create type public.hold_status as enum ('active', 'expired', 'confirmed', 'cancelled');

create table public.table_holds (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  -- NULL: taken before the booking was known.
  booking_id uuid references public.bookings (id) on delete cascade,
  restaurant_id uuid not null references public.restaurants (id),
  zone_id uuid,
  start_at timestamptz not null,
  end_at timestamptz not null,
  expires_at timestamptz not null,
  created_by uuid,
  created_at timestamptz not null default pg_catalog.now(),
  metadata jsonb default '{}',
  status public.hold_status not null default 'active',
  foreign key (zone_id, restaurant_id) references public.zones (id, restaurant_id),
  constraint table_holds_window_valid
    check (end_at > start_at and pg_catalog.isfinite(start_at) and pg_catalog.isfinite(end_at)),
  check (pg_catalog.isfinite(expires_at))
);
-- Who else holds a table in this window: near zero, also with 100 000 closed holds.
create index table_holds_live_window_idx on public.table_holds
  using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'active';
create index table_holds_live_booking_idx on public.table_holds (booking_id) where status = 'active';

create table public.table_hold_members (
  hold_id uuid not null references public.table_holds (id) on delete cascade,
  table_id uuid not null references public.table_inventory (id),
  primary key (hold_id, table_id)
);

create table public.allocations (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  booking_id uuid references public.bookings (id) on delete cascade,
  restaurant_id uuid not null references public.restaurants (id),
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

create table public.booking_table_assignments (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  booking_id uuid not null references public.bookings (id) on delete cascade,
  table_id uuid not null references public.table_inventory (id),
  slot_id uuid references public.booking_slots (id),
  assigned_at timestamptz not null default pg_catalog.now(),
  assigned_by uuid,
  idempotency_key text,
  start_at timestamptz not null,
  end_at timestamptz not null,
  merge_group_id uuid,
  allocation_id uuid references public.allocations (id) on delete set null,
  constraint booking_table_assignments_booking_table_key unique (booking_id, table_id),
  check (end_at > start_at)
);
-- Who else is assigned to a table from now on; the past is skipped by end_at.
create index booking_table_assignments_table_end_idx on public.booking_table_assignments (table_id, end_at);
-- Deleting an allocation looks for its assignment.
create index booking_table_assignments_allocation_idx on public.booking_table_assignments (allocation_id);
-- What was answered to which key, and what others are told about it.
create table public.booking_assignment_idempotency (
  booking_id uuid not null references public.bookings (id) on delete cascade,
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

create table public.booking_confirmation_results (
  booking_id uuid not null references public.bookings (id) on delete cascade,
  idempotency_key text not null,
  hold_id uuid unique,
  restaurant_id uuid not null references public.restaurants (id),
  table_ids uuid[] not null,
  assignment_window tstzrange not null,
  actor_id uuid,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default pg_catalog.now(),
  primary key (booking_id, idempotency_key)
);

create table public.capacity_outbox (
  id bigint generated always as identity primary key,
  status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead')),
  event_type text not null,
  dedupe_key text not null unique,
  attempt_count integer not null default 0 check (attempt_count >= 0),
  next_attempt_at timestamptz not null default pg_catalog.now(),
  restaurant_id uuid not null,
  -- NULL: an event of a hold without a booking.
  booking_id uuid,
  idempotency_key text,
  payload jsonb not null default '{}',
  created_at timestamptz not null default pg_catalog.now()
);
create index capacity_outbox_due_idx on public.capacity_outbox (next_attempt_at) where status = 'pending';

create table public.observability_events (
  id bigint generated always as identity primary key,
  source text not null,
  event_type text not null,
  severity text not null check (severity in ('info', 'warning', 'error', 'critical')),
  context jsonb not null default '{}',
  restaurant_id uuid,
  booking_id uuid,
  created_at timestamptz not null default pg_catalog.now()
);
-- What attach adds to an application's tables. A reference schema has all of it.
alter table public.bookings
  add column if not exists auto_assign_idempotency_key text,
  add column if not exists auto_assign_last_result jsonb;
create index if not exists bookings_auto_assign_idempotency_key_idx
  on public.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;

-- The answer bound to a key (see holdfast.outcomes), what was asked, what was given.
alter table public.booking_assignment_idempotency
  add column if not exists outcome text not null default 'confirmed',
  add column if not exists request jsonb,
  add column if not exists refusal jsonb,
  add column if not exists assignment_ids uuid[],
  add column if not exists hold_id uuid,
  add column if not exists transaction_id xid8;
-- What attach adds to an application's schema: the rules as data.
-- What a status means for tables. Labels differ between applications; these rows are the rule.
create table if not exists public.booking_statuses (
  status public.booking_status primary key,
  -- May be the target of a confirm.
  is_confirm_target boolean not null default false,
  -- A booking in this status may hold tables.
  holds_tables boolean not null default false,
  -- The party sits at its tables.
  occupies_tables boolean not null default false,
  -- Tables left behind by a booking in this status are free for others.
  releases_tables boolean not null default false,
  check (not (holds_tables and releases_tables)),
  check (holds_tables or not is_confirm_target),
  check (holds_tables or not occupies_tables)
);

-- The legal moves (G8). A move of a status to itself is always legal and needs no row.
create table if not exists public.booking_status_transitions (
  from_status public.booking_status not null references public.booking_statuses (status),
  to_status public.booking_status not null references public.booking_statuses (status),
  primary key (from_status, to_status),
  check (from_status <> to_status)
);

-- How many guests a set of tables may seat. No row: the defaults below.
create table if not exists public.capacity_policies (
  restaurant_id uuid primary key references public.restaurants (id) on delete cascade,
  -- Guests accepted beyond the seats of the set.
  extra_seats integer not null default 0 check (extra_seats >= 0),
  -- Whether a party smaller than a table's min_party_size is refused.
  enforce_min_party boolean not null default false
);
-- The contract's rules, for the labels that this application's enum has. Rows that are there are the owner's.
insert into public.booking_statuses (status, is_confirm_target, holds_tables, occupies_tables, releases_tables)
select e.label, r.is_confirm_target, r.holds_tables, r.occupies_tables, r.releases_tables
from pg_catalog.unnest(pg_catalog.enum_range(null::public.booking_status)) e (label)
join (values
  ('pending', false, true, false, false),
  ('pending_allocation', false, true, false, false),
  ('PRIORITY_WAITLIST', false, true, false, false),
  ('confirmed', true, true, false, false),
  ('checked_in', false, true, true, false),
  ('completed', false, false, false, true),
  ('cancelled', false, false, false, true),
  ('no_show', false, false, false, false)
) r (status, is_confirm_target, holds_tables, occupies_tables, releases_tables) on r.status = e.label::text
where not exists (select from public.booking_statuses);

insert into public.booking_status_transitions (from_status, to_status)
select f.status, t.status
from (values
  ('pending', 'pending_allocation'), ('pending', 'confirmed'), ('pending', 'cancelled'),
  ('pending_allocation', 'confirmed'), ('pending_allocation', 'cancelled'),
  ('confirmed', 'checked_in'), ('confirmed', 'cancelled'), ('confirmed', 'no_show'),
  ('PRIORITY_WAITLIST', 'checked_in'), ('PRIORITY_WAITLIST', 'cancelled'),
  ('PRIORITY_WAITLIST', 'no_show'), ('PRIORITY_WAITLIST', 'confirmed'),
  ('checked_in', 'completed'), ('checked_in', 'no_show'),
  ('no_show', 'confirmed')
) m (from_status, to_status)
join public.booking_statuses f on f.status::text = m.from_status
join public.booking_statuses t on t.status::text = m.to_status
where not exists (select from public.booking_status_transitions);
-- Assign: tables are added to a booking (or taken away) without touching its status.
create or replace function public.assign_tables_atomic_v2(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text default null,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_assign_tables_atomic_v2_wrapper';

create or replace function public.assign_single_table(
  p_booking_id uuid, p_table_id uuid, p_assigned_by uuid default null, p_idempotency_key text default null
) returns void
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_assign_single_table_wrapper';

create or replace function public.assign_merged_tables(
  p_booking_id uuid, p_table_ids uuid[], p_require_adjacency boolean default true,
  p_assigned_by uuid default null, p_idempotency_key text default null
) returns void
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_assign_merged_tables_wrapper';

create or replace function public.unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null)
returns table (table_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_unassign_tables_atomic_wrapper';

comment on function public.assign_tables_atomic_v2 is
  'Adds tables to a booking without touching its status. Arguments as confirm_hold_assignment_with_transition. Returns one row for each given table, ascending. Raises P0001, P0002, P0003, P0004, 22000, 22023, 23503, 23514 (see holdfast.outcomes), 40001, 40P01, 55P03. Locks the booking, its holds, its tables. Retry with the same key.';

comment on function public.assign_single_table is
  'Adds one table to a booking. p_assigned_by and p_idempotency_key may be NULL. Returns nothing. Errors, locks and retries as assign_tables_atomic_v2.';

comment on function public.assign_merged_tables is
  'Adds joined tables to a booking; they have to stand side by side unless p_require_adjacency is false. Returns nothing. Errors, locks and retries as assign_tables_atomic_v2.';

comment on function public.unassign_tables_atomic is
  'Takes the given tables (NULL: all) from a booking and leaves its status. Returns the ids that were taken, ascending. Raises P0002, 40001, 40P01, 55P03. Locks the booking and its tables. May be repeated: what is gone is not returned again.';
-- Confirm: the tables of a booking become exactly this set, or nothing changes.
create or replace function public.confirm_hold_assignment_with_transition(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_target_status public.booking_status default 'confirmed',
  p_history_changed_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}'
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_confirm_hold_assignment_with_transition_wrapper';

create or replace function public.confirm_hold_assignment_tx(
  p_hold_id uuid, p_booking_id uuid, p_idempotency_key text,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_window_start timestamptz default null, p_window_end timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status public.booking_status default null, p_history_reason text default 'auto_assign_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_confirm_hold_assignment_tx_wrapper';

create or replace function public.atomic_confirm_and_transition(
  p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_assigned_by uuid default null,
  p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}',
  p_history_changed_by uuid default null, p_target_status public.booking_status default 'confirmed'
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_atomic_confirm_and_transition_wrapper';

comment on function public.confirm_hold_assignment_with_transition is
  'Sets the tables of a booking to exactly the given set, moves it to the target status with its history, and closes its holds: all or nothing. p_booking_id; p_table_ids one or more, no NULL, duplicates collapse; p_idempotency_key NULL for none, never blank; p_require_adjacency NULL is false; p_assigned_by NULL for an automatic call; p_start_at and p_end_at both or neither, overlapping the booking (NULL: its own window); p_target_status NULL leaves the status; history columns may be NULL. Returns one row a table, ascending. Raises P0001, P0002, P0003, P0004, 22000, 22023, 23503, 23514 (see holdfast.outcomes), 40001, 40P01, 55P03, and what the application''s triggers raise. Locks the booking, its holds, its tables. Retry with the same key: a committed answer comes back.';

comment on function public.confirm_hold_assignment_tx is
  'Confirms the tables of a hold for its window and closes it. p_hold_id; p_booking_id; p_window_start and p_window_end both or neither (NULL: the hold''s window); p_expected_policy_version and p_expected_adjacency_hash NULL expect nothing, else the hold must say the same; p_target_status NULL assigns and consumes the hold but leaves the status; the rest as confirm_hold_assignment_with_transition. Returns one row a table, ascending. Errors, locks and retries as there.';

comment on function public.atomic_confirm_and_transition is
  'Validates the hold (owner, restaurant, members, snapshot, adjacency, expiry by the clock after the last lock), derives window and tables from it, confirms, closes the hold. p_booking_id; p_hold_id; p_idempotency_key NULL for none, never blank; p_assigned_by NULL for an automatic call; history columns may be NULL; p_target_status NULL leaves the status. Returns one row a table, ascending. Errors, locks and retries as confirm_hold_assignment_with_transition.';
-- Hold: tables are kept for a booking until a deadline, or handed back.
create or replace function public.hold_tables(
  p_booking_id uuid, p_table_ids uuid[], p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_ttl_seconds integer default 180, p_created_by uuid default null, p_metadata jsonb default '{}'
) returns table (
  hold_id uuid, booking_id uuid, table_ids uuid[], start_at timestamptz, end_at timestamptz, expires_at timestamptz
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_hold_tables_wrapper';

create or replace function public.release_hold_and_emit(p_hold_id uuid, p_actor_id uuid default null) returns boolean
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_release_hold_and_emit_wrapper';

comment on function public.hold_tables is
  'Holds tables for a booking until a deadline, or says who has them. p_booking_id NULL holds for nobody yet and needs a window; p_table_ids one or more, no NULL; p_start_at and p_end_at both or neither (NULL: the booking''s window); p_ttl_seconds 1 to 604800, NULL is 180; p_created_by and p_metadata may be NULL. Returns the hold. Raises P0001 (who has the table is in DETAIL), P0002, P0004, 22000, 22023, 23503, 23514, 40001, 40P01, 55P03. Locks the booking and the tables. A repeated call takes another hold.';

comment on function public.release_hold_and_emit is
  'Hands a hold back and emits capacity.hold.released. p_hold_id; p_actor_id may be NULL. Returns whether there was a live hold; an unknown or closed one is left alone. Raises 40001, 40P01, 55P03. Locks the hold. May be repeated.';
-- Questions: the deterministic key of a booking, and what state it is in.
create or replace function public.auto_assign_idempotency_key(
  p_booking_id uuid, p_restaurant_id uuid, p_party_size integer, p_booking_date date, p_start_time time
) returns text
language c immutable parallel safe strict set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_auto_assign_idempotency_key_wrapper';

create or replace function public.reconcile_booking(p_booking_id uuid)
returns table (booking_state text, assignment_state text)
language c stable security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_reconcile_booking_wrapper';

comment on function public.auto_assign_idempotency_key is
  'The deterministic key of a booking: booking-<id>-auto-assign- and 12 hex digits of the SHA-256 (FIPS 180-4) of id|restaurant|party|dateTtime, the time as HH:MM:SS. NULL when an argument is NULL. Raises nothing, locks nothing.';

comment on function public.reconcile_booking is
  'Reads a booking''s status and whether its tables are unassigned, assigned or inconsistent (an assignment without its claim, or for another window). Raises P0002. Locks nothing. May be repeated.';
-- Transition: a booking's status moves along the declared moves, with its history.
create or replace function public.apply_booking_state_transition(
  p_booking_id uuid, p_status public.booking_status, p_checked_in_at timestamptz, p_checked_out_at timestamptz,
  p_updated_at timestamptz, p_history_from public.booking_status, p_history_to public.booking_status,
  p_history_changed_by uuid, p_history_changed_at timestamptz, p_history_reason text,
  p_history_metadata jsonb default '{}'
) returns table (
  status public.booking_status, checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_apply_booking_state_transition_wrapper';

create or replace function public.refresh_table_status(p_table_id uuid) returns void
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_refresh_table_status_wrapper';

comment on function public.apply_booking_state_transition is
  'Moves a booking along a declared move (booking_status_transitions) and writes its history. p_history_from must be the current status (NULL: not checked); p_history_to must be p_status or NULL; p_checked_in_at and p_checked_out_at are set as given; p_updated_at and p_history_changed_at NULL mean now. Returns the new columns. Raises P0002, P0004, 22023, 40001, 40P01, 55P03, and what the application''s triggers raise. Locks the booking and the tables it has at this moment. Not to be repeated blindly: the second call finds another status.';

comment on function public.refresh_table_status is
  'Sets the status of a table to that of now: out_of_service stays and follows a running maintenance, occupied when a party sits there, reserved under another live allocation, else available. Returns nothing. Raises P0002. Locks the table. May be repeated.';
create table public.holdfast_attachment (feature text primary key);
comment on table public.holdfast_attachment is 'holdfast: the optional tables that attach found; call attach again when that changes';
insert into public.holdfast_attachment values ('adjacency'), ('slots'), ('results'), ('outbox');
alter function public.assign_tables_atomic_v2 depends on extension holdfast;
revoke all on function public.assign_tables_atomic_v2 from public;
alter function public.assign_single_table depends on extension holdfast;
revoke all on function public.assign_single_table from public;
alter function public.assign_merged_tables depends on extension holdfast;
revoke all on function public.assign_merged_tables from public;
alter function public.unassign_tables_atomic depends on extension holdfast;
revoke all on function public.unassign_tables_atomic from public;
alter function public.confirm_hold_assignment_with_transition depends on extension holdfast;
revoke all on function public.confirm_hold_assignment_with_transition from public;
alter function public.confirm_hold_assignment_tx depends on extension holdfast;
revoke all on function public.confirm_hold_assignment_tx from public;
alter function public.atomic_confirm_and_transition depends on extension holdfast;
revoke all on function public.atomic_confirm_and_transition from public;
alter function public.hold_tables depends on extension holdfast;
revoke all on function public.hold_tables from public;
alter function public.release_hold_and_emit depends on extension holdfast;
revoke all on function public.release_hold_and_emit from public;
alter function public.auto_assign_idempotency_key depends on extension holdfast;
revoke all on function public.auto_assign_idempotency_key from public;
alter function public.reconcile_booking depends on extension holdfast;
revoke all on function public.reconcile_booking from public;
alter function public.apply_booking_state_transition depends on extension holdfast;
revoke all on function public.apply_booking_state_transition from public;
alter function public.refresh_table_status depends on extension holdfast;
revoke all on function public.refresh_table_status from public;
