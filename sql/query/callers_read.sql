-- The roles that attach let call in the schema of these bookings, as far as they still exist.
select r.rolname::text as role
from holdfast.attachment a, pg_catalog.unnest(a.callers) c (role)
join pg_catalog.pg_roles r on r.rolname::text = c.role
where a.bookings = :bookings
order by r.rolname
