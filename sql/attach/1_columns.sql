-- What attach adds to an application's tables. A reference schema has all of it.
alter table app.bookings
  add column if not exists auto_assign_idempotency_key text,
  add column if not exists auto_assign_last_result jsonb;
create index if not exists bookings_auto_assign_idempotency_key_idx
  on app.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;

-- The answer bound to a key (see holdfast.outcomes), what was asked, what was given; and what it was based on: `window`
-- derived from the booking or asked for, and the rows that it `replaced` and `freed`, for an undo to give back.
alter table app.booking_assignment_idempotency
  add column if not exists outcome text not null default 'confirmed',
  add column if not exists request jsonb,
  add column if not exists refusal jsonb,
  add column if not exists assignment_ids uuid[],
  add column if not exists hold_id uuid,
  add column if not exists transaction_id xid8,
  add column if not exists basis jsonb;
