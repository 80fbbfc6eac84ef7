-- The contract's rules, for the labels that this application's enum has, in whatever case. Rows that are there are the
-- owner's.
insert into app.holdfast_booking_statuses (status, is_confirm_target, holds_tables, occupies_tables, releases_tables)
select e.label, r.is_confirm_target, r.holds_tables, r.occupies_tables, r.releases_tables
from pg_catalog.unnest(pg_catalog.enum_range(null::app.booking_status)) e (label)
join (values
--< known_statuses
) r (status, is_confirm_target, holds_tables, occupies_tables, releases_tables)
  on r.status = e.label::text
  or pg_catalog.lower(r.status) = pg_catalog.lower(pg_catalog.translate(e.label::text, '- ', '__'))
  and not exists (
    select from pg_catalog.unnest(pg_catalog.enum_range(null::app.booking_status)) o (label) where o.label::text = r.status
  )
where not exists (select from app.holdfast_booking_statuses);
