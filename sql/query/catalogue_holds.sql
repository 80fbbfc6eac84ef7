-- Live holds whose deadline is the booking's own time, among some of them: such a hold keeps its tables for days.
select pg_catalog.jsonb_build_object(
  'seen', pg_catalog.count(*),
  'tied', pg_catalog.count(*) filter (where h.expires_at in (h.start_at, h.end_at)),
  'past', pg_catalog.count(*) filter (where h.expires_at < pg_catalog.clock_timestamp())
) as fact
from (
  select o.expires_at, o.start_at, o.end_at from app.table_holds o where o.status::text = 'active' limit 1000
) h
