-- Confirm, transition, release: written when the worker was still the only caller.
create function move_booking(
  p_booking_id uuid, p_target booking_status, p_changed_by uuid, p_reason text, p_metadata jsonb
) returns void language plpgsql as $$
declare
  v_from booking_status;
begin
  select status into v_from from bookings where id = p_booking_id;
  update bookings set status = p_target, checked_in_at = null, checked_out_at = null, updated_at = timezone('utc', now())
  where id = p_booking_id;
  insert into booking_state_history (booking_id, from_status, to_status, changed_by, changed_at, reason, metadata)
  values (p_booking_id, v_from, p_target, p_changed_by, timezone('utc', now()), p_reason, p_metadata);
end $$;

create function confirm_hold_assignment_with_transition(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_target_status booking_status default 'confirmed', p_history_changed_by uuid default null,
  p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}'
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer as $$
begin
  return query select a.table_id, a.start_at, a.end_at, a.merge_group_id from assign_tables_atomic_v2(
    p_booking_id, p_table_ids, p_idempotency_key, p_require_adjacency, p_assigned_by, p_start_at, p_end_at) a;
  perform move_booking(p_booking_id, p_target_status, p_history_changed_by, p_history_reason, p_history_metadata);
end $$;

create function confirm_hold_assignment_tx(
  p_hold_id uuid, p_booking_id uuid, p_idempotency_key text, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_window_start timestamptz default null, p_window_end timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status booking_status default null, p_history_reason text default 'auto_assign_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer as $$
declare
  v_now timestamptz := timezone('utc', now());
  v_hold table_holds%rowtype;
  v_ids uuid[];
begin
  select * into v_hold from table_holds h where h.id = p_hold_id for update;
  if not found then
    raise exception 'Hold % not found', p_hold_id using errcode = 'P0002';
  elsif v_hold.booking_id is not null and v_hold.booking_id <> p_booking_id then
    raise exception 'Hold % belongs to booking % (expected %)', p_hold_id, v_hold.booking_id, p_booking_id using errcode = 'P0001';
  elsif v_hold.expires_at <= v_now then
    raise exception 'Hold % expired at %', p_hold_id, v_hold.expires_at using errcode = 'P0001';
  elsif p_expected_policy_version <> v_hold.metadata ->> 'policyVersion' then
    raise exception 'Policy version changed (hold %, expected %, actual %)', p_hold_id, p_expected_policy_version,
      v_hold.metadata ->> 'policyVersion' using errcode = 'P0003';
  elsif p_expected_adjacency_hash <> v_hold.metadata #>> '{selection,snapshot,adjacency,hash}' then
    raise exception 'Adjacency snapshot changed for hold %', p_hold_id using errcode = 'P0003';
  end if;
  select array_agg(m.table_id order by m.table_id) into v_ids from table_hold_members m where m.hold_id = p_hold_id;
  if v_ids is null then
    raise exception 'Hold % has no table members', p_hold_id using errcode = 'P0001';
  end if;
  perform assign_tables_atomic_v2(p_booking_id, v_ids, p_idempotency_key, p_require_adjacency, p_assigned_by,
    coalesce(p_window_start, v_hold.start_at), coalesce(p_window_end, v_hold.end_at));
  if p_target_status is not null then
    perform move_booking(p_booking_id, p_target_status, p_history_changed_by, p_history_reason, p_history_metadata);
  end if;
  perform keep_confirmation_result(v_hold, p_booking_id, p_idempotency_key, v_ids, p_assigned_by);
  delete from allocations al where al.resource_type = 'hold' and al.resource_id = p_hold_id;
  delete from table_holds h where h.id = p_hold_id;
  return query select a.id, a.table_id, a.start_at, a.end_at, a.merge_group_id from booking_table_assignments a
    where a.booking_id = p_booking_id and a.table_id = any (v_ids) order by a.table_id;
end $$;

create function keep_confirmation_result(p_hold table_holds, p_booking_id uuid, p_key text, p_table_ids uuid[], p_actor uuid)
returns void language plpgsql as $$
begin
  insert into booking_confirmation_results (
    booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, actor_id, metadata)
  values (p_booking_id, p_key, p_hold.id, p_hold.restaurant_id, p_table_ids,
          tstzrange(p_hold.start_at, p_hold.end_at, '[)'), p_actor, p_hold.metadata)
  on conflict (booking_id, idempotency_key) do nothing;
exception when undefined_table then
  null; -- Not every environment has the table yet.
end $$;

create function apply_booking_state_transition(
  p_booking_id uuid, p_status booking_status, p_checked_in_at timestamptz, p_checked_out_at timestamptz,
  p_updated_at timestamptz, p_history_from booking_status, p_history_to booking_status, p_history_changed_by uuid,
  p_history_changed_at timestamptz, p_history_reason text, p_history_metadata jsonb default '{}'
) returns table (status booking_status, checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz)
language plpgsql security definer as $$
declare
  v_current booking_status;
begin
  return query update bookings b
    set status = p_status, checked_in_at = p_checked_in_at, checked_out_at = p_checked_out_at, updated_at = p_updated_at
    where b.id = p_booking_id and b.status = p_history_from
    returning b.status, b.checked_in_at, b.checked_out_at, b.updated_at;
  if not found then
    select status into v_current from bookings where id = p_booking_id;
    raise exception 'booking_state_conflict' using errcode = 'P0004',
      detail = format('Current status %s does not match expected %s', v_current, p_history_from);
  end if;
  insert into booking_state_history (booking_id, from_status, to_status, changed_by, changed_at, reason, metadata)
  values (p_booking_id, p_history_from, p_history_to, p_history_changed_by, p_history_changed_at, p_history_reason,
          p_history_metadata);
end $$;

create function release_hold_and_emit(p_hold_id uuid, p_actor_id uuid default null) returns boolean
language plpgsql security definer as $$
declare
  v_hold table_holds%rowtype;
begin
  delete from allocations al where al.resource_type = 'hold' and al.resource_id = p_hold_id;
  delete from table_holds h where h.id = p_hold_id and h.status = 'active' returning * into v_hold;
  if v_hold.id is null then
    return false;
  end if;
  begin
    insert into capacity_outbox (event_type, dedupe_key, restaurant_id, booking_id, payload)
    values ('capacity.hold.released', format('%s:%s:hold.released', v_hold.booking_id, p_hold_id), v_hold.restaurant_id,
            v_hold.booking_id, jsonb_build_object('holdId', p_hold_id, 'actorId', p_actor_id));
  exception when others then
    null;
  end;
  return true;
end $$;

-- The same name with another type: a call that names only the hold is ambiguous.
create function release_hold_and_emit(p_hold_id uuid, p_actor_id text default null) returns boolean
language sql security definer as $$
  select release_hold_and_emit(p_hold_id, p_actor_id::uuid)
$$;

comment on function confirm_hold_assignment_tx is 'Confirms a hold. Ask Maria before touching this.';
