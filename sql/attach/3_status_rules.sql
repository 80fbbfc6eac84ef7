-- The contract's rules, for the labels that this application's enum has, in whatever case. Rows that are there are the
-- owner's.
insert into app.holdfast_booking_statuses (status, is_confirm_target, holds_tables, occupies_tables, releases_tables)
select e.label, r.is_confirm_target, r.holds_tables, r.occupies_tables, r.releases_tables
from pg_catalog.unnest(pg_catalog.enum_range(null::app.booking_status)) e (label)
join (values
  ('pending', false, true, false, false),
  ('pending_allocation', false, true, false, false),
  ('PRIORITY_WAITLIST', false, true, false, false),
  ('confirmed', true, true, false, false),
  ('checked_in', false, true, true, false),
  ('completed', false, false, false, true),
  ('cancelled', false, false, false, true),
  ('no_show', false, false, false, false)
) r (status, is_confirm_target, holds_tables, occupies_tables, releases_tables)
  on r.status = e.label::text
  or pg_catalog.lower(r.status) = pg_catalog.lower(pg_catalog.translate(e.label::text, '- ', '__'))
  and not exists (
    select from pg_catalog.unnest(pg_catalog.enum_range(null::app.booking_status)) o (label) where o.label::text = r.status
  )
where not exists (select from app.holdfast_booking_statuses);

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
