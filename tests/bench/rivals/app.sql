-- Frozen, as floor.sql is.
--
-- The steps of a confirm as a service makes them: one statement after another, each with its own way to the server and back.
-- A line of `--;` ends a statement. The client has made every text, hash and JSON value.
begin
--;
select * from public.booking_assignment_idempotency where booking_id = :booking and idempotency_key = :key
--;
select * from public.bookings where id = :booking for no key update
--;
select * from public.table_holds where booking_id = :booking and status = 'active' order by id for no key update
--;
--[hold
select table_id from public.table_hold_members where hold_id = :hold order by table_id
--;
--]
select * from public.table_inventory where id = any (:tables::uuid[]) order by id for no key update
--;
select s.is_confirm_target from public.holdfast_booking_statuses s
join public.holdfast_status_transitions m on m.to_status = s.status and m.from_status = 'pending'
where s.status = 'confirmed'
--;
select al.* from unnest(:tables::uuid[]) t (id) cross join lateral (
  select x.* from public.allocations x
  where x.restaurant_id = :restaurant and x.resource_type = 'table' and x.resource_id = t.id
    and x."window" && tstzrange(:start, :end, '[)') and not x.shadow
  offset 0
) al
--;
select h.* from public.table_holds h
where h.restaurant_id = :restaurant and h.status = 'active' and h.booking_id is distinct from :booking
  and tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)') && tstzrange(:start, :end, '[)')
--;
insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
select :booking, :restaurant, 'table', t.id, tstzrange(:start, :end, '[)') from unnest(:tables::uuid[]) t (id)
--;
--[group
insert into public.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window")
values (:group, :booking, :restaurant, 'merge_group', :group, tstzrange(:start, :end, '[)'))
--;
--]
insert into public.booking_table_assignments (
  booking_id, table_id, assigned_at, idempotency_key, start_at, end_at, merge_group_id, allocation_id
)
select :booking, al.resource_id, :now, :key, :start, :end, :group, al.id
from public.allocations al where al.booking_id = :booking and al.resource_type = 'table'
--;
update public.bookings set status = 'confirmed', updated_at = :now where id = :booking and status = 'pending'
--;
insert into public.booking_state_history (booking_id, from_status, to_status, changed_at, reason, metadata)
values (:booking, 'pending', 'confirmed', :now, :reason, '{}')
--;
--[hold
update public.table_holds set status = 'confirmed', expires_at = least(expires_at, :now) where id = :hold and status = 'active'
--;
delete from public.allocations where booking_id = :booking and resource_type = 'hold' and resource_id = :hold
--;
--]
insert into public.booking_assignment_idempotency (
  booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash, payload_checksum,
  expires_at, created_at, outcome, request, assignment_ids, hold_id, transaction_id, basis
)
select :booking, :key, :tables, tstzrange(:start, :end, '[)'), :group, :table_set_hash, :checksum,
       :now::timestamptz + interval '90 days', :now, 'confirmed', :request,
       array(select a.id from public.booking_table_assignments a where a.booking_id = :booking order by a.table_id),
       :hold, pg_current_xact_id(), :basis
--;
insert into public.booking_confirmation_results (
  booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, metadata, created_at
)
values (:booking, :key, :hold, :restaurant, :tables, tstzrange(:start, :end, '[)'), :metadata, :now)
--;
insert into public.capacity_outbox (
  status, event_type, dedupe_key, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
)
values ('pending', 'capacity.assignment.sync', :sync_key, :now, :restaurant, :booking, :key, :sync_payload)
--[hold
     , ('pending', 'capacity.hold.confirmed', :held_key, :now, :restaurant, :booking, :key, :held_payload)
--]
--;
commit
