-- What attach adds for reconciliation: bookings that are not over yet are found without looking at the past. A booking
-- whose end is derived ends two days after its date at the latest, wherever the restaurant stands.
create index if not exists bookings_ends_by_idx on app.bookings (
  (coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity'))
);

-- What is done about a finding that is seen after a commit: report it (also without a row), or repair it at once.
create table if not exists app.reconciliation_policies (
  finding text primary key,
  action text not null check (action in ('report', 'repair'))
);

-- How far commits have been looked at again: everything that is visible in the snapshot `seen`, and of what came until
-- `pending` the transactions up to `upto`.
create table if not exists app.holdfast_verified (
  id boolean primary key default true check (id),
  seen pg_snapshot,
  since timestamptz,
  pending pg_snapshot,
  pending_at timestamptz,
  upto xid8 not null default '0',
  commits bigint not null default 0
);
insert into app.holdfast_verified (id) values (true) on conflict do nothing;
