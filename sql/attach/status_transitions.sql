-- The contract's moves between the statuses that have a rule. Rows that are there are the owner's.
insert into app.holdfast_status_transitions (from_status, to_status)
select f.status, t.status
from (values
  ('pending', 'pending_allocation'), ('pending', 'confirmed'), ('pending', 'cancelled'),
  ('pending_allocation', 'confirmed'), ('pending_allocation', 'cancelled'),
  ('confirmed', 'checked_in'), ('confirmed', 'cancelled'), ('confirmed', 'no_show'),
  ('PRIORITY_WAITLIST', 'checked_in'), ('PRIORITY_WAITLIST', 'cancelled'),
  ('PRIORITY_WAITLIST', 'no_show'), ('PRIORITY_WAITLIST', 'confirmed'),
  ('checked_in', 'completed'), ('checked_in', 'no_show'),
  ('no_show', 'confirmed')
) m (from_status, to_status)
join app.holdfast_booking_statuses f
  on pg_catalog.lower(pg_catalog.translate(f.status::text, '- ', '__')) = pg_catalog.lower(m.from_status)
join app.holdfast_booking_statuses t
  on pg_catalog.lower(pg_catalog.translate(t.status::text, '- ', '__')) = pg_catalog.lower(m.to_status)
where not exists (select from app.holdfast_status_transitions)
order by f.status, t.status;
