-- Records that attach keeps a function of the schema of these bookings in a schema: may the contract's
-- call reach it, was the owner of bookings let execute it, could everybody?
insert into holdfast.legacy_function (bookings, name, arguments, legacy_schema, callable, granted, closed)
select :bookings, p.proname::text, array(
    select t.typname::text from pg_catalog.unnest(p.proargtypes::oid[]) with ordinality u (type_oid, place)
    join pg_catalog.pg_type t on t.oid = u.type_oid order by u.place
  ), :legacy, :callable, :granted, :closed
from pg_catalog.pg_proc p where p.oid = :function
on conflict (bookings, name, arguments) do update
set legacy_schema = excluded.legacy_schema, callable = excluded.callable, granted = excluded.granted,
    closed = excluded.closed
