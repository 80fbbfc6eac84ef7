-- How holds are taken and how they end; at most one row, the owner's to change. Attach writes down what the application does.
create table if not exists app.holdfast_hold_policy (
  id integer primary key default 1 check (id = 1),
  -- close: the row stays, and its status says what it became. delete: the row goes, with what hangs on it.
  ending text not null default 'close' check (ending in ('close', 'delete')),
  -- Do we write a hold's mirror among the allocations? Not where triggers do, or where a constraint forbids it.
  mirrors boolean not null default true,
  -- Does a hold live to the end of its window at least? It does where a constraint demands it.
  to_window_end boolean not null default false,
  -- The longest that a hold may be taken or extended for.
  longest_seconds integer not null default 604800 check (longest_seconds > 0)
);

-- What became of holds that were deleted, for as long as answers are kept. No foreign key: neither the hold nor a booking
-- that is deleted may wait for it.
create table if not exists app.holdfast_ended_holds (
  hold_id uuid primary key,
  booking_id uuid,
  restaurant_id uuid not null,
  -- In the words of the status that it would have: confirmed, cancelled (released) or expired.
  ended text not null,
  idempotency_key text,
  table_ids uuid[] not null,
  start_at timestamptz,
  end_at timestamptz,
  expires_at timestamptz not null,
  ended_at timestamptz not null
);
create index if not exists holdfast_ended_holds_ended_idx on app.holdfast_ended_holds (ended_at);
