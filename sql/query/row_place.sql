-- Where the booking's row is, in the relation that has it.
select b.tableoid as relation, (b.ctid::text::point)[0]::bigint as page, (b.ctid::text::point)[1]::integer as place
from app.bookings b
where b.id = :booking
