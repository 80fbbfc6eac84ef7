-- Keeps disagreements, one object each.
insert into app.holdfast_disagreements (
  called_at, function, booking_id, kind, faults, request, ours, theirs, session)
select (d ->> 'called_at')::timestamptz, d ->> 'function', (d ->> 'booking_id')::uuid, d ->> 'kind',
       array(select f.name from pg_catalog.jsonb_array_elements_text(d -> 'faults') f (name)),
       d -> 'request', d -> 'ours', d -> 'theirs', d -> 'session'
from pg_catalog.unnest(:records::jsonb[]) d
returning id
