-- Who confirms in this schema: holdfast, or the application's own functions. The owner of the schema changes these rows;
-- every session follows at its next call. No row: holdfast.
create table if not exists app.holdfast_rollout (
  -- All zeros: every restaurant that has no row of its own.
  restaurant_id uuid primary key default '00000000-0000-0000-0000-000000000000',
  -- on: holdfast for a share of the bookings, the original functions for the rest; original: these for all;
  -- shadow: these for all, and holdfast judges a share beside them, without writing;
  -- rehearse: the same, but holdfast does it for real before them, and takes that back.
  mode text not null default 'on' check (mode in ('on', 'original', 'shadow', 'rehearse')),
  -- The share of bookings, chosen by a hash of their ids: one that is in at 10 is in at 20.
  percentage integer not null default 100 check (percentage between 0 and 100)
);
comment on table app.holdfast_rollout is
  'holdfast: who confirms, by restaurant and share of bookings; changes take effect with the next call of each session';
