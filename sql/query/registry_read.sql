-- What attach recorded of a schema, by its bookings. No row: it is not attached.
select 'attached' as kind, a.version as name, null::text as value, null::uuid as id, null::integer as number
from holdfast.attachment a where a.bookings = :bookings
union all
select 'feature', f.name, null, null, null
from holdfast.attachment a, pg_catalog.unnest(a.features) f (name) where a.bookings = :bookings
union all
select 'legacy', o.name, o.legacy_schema, null, o.callable::integer
from holdfast.legacy_function o where o.bookings = :bookings
order by kind, name, value
