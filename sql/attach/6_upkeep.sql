-- What attach adds for forgetting: old rows are found without looking at young ones, and what was forgotten is known.
create index if not exists booking_assignment_idempotency_age_idx
  on app.booking_assignment_idempotency (created_at) where outcome <> 'fenced';

-- Answers of this booking from before that instant were forgotten.
create table if not exists app.holdfast_forgotten (
  booking_id uuid primary key references app.bookings (id) on delete cascade,
  until timestamptz not null
);
