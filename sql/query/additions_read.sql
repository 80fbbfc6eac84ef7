-- What attach added to the schema of these bookings ($1).
select a.kind, a.relation, a.name, a.definition
from holdfast.addition a where a.bookings = $1
order by a.kind, a.relation, a.name
