-- Deletes the marks of pruned answers whose booking is gone: nobody can ask for its keys any more.
with doomed as materialized (
  select f.booking_id
  from app.holdfast_pruned f
  where not exists (select from app.bookings b where b.id = f.booking_id)
  limit :batch
  for update skip locked
)
delete from app.holdfast_pruned f
where f.booking_id = any (array(select d.booking_id from doomed d))
returning f.booking_id
