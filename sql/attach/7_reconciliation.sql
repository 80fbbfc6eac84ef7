-- What attach adds for reconciliation: bookings that are not over yet are found without looking at the past. A booking
-- whose end is derived ends two days after its date at the latest, wherever the restaurant stands.
create index if not exists bookings_ends_by_idx on app.bookings (
  (coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity'))
);

-- What is done about a finding that is seen after a commit: report it (also without a row), or repair it at once.
create table if not exists app.holdfast_reconciliation_policies (
  finding text primary key,
  action text not null check (action in ('report', 'repair'))
);

-- How far commits have been looked at again: everything that is visible in the snapshot `seen`, and of what came until
-- `pending` the answers up to `upto`. Each snapshot has the instant at which its transaction began beside it; no answer
-- that is still to be seen is older than `reach`, but for clocks. The worker and the sweep rest until `due_at`.
create table if not exists app.holdfast_commit_scan (
  id boolean primary key default true check (id),
  seen pg_snapshot,
  since timestamptz,
  reach timestamptz,
  pending pg_snapshot,
  pending_at timestamptz,
  upto timestamptz not null default '-infinity',
  commits bigint not null default 0,
  due_at timestamptz not null default '-infinity'
);
insert into app.holdfast_commit_scan (id) values (true) on conflict do nothing;

-- What does not agree, and since when it is known: it is told once, until it agrees again.
create table if not exists app.holdfast_findings (
  booking_id uuid not null,
  finding text not null,
  seen_at timestamptz not null default pg_catalog.clock_timestamp(),
  primary key (booking_id, finding)
);

-- The looks at every live booking: by the view (look_at, when the next is due), and one booking after the other
-- (pass_at, when the next batch is due; pass_after, the last booking of the pass that was looked at).
create table if not exists app.holdfast_booking_scans (
  id boolean primary key default true check (id),
  look_at timestamptz not null default '-infinity',
  pass_at timestamptz not null default '-infinity',
  pass_began_at timestamptz,
  pass_ended_at timestamptz,
  pass_after uuid,
  pass_bookings bigint not null default 0,
  -- Since when the schema is attached: bookings that were over before are not ours to judge.
  attached_at timestamptz not null default pg_catalog.now()
);
insert into app.holdfast_booking_scans (id) values (true) on conflict do nothing;
alter table app.holdfast_booking_scans
  add column if not exists attached_at timestamptz not null default pg_catalog.now();
