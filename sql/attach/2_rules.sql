-- What attach adds to an application's schema: the rules as data.
-- What a status means for tables. Labels differ between applications; these rows are the rule.
create table if not exists app.holdfast_booking_statuses (
  status app.booking_status primary key,
  -- May be the target of a confirm.
  is_confirm_target boolean not null default false,
  -- A booking in this status may hold tables.
  holds_tables boolean not null default false,
  -- The party sits at its tables.
  occupies_tables boolean not null default false,
  -- Tables left behind by a booking in this status are free for others.
  releases_tables boolean not null default false,
  -- A booking moves into this status only with its tables. NULL: when a confirm leads to it, or its party sits. False is
  -- for a house that confirms first and seats later.
  needs_tables boolean,
  check (not (holds_tables and releases_tables)),
  check (holds_tables or not is_confirm_target),
  check (holds_tables or not occupies_tables)
);
alter table app.holdfast_booking_statuses
  add column if not exists needs_tables boolean;

-- The legal moves (G8). A move of a status to itself is always legal and needs no row.
create table if not exists app.holdfast_status_transitions (
  from_status app.booking_status not null references app.holdfast_booking_statuses (status),
  to_status app.booking_status not null references app.holdfast_booking_statuses (status),
  primary key (from_status, to_status),
  check (from_status <> to_status)
);

-- How many guests a set of tables may seat. No row: the defaults below.
create table if not exists app.holdfast_capacity_policies (
  restaurant_id uuid primary key references app.restaurants (id) on delete cascade,
  -- Guests accepted beyond the seats of the set.
  extra_seats integer not null default 0 check (extra_seats >= 0),
  -- Whether a party smaller than a table's min_party_size is refused.
  enforce_min_party boolean not null default false
);
