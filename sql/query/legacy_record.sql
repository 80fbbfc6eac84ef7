-- Records that attach keeps a function ($1, OID) in a schema ($2): may the contract's call reach it ($3), was the owner of
-- bookings let execute it ($4), could everybody ($5)?
insert into app.holdfast_originals (name, arguments, legacy_schema, callable, granted, closed)
select p.proname::text, array(
    select t.typname::text from pg_catalog.unnest(p.proargtypes::oid[]) with ordinality u (type_oid, place)
    join pg_catalog.pg_type t on t.oid = u.type_oid order by u.place
  ), $2, $3, $4, $5
from pg_catalog.pg_proc p where p.oid = $1
on conflict (name, arguments) do update
set legacy_schema = excluded.legacy_schema, callable = excluded.callable, granted = excluded.granted,
    closed = excluded.closed
