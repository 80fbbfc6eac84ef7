-- Records that attach keeps a function ($2, OID) of the schema of these bookings ($1) in a schema ($3): may the contract's
-- call reach it ($4), was the owner of bookings let execute it ($5), could everybody ($6)?
insert into holdfast.legacy_function (bookings, name, arguments, legacy_schema, callable, granted, closed)
select $1, p.proname::text, array(
    select t.typname::text from pg_catalog.unnest(p.proargtypes::oid[]) with ordinality u (type_oid, place)
    join pg_catalog.pg_type t on t.oid = u.type_oid order by u.place
  ), $3, $4, $5, $6
from pg_catalog.pg_proc p where p.oid = $2
on conflict (bookings, name, arguments) do update
set legacy_schema = excluded.legacy_schema, callable = excluded.callable, granted = excluded.granted,
    closed = excluded.closed
