-- Records what attach added to the schema of these bookings.
insert into holdfast.addition (bookings, kind, relation, name, definition)
select :bookings, n.kind, n.relation, n.name, n.definition
from rows from (
  pg_catalog.unnest(:kinds), pg_catalog.unnest(:relations), pg_catalog.unnest(:names), pg_catalog.unnest(:definitions)
) n (kind, relation, name, definition)
on conflict (bookings, kind, relation, name) do update set definition = excluded.definition
