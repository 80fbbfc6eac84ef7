-- What attach adds for reconciliation: bookings that are not over yet are found without looking at the past. A booking
-- whose end is derived ends two days after its date at the latest, wherever the restaurant stands.
create index if not exists bookings_ends_by_idx on app.bookings (
  (coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity'))
);
