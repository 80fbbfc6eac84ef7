-- Keeps what services read beside the answer.
insert into app.booking_confirmation_results (
  booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, actor_id, metadata, created_at
)
values (
  :booking, :key, :hold, :restaurant, :tables, pg_catalog.tstzrange(:start, :end, '[)'), :actor, :metadata, :now
)
