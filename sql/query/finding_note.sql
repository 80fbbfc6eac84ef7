-- Writes down what does not agree about a booking ($1): findings $2. Those that are new; what is not among them is struck off.
with struck_off as (
  delete from app.holdfast_findings f where f.booking_id = $1 and f.finding <> all ($2)
)
insert into app.holdfast_findings (booking_id, finding)
select $1, n.finding from pg_catalog.unnest($2) n (finding)
on conflict do nothing
returning finding
