-- How often each fault was seen, when, and the last time in full; NULL: other disagreements.
select s.fault, pg_catalog.count(*)::integer as count,
       pg_catalog.min(s.called_at) as first_at, pg_catalog.max(s.called_at) as last_at,
       (pg_catalog.array_agg(pg_catalog.jsonb_build_object(
         'id', s.id, 'function', s.function, 'kind', s.kind, 'request', s.request, 'ours', s.ours, 'theirs', s.theirs,
         'session', s.session) order by s.id desc))[1] as example
from (
  select d.*, f.fault
  from app.holdfast_disagreements d
  left join lateral pg_catalog.unnest(d.faults) f (fault) on true
) s
group by s.fault
