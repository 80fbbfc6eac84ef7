-- The roles that attach let call in the schema of these bookings ($1), as far as they still exist.
select r.rolname::text
from holdfast.attachment a, pg_catalog.unnest(a.callers) c (role)
join pg_catalog.pg_roles r on r.rolname::text = c.role
where a.bookings = $1
order by r.rolname
