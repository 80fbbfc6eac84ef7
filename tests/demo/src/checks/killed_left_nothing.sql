-- Each transaction whose session was ended before COMMIT: the server calls it aborted, no row carries its id,
-- and the booking of a guest who never came back is as it was.
with traces as (
  select xmin::text::bigint as transaction_id, booking_id from booking_table_assignments
  union all select xmin::text::bigint, booking_id from allocations
  union all select xmin::text::bigint, booking_id from booking_assignment_idempotency
  union all select xmin::text::bigint, booking_id from booking_confirmation_results
  union all select xmin::text::bigint, booking_id from booking_state_history
  union all select xmin::text::bigint, booking_id from capacity_outbox
  union all select xmin::text::bigint, booking_id from table_holds
  union all select xmin::text::bigint, id from bookings
), judged as (
  select k.booking_id, case
      when pg_xact_status(k.transaction_id) is distinct from 'aborted' then 'its transaction is not aborted'
      when exists (select from traces t
        where t.transaction_id = (k.transaction_id::text::numeric % 4294967296)::bigint) then 'its transaction left a row'
      when not k.came_back and exists (select from bookings b
        where b.id = k.booking_id and b.status <> 'pending') then 'the booking moved'
      when not k.came_back and exists (
        select from booking_assignment_idempotency l where l.booking_id = k.booking_id
        union all select from booking_table_assignments a where a.booking_id = k.booking_id
        union all select from allocations a where a.booking_id = k.booking_id and not a.shadow
        union all select from booking_state_history h where h.booking_id = k.booking_id
        union all select from capacity_outbox o where o.booking_id = k.booking_id
      ) then 'the booking carries traces'
    end as fault
  from evening.kills k
)
select count(*) + case when count(*) > 0 then (select count(*) from traces) else 0 end as examined,
  count(j.fault) as violations, min(format('%s: %s', g.name, j.fault)) filter (where j.fault is not null) as note
from judged j
join evening.guests g on g.booking_id = j.booking_id
