-- What attach added to the schema of these bookings.
select a.kind, a.relation, a.name, a.definition
from holdfast.addition a where a.bookings = :bookings
order by a.kind, a.relation, a.name
