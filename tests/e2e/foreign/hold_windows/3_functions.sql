-- Its own functions: a body says its own function's name, they call each other with and without a schema, and a hold
-- that ended is deleted.
create function get_or_create_booking_slot(p_restaurant_id uuid, p_date date, p_time time) returns uuid language plpgsql
security definer set search_path to public as $$
declare
  v_slot uuid;
begin
  insert into booking_slots (restaurant_id, slot_date, slot_time) values (p_restaurant_id, p_date, p_time)
  on conflict do nothing returning id into v_slot;
  return coalesce(v_slot, (select s.id from booking_slots s where s.restaurant_id = p_restaurant_id
    and s.slot_date = p_date and s.slot_time = p_time));
end $$;

create function assign_tables_atomic_v2(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text default null, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path to public, extensions as $$
declare
  v_booking bookings%rowtype;
  v_window tstzrange;
  v_group uuid;
  v_allocation uuid;
begin
  select * into v_booking from bookings b where b.id = p_booking_id for update;
  if not found then
    raise exception 'Booking % not found', p_booking_id using errcode = 'P0002';
  end if;
  v_window := tstzrange(coalesce(p_start_at, v_booking.start_at), coalesce(p_end_at, v_booking.end_at), '[)');
  if array_length(p_table_ids, 1) > 1 then
    v_group := gen_random_uuid();
  end if;
  foreach assign_tables_atomic_v2.table_id in array p_table_ids loop
    insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
    values (p_booking_id, v_booking.restaurant_id, 'table', assign_tables_atomic_v2.table_id, v_window, p_assigned_by)
    returning id into v_allocation;
    insert into booking_table_assignments (booking_id, table_id, assigned_by, idempotency_key, start_at, end_at,
      merge_group_id, allocation_id)
    values (p_booking_id, assign_tables_atomic_v2.table_id, p_assigned_by, p_idempotency_key, lower(v_window),
      upper(v_window), v_group, v_allocation);
    assign_tables_atomic_v2.start_at := lower(v_window);
    assign_tables_atomic_v2.end_at := upper(v_window);
    assign_tables_atomic_v2.merge_group_id := v_group;
    return next;
  end loop;
  if p_idempotency_key is not null then
    insert into booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window, table_set_hash)
    values (p_booking_id, p_idempotency_key, p_table_ids, v_window, md5(p_table_ids::text))
    on conflict (booking_id, table_set_hash) do update set idempotency_key = excluded.idempotency_key;
  end if;
  insert into capacity_outbox (event_type, dedupe_key, restaurant_id, booking_id, idempotency_key, payload)
  values ('capacity.assignment.sync', p_booking_id || ':' || lower(v_window) || ':' || upper(v_window),
    v_booking.restaurant_id, p_booking_id, p_idempotency_key,
    jsonb_build_object('tableIds', p_table_ids, 'mergeGroupId', v_group, 'idempotencyKey', p_idempotency_key));
end $$;

create function unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null) returns table (table_id uuid)
language plpgsql security definer set search_path to public as $$
begin
  for unassign_tables_atomic.table_id in
    delete from booking_table_assignments a
    where a.booking_id = p_booking_id and (p_table_ids is null or a.table_id = any (p_table_ids)) returning a.table_id
  loop
    delete from allocations l where l.booking_id = p_booking_id and l.resource_id = unassign_tables_atomic.table_id;
    return next;
  end loop;
end $$;

create function apply_booking_state_transition(
  p_booking_id uuid, p_status booking_status, p_checked_in_at timestamptz, p_checked_out_at timestamptz,
  p_updated_at timestamptz, p_history_from booking_status, p_history_to booking_status, p_history_changed_by uuid,
  p_history_changed_at timestamptz, p_history_reason text, p_history_metadata jsonb default '{}'
) returns table (status booking_status, checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz)
language plpgsql security definer set search_path to public as $$
begin
  update bookings b set status = p_status, checked_in_at = p_checked_in_at, checked_out_at = p_checked_out_at,
    updated_at = coalesce(p_updated_at, now()) where b.id = p_booking_id;
  insert into booking_state_history (booking_id, from_status, to_status, changed_by, changed_at, reason, metadata)
  values (p_booking_id, p_history_from, p_history_to, p_history_changed_by, coalesce(p_history_changed_at, now()),
    p_history_reason, coalesce(p_history_metadata, '{}'));
  return query select b.status, b.checked_in_at, b.checked_out_at, b.updated_at from bookings b where b.id = p_booking_id;
end $$;

create function confirm_hold_assignment_with_transition(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_target_status booking_status default 'confirmed', p_history_changed_by uuid default null,
  p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}'
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path to public as $$
declare
  v_from booking_status := (select b.status from bookings b where b.id = p_booking_id);
begin
  return query select a.table_id, a.start_at, a.end_at, a.merge_group_id from public.assign_tables_atomic_v2(
    p_booking_id, p_table_ids, p_idempotency_key, p_require_adjacency, p_assigned_by, p_start_at, p_end_at) a;
  perform apply_booking_state_transition(p_booking_id, p_target_status, null, null, now(), v_from, p_target_status,
    p_history_changed_by, now(), p_history_reason, p_history_metadata);
end $$;

create function confirm_hold_assignment_tx(
  p_hold_id uuid, p_booking_id uuid, p_idempotency_key text, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_window_start timestamptz default null, p_window_end timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status booking_status default null, p_history_reason text default 'auto_assign_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path to public as $$
declare
  v_hold table_holds%rowtype;
  v_tables uuid[];
begin
  select * into v_hold from table_holds h where h.id = p_hold_id for update;
  if not found then
    raise exception 'Hold % not found', p_hold_id using errcode = 'P0002';
  end if;
  select array_agg(m.table_id order by m.table_id) into v_tables from table_hold_members m where m.hold_id = p_hold_id;
  delete from table_holds h where h.id = p_hold_id;
  perform assign_tables_atomic_v2(p_booking_id, v_tables, p_idempotency_key, p_require_adjacency, p_assigned_by,
    coalesce(p_window_start, v_hold.start_at), coalesce(p_window_end, v_hold.end_at));
  insert into booking_confirmation_results (booking_id, idempotency_key, hold_id, restaurant_id, table_ids,
    assignment_window, actor_id, metadata)
  values (p_booking_id, p_idempotency_key, p_hold_id, v_hold.restaurant_id, v_tables,
    tstzrange(v_hold.start_at, v_hold.end_at, '[)'), p_assigned_by, coalesce(v_hold.metadata, '{}'))
  on conflict do nothing;
  insert into capacity_outbox (event_type, dedupe_key, restaurant_id, booking_id, idempotency_key, payload)
  values ('capacity.hold.confirmed', p_booking_id || ':' || p_hold_id || ':hold.confirmed', v_hold.restaurant_id,
    p_booking_id, p_idempotency_key, jsonb_build_object('holdId', p_hold_id, 'zoneId', v_hold.zone_id,
    'actorId', p_assigned_by, 'expiresAt', v_hold.expires_at, 'metadata', v_hold.metadata));
  if p_target_status is not null then
    perform public.apply_booking_state_transition(p_booking_id, p_target_status, null, null, now(), null,
      p_target_status, p_history_changed_by, now(), p_history_reason, p_history_metadata);
  end if;
  return query select a.id, a.table_id, a.start_at, a.end_at, a.merge_group_id from booking_table_assignments a
    where a.booking_id = p_booking_id order by a.table_id;
end $$;

create function release_hold_and_emit(p_hold_id uuid, p_actor_id uuid default null) returns boolean language plpgsql
security definer set search_path to public as $$
begin
  delete from table_holds h where h.id = p_hold_id and h.expires_at > now();
  return found;
end $$;
