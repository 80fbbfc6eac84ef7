-- Frozen: written before anything was made faster, and compared row by row with what holdfast writes. A change here changes
-- what every figure is measured by.
--
-- The floor: one prepared statement that writes the rows of a fresh confirm and checks nothing. The client has made every
-- text, hash and JSON value. `--[hold` brackets what is for a confirm by hold, `--[group` what is for several tables.
with
--[hold
closed as (
  update public.table_holds set status = 'confirmed', expires_at = least(expires_at, :now) where id = :hold
), mirror as (
  delete from public.allocations where booking_id = :booking and resource_type = 'hold' and resource_id = :hold
),
--]
allocated as (
  insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
  select :booking, :restaurant, 'table', t.id, tstzrange(:start, :end, '[)') from unnest(:tables::uuid[]) t (id)
  returning id, resource_id
),
--[group
merged as (
  insert into public.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window")
  values (:group, :booking, :restaurant, 'merge_group', :group, tstzrange(:start, :end, '[)'))
),
--]
assigned as (
  insert into public.booking_table_assignments (
    booking_id, table_id, assigned_at, idempotency_key, start_at, end_at, merge_group_id, allocation_id
  )
  select :booking, al.resource_id, :now, :key, :start, :end, :group, al.id from allocated al
  returning id, table_id
), moved as (
  update public.bookings set status = 'confirmed', updated_at = :now where id = :booking
), recorded as (
  insert into public.booking_state_history (booking_id, from_status, to_status, changed_at, reason, metadata)
  values (:booking, 'pending', 'confirmed', :now, :reason, '{}')
), bound as (
  insert into public.booking_assignment_idempotency (
    booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash, payload_checksum,
    expires_at, created_at, outcome, request, assignment_ids, hold_id, transaction_id, basis
  )
  select :booking, :key, :tables, tstzrange(:start, :end, '[)'), :group, :table_set_hash, :checksum,
         :now::timestamptz + interval '90 days', :now, 'confirmed', :request,
         array(select a.id from assigned a order by a.table_id), :hold, pg_current_xact_id(), :basis
), answered as (
  insert into public.booking_confirmation_results (
    booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, metadata, created_at
  )
  values (:booking, :key, :hold, :restaurant, :tables, tstzrange(:start, :end, '[)'), :metadata, :now)
)
insert into public.capacity_outbox (
  status, event_type, dedupe_key, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
)
values ('pending', 'capacity.assignment.sync', :sync_key, :now, :restaurant, :booking, :key, :sync_payload)
--[hold
     , ('pending', 'capacity.hold.confirmed', :held_key, :now, :restaurant, :booking, :key, :held_payload)
--]
