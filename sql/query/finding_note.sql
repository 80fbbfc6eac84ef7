-- Writes down what does not agree about a booking: findings. Those that are new; what is not among them is struck off.
with struck_off as (
  delete from app.holdfast_findings f where f.booking_id = :booking and f.finding <> all (:findings)
)
insert into app.holdfast_findings (booking_id, finding)
select :booking, n.finding from pg_catalog.unnest(:findings) n (finding)
on conflict do nothing
returning finding
