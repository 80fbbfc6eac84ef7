-- Frozen, as floor.sql is. The second part of classic.sql: the calls.
create function rival.classic_move(p_booking_id uuid, p_reason text, p_now timestamptz) returns void
language plpgsql set search_path = pg_catalog, public as $$
declare
  v_from booking_status;
begin
  select status into v_from from bookings where id = p_booking_id;
  update bookings set status = 'confirmed', updated_at = p_now where id = p_booking_id;
  insert into booking_state_history (booking_id, from_status, to_status, changed_at, reason, metadata)
  values (p_booking_id, v_from, 'confirmed', p_now, p_reason, '{}');
end $$;

create function rival.classic_confirm(
  p_booking_id uuid, p_hold_id uuid, p_table_ids uuid[], p_idempotency_key text, p_history_reason text
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path = pg_catalog, public as $$
#variable_conflict use_column
declare
  v_now timestamptz := now();
  v_booking bookings%rowtype;
  v_hold table_holds%rowtype;
  v_ids uuid[];
  v_ledger booking_assignment_idempotency%rowtype;
  v_zone uuid;
begin
  if p_hold_id is not null then
    select * into v_hold from table_holds h where h.id = p_hold_id for update;
    if not found then
      raise exception 'Hold % not found', p_hold_id using errcode = 'P0002';
    elsif v_hold.booking_id <> p_booking_id then
      raise exception 'Hold % belongs to booking % (expected %)', p_hold_id, v_hold.booking_id, p_booking_id using errcode = 'P0001';
    elsif v_hold.expires_at <= v_now then
      raise exception 'Hold % expired at %', p_hold_id, v_hold.expires_at using errcode = 'P0001';
    end if;
    select array_agg(m.table_id order by m.table_id) into p_table_ids from table_hold_members m where m.hold_id = p_hold_id;
  end if;
  select * into v_booking from bookings b where b.id = p_booking_id for update;
  if not found then
    raise exception 'Booking % not found', p_booking_id using errcode = 'P0002';
  end if;
  select array_agg(distinct t.id order by t.id) into v_ids from unnest(p_table_ids) t (id);
  select * into v_ledger from booking_assignment_idempotency l
  where l.booking_id = p_booking_id and l.idempotency_key = p_idempotency_key;
  if found then
    return query select a.table_id, a.start_at, a.end_at, a.merge_group_id from booking_table_assignments a
      where a.booking_id = p_booking_id and a.table_id = any (v_ledger.table_ids) order by a.table_id;
    return;
  end if;
  v_zone := rival.classic_check(v_booking, v_ids, v_booking.start_at, v_booking.end_at, v_now);
  perform rival.classic_write(v_booking, v_ids, v_booking.start_at, v_booking.end_at, p_idempotency_key, p_hold_id, v_now);
  perform rival.classic_move(p_booking_id, p_history_reason, v_now);
  begin
    insert into booking_confirmation_results (
      booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, metadata, created_at)
    values (p_booking_id, p_idempotency_key, p_hold_id, v_booking.restaurant_id, v_ids,
            tstzrange(v_booking.start_at, v_booking.end_at, '[)'), coalesce(v_hold.metadata, '{}'), v_now)
    on conflict (booking_id, idempotency_key) do nothing;
  exception when undefined_table then
    null;
  end;
  if p_hold_id is not null then
    delete from allocations al where al.booking_id = p_booking_id and al.resource_type = 'hold' and al.resource_id = p_hold_id;
    update table_holds h set status = 'confirmed', expires_at = least(h.expires_at, v_now) where h.id = p_hold_id;
    perform rival.classic_emit('capacity.hold.confirmed', v_booking, p_idempotency_key,
      format('%s:%s:hold.confirmed', p_booking_id, p_hold_id),
      jsonb_build_object('holdId', p_hold_id, 'zoneId', v_zone, 'actorId', null, 'tableIds', v_ids, 'metadata', v_hold.metadata,
        'startAt', rival.zulu(v_booking.start_at), 'endAt', rival.zulu(v_booking.end_at),
        'expiresAt', to_json(v_hold.expires_at at time zone 'UTC') #>> '{}' || 'Z'), v_now);
  end if;
  return query select a.table_id, a.start_at, a.end_at, a.merge_group_id from booking_table_assignments a
    where a.booking_id = p_booking_id and a.table_id = any (v_ids) order by a.table_id;
end $$;
