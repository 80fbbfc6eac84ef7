-- Records what attach added to the schema of these bookings ($1): kinds ($2), relations ($3), names ($4), definitions ($5).
insert into holdfast.addition (bookings, kind, relation, name, definition)
select $1, n.kind, n.relation, n.name, n.definition
from rows from (
  pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5)
) n (kind, relation, name, definition)
on conflict (bookings, kind, relation, name) do update set definition = excluded.definition
