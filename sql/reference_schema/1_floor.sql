-- The floor: restaurants, zones, tables, and which tables stand side by side.
create type app.table_status as enum ('available', 'reserved', 'occupied', 'out_of_service');
create type app.table_mobility as enum ('movable', 'fixed');

create table app.restaurants (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  name text not null default '' ,
  -- An IANA name; an unknown one is refused by the conversion itself.
  timezone text not null default 'UTC'
    check ((timestamptz '2000-01-01 00:00:00+00' at time zone timezone) is not null)
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
  -- A table stands in a zone of its own restaurant (G9).
  foreign key (zone_id, restaurant_id) references app.zones (id, restaurant_id)
);

create table app.table_adjacencies (
  table_a uuid not null references app.table_inventory (id) on delete cascade,
  table_b uuid not null references app.table_inventory (id) on delete cascade,
  primary key (table_a, table_b),
  check (table_a <> table_b)
);
