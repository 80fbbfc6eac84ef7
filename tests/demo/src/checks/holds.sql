-- All sessions have ended: a hold may only be live if its session was killed, and then not for long.
with judged as (
  select h.id, h.booking_id, h.status, h.expires_at,
    h.status = 'active' and h.expires_at > clock_timestamp() as live,
    exists (select from evening.kills k where k.booking_id = h.booking_id and not k.came_back) as session_died,
    exists (select from allocations a where a.resource_type = 'hold' and a.resource_id = h.id) as mirrored,
    exists (select from booking_confirmation_results r
      where r.hold_id = h.id and r.created_at > h.expires_at) as confirmed_too_late
  from table_holds h
), named as (
  select j.*, case
      when j.confirmed_too_late then 'confirmed after its deadline'
      when j.live and not j.session_died then 'live, although its session ended in order'
      when j.live and j.expires_at > clock_timestamp() + interval '180 s' then 'live for longer than it was taken for'
      when j.status <> 'active' and j.mirrored then 'closed, but its mirror is left'
    end as fault
  from judged j
)
select count(*) as examined, count(n.fault) as violations,
  coalesce(
    (select format('hold of %s: %s', g.name, f.fault)
     from named f join evening.guests g on g.booking_id = f.booking_id
     where f.fault is not null order by f.fault, g.name limit 1),
    format('%s left by killed sessions, expires by clock in %s s; %s lapsed, dead by clock',
      count(*) filter (where n.live),
      coalesce(string_agg(ceil(extract(epoch from n.expires_at - clock_timestamp()))::text, ', '
        order by n.expires_at) filter (where n.live), '-'),
      count(*) filter (where n.status = 'active' and not n.live))
  ) as note
from named n
