-- What attach adds for looking after the house: what is due is found without looking at the rest.
create index if not exists booking_assignment_idempotency_age_idx
  on app.booking_assignment_idempotency (created_at) where outcome <> 'fenced';
create index if not exists table_holds_live_expiry_idx on app.table_holds (expires_at) where status = 'active';
create index if not exists table_holds_ended_idx on app.table_holds (expires_at) where status <> 'active';

-- Answers of this booking from before that instant were forgotten. No foreign key: forgetting must not wait for somebody
-- who deletes the booking.
create table if not exists app.holdfast_pruned (
  booking_id uuid primary key,
  until timestamptz not null
);

-- Tables that a refresh put out of service, for a maintenance: the next refresh after it takes them back. What a person put
-- out of service is not in it, and stays.
create table if not exists app.holdfast_out_of_service (
  table_id uuid primary key
);

-- What failed for a reason of its own is left alone for a while, so that the rest of its batch goes on. Deleting a row
-- has it tried again at once.
create table if not exists app.holdfast_quarantine (
  task text not null,
  id uuid not null,
  failures integer not null default 1,
  until timestamptz not null,
  error text not null,
  primary key (task, id)
);

--[outbox
-- Who works on an event, and why it failed. While it is worked on, next_attempt_at is the end of the lease; when it is
-- done, the moment that it was.
alter table app.capacity_outbox
  add column if not exists claimed_by text,
  add column if not exists last_error text;
create index if not exists capacity_outbox_due_idx on app.capacity_outbox (next_attempt_at) where status = 'pending';
create index if not exists capacity_outbox_lease_idx
  on app.capacity_outbox (next_attempt_at) where status = 'processing';
create index if not exists capacity_outbox_done_idx on app.capacity_outbox (next_attempt_at) where status = 'done';
create index if not exists capacity_outbox_dead_idx on app.capacity_outbox (next_attempt_at) where status = 'dead';
-- By hash: whatever key the application writes, however long and however often, is its own affair.
create index if not exists capacity_outbox_dedupe_idx on app.capacity_outbox using hash (dedupe_key);
create index if not exists capacity_outbox_booking_idx on app.capacity_outbox (booking_id);
--]
