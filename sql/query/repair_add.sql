-- What a repair of a booking adds or moves, by step, now. Returns each row as it was and as it is.
with allocated as (
  insert into app.allocations as al (booking_id, restaurant_id, resource_type, resource_id, "window")
  select :booking, b.restaurant_id, c.kind, c.resource, pg_catalog.tstzrange(c.start_at, c.end_at, '[)')
  from app.bookings b
  cross join (
    select 'table' as kind, t."table" as resource, t.start as start_at, t."end" as end_at
    from pg_catalog.jsonb_to_recordset(:steps -> 'allocate_table') t ("table" uuid, start timestamptz, "end" timestamptz)
    union all
    select 'merge_group', g."group", g.start, g."end"
    from pg_catalog.jsonb_to_recordset(:steps -> 'allocate_group') g ("group" uuid, start timestamptz, "end" timestamptz)
  ) c
  where b.id = :booking
  returning pg_catalog.to_jsonb(al) as now
), moved_allocation as (
  update app.allocations al set "window" = pg_catalog.tstzrange(c.start, c."end", '[)')
  from pg_catalog.jsonb_to_recordset(:steps -> 'move_allocation') c (allocation uuid, start timestamptz, "end" timestamptz),
       app.allocations w
  where al.id = c.allocation and al.booking_id = :booking and w.id = al.id
  returning pg_catalog.to_jsonb(w) as was, pg_catalog.to_jsonb(al) as now
), assigned as (
  insert into app.booking_table_assignments as a (
    booking_id, table_id, assigned_at, idempotency_key, start_at, end_at, merge_group_id, allocation_id
  )
  select :booking, s."table", :now, s.key, s.start, s."end", s."group", al.id
  from pg_catalog.jsonb_to_recordset(:steps -> 'assign_table') s (
    "table" uuid, start timestamptz, "end" timestamptz, "group" uuid, key text
  )
  join app.allocations al
    on al.booking_id = :booking and al.resource_type = 'table' and al.resource_id = s."table" and not al.shadow
  returning pg_catalog.to_jsonb(a) as now
), moved_assignment as (
  update app.booking_table_assignments a set start_at = c.start, end_at = c."end"
  from pg_catalog.jsonb_to_recordset(:steps -> 'move_assignment') c (assignment uuid, start timestamptz, "end" timestamptz),
       app.booking_table_assignments w
  where a.id = c.assignment and a.booking_id = :booking and w.id = a.id
  returning pg_catalog.to_jsonb(w) as was, pg_catalog.to_jsonb(a) as now
), bound as (
  insert into app.booking_assignment_idempotency as l (
    booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, expires_at, created_at,
    outcome, assignment_ids
  )
  select :booking, k.key, k.tables, pg_catalog.tstzrange(k.start, k."end", '[)'), k."group", :now + retention.ledger, :now,
         case when s.is_confirm_target then 'confirmed' else 'assigned' end, k.assignments
  from pg_catalog.jsonb_to_recordset(:steps -> 'bind_answer') k (
    key text, tables uuid[], assignments uuid[], start timestamptz, "end" timestamptz, "group" uuid
  )
  join app.bookings b on b.id = :booking
  left join app.holdfast_booking_statuses s on s.status = b.status
  returning pg_catalog.to_jsonb(l) as now
)
--[outbox
, event as (
  select 'capacity.assignment.sync' as event_type, e.dedupe_key || ':' || l.transaction_id::text as dedupe_key,
         e.key, e.payload
  from pg_catalog.jsonb_to_recordset(:steps -> 'emit_event') e (key text, dedupe_key text, payload jsonb)
  join app.booking_assignment_idempotency l on l.booking_id = :booking and l.idempotency_key = e.key
  union all
  select 'capacity.hold.released', h.event ->> 'dedupe_key', null, h.event -> 'payload'
  from pg_catalog.jsonb_to_recordset(:steps -> 'close_hold') h (event jsonb)
  where pg_catalog.jsonb_typeof(h.event) = 'object'
), emitted as (
  insert into app.capacity_outbox as o (
    status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
  )
  select 'pending', e.event_type,
         e.dedupe_key || case when first.told is null then '' else ':' || pg_catalog.pg_current_xact_id()::text end,
         0, :now, b.restaurant_id, :booking, e.key,
         e.payload || pg_catalog.jsonb_build_object(
           'version', greatest((extract(epoch from :now) * 1000000)::bigint, last.version) + e.place
         )
  from (select x.*, pg_catalog.row_number() over () as place from event x) e
  join app.bookings b on b.id = :booking
  left join lateral (
    select true as told from app.capacity_outbox o where o.dedupe_key = e.dedupe_key limit 1
  ) first on true
  cross join lateral (
--< last_version
  ) last
  returning pg_catalog.to_jsonb(o) as now
)
--]
--[basis
, retold as (
  -- Once: a consumer that deletes what it delivered is not told for ever.
  update app.booking_assignment_idempotency l set basis = coalesce(l.basis, '{}') || '{"told_again": true}'
  from pg_catalog.jsonb_to_recordset(:steps -> 'emit_event') e (key text), app.booking_assignment_idempotency w
  where l.booking_id = :booking and l.idempotency_key = e.key
    and w.booking_id = l.booking_id and w.idempotency_key = l.idempotency_key
  returning pg_catalog.to_jsonb(w) as was, pg_catalog.to_jsonb(l) as now
)
--]
select coalesce(
  pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', c.name, 'before', c.was, 'after', c.now)), '[]'
) as changes
from (
  select 'allocations' as name, null::jsonb as was, a.now from allocated a
  union all select 'allocations', m.was, m.now from moved_allocation m
  union all select 'booking_table_assignments', null, s.now from assigned s
  union all select 'booking_table_assignments', m.was, m.now from moved_assignment m
  union all select 'booking_assignment_idempotency', null, b.now from bound b
--[basis
  union all select 'booking_assignment_idempotency', r.was, r.now from retold r
--]
--[outbox
  union all select 'capacity_outbox', null, e.now from emitted e
--]
) c
