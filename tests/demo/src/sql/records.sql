-- What the demo remembers from outside, to compare with the tables when the evening is over.
create schema evening;

create table evening.guests (
  nth integer primary key,
  booking_id uuid not null unique references public.bookings (id),
  name text not null,
  initials text not null,
  start_quarter integer not null,
  quarters integer not null
);

-- Every row of every answer that reached a guest; answer counts the calls.
create table evening.answers (
  answer integer not null,
  booking_id uuid not null,
  idempotency_key text not null,
  assignment_id uuid,
  table_id uuid not null,
  start_at timestamptz not null,
  end_at timestamptz not null,
  merge_group_id uuid
);

-- Every transaction whose session was ended between the confirm and its COMMIT.
create table evening.kills (
  booking_id uuid not null,
  idempotency_key text not null,
  transaction_id xid8 not null,
  came_back boolean not null
);

-- Every request whose answer was known beforehand.
create table evening.expectations (
  booking_id uuid not null,
  request text not null,
  expected text not null,
  got text not null
);

-- Who was next in line for the tables of a guest who cancelled or came too late.
create table evening.heirs (
  heir_id uuid not null,
  table_id uuid not null
);
