-- Remembers what becomes of holds, where the application deletes them. Without `booking` each is its own booking's.
insert into app.holdfast_ended_holds as r (
  hold_id, booking_id, restaurant_id, ended, idempotency_key, table_ids, start_at, end_at, expires_at, ended_at
)
select h.id, coalesce(:booking, h.booking_id), h.restaurant_id, e.status, :key,
       array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id),
       h.start_at, h.end_at, h.expires_at, :now
from rows from (pg_catalog.unnest(:holds::uuid[]), pg_catalog.unnest(:ends::text[])) e (id, status)
cross join lateral (select x.* from app.table_holds x where x.id = e.id offset 0) h
where (select p.ending = 'delete' from app.holdfast_hold_policy p)
on conflict (hold_id) do update set
  booking_id = excluded.booking_id, restaurant_id = excluded.restaurant_id, ended = excluded.ended,
  idempotency_key = excluded.idempotency_key, table_ids = excluded.table_ids, start_at = excluded.start_at,
  end_at = excluded.end_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at
returning r.hold_id
