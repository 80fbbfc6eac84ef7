-- Every row of every answer that reached a guest, beside the assignments; and all answers to one key beside each other.
with told as (
  select a.booking_id, a.answer, a.table_id, a.start_at, a.end_at, a.merge_group_id, a.assignment_id
  from evening.answers a
  join bookings b on b.id = a.booking_id and b.status = 'confirmed'
), answers as (
  select distinct t.booking_id, t.answer from told t
), truth as (
  select n.answer, a.booking_id, a.table_id, a.start_at, a.end_at, a.merge_group_id, a.id as assignment_id
  from booking_table_assignments a
  join answers n on n.booking_id = a.booking_id
), compared as (
  select coalesce(t.booking_id, r.booking_id) as booking_id,
    t.answer is not null and r.answer is not null
      and t.merge_group_id is not distinct from r.merge_group_id
      and coalesce(t.assignment_id, r.assignment_id) = r.assignment_id as same
  from told t
  full join truth r on r.answer = t.answer and r.table_id = t.table_id
    and r.start_at = t.start_at and r.end_at = t.end_at
  union all
  select a.booking_id, count(distinct a.said) = 1
  from (
    select booking_id, idempotency_key, answer,
      array_agg((table_id, start_at, end_at, merge_group_id)::text order by table_id) as said
    from evening.answers group by booking_id, idempotency_key, answer
  ) a
  group by a.booking_id, a.idempotency_key
)
select count(*) as examined, count(*) filter (where not c.same) as violations,
  min(format('%s was told something else', g.name)) filter (where not c.same) as note
from compared c
join evening.guests g on g.booking_id = c.booking_id
