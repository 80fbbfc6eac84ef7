-- Legacy functions that attach keeps of the schema of these bookings, where they are still there. A type that got
-- another name does not hide one that is alone under its name.
select p.oid::pg_catalog.regprocedure::text as signature, case p.prokind when 'p' then 'procedure' else 'function' end as kind,
       o.granted, o.closed
from holdfast.legacy_function o
join pg_catalog.pg_namespace n on n.nspname::text = o.legacy_schema
join pg_catalog.pg_proc p on p.pronamespace = n.oid and p.proname::text = o.name
where o.bookings = :bookings and (
  o.arguments = array(
    select t.typname::text from pg_catalog.unnest(p.proargtypes::oid[]) with ordinality u (type_oid, place)
    join pg_catalog.pg_type t on t.oid = u.type_oid order by u.place
  )
  or not exists (
    select from holdfast.legacy_function other
    where other.bookings = o.bookings and other.name = o.name and other.arguments <> o.arguments
  )
    and not exists (
      select from pg_catalog.pg_proc other
      where other.pronamespace = p.pronamespace and other.proname = p.proname and other.oid <> p.oid
    )
)
order by o.name, o.arguments
