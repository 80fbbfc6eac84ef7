-- Frozen, as floor.sql is. The third part of best.sql: the call itself.

-- What is written, when every check is passed; the ids of the assignments, by table.
create function rival.best_write(
  p_booking public.bookings, p_hold public.table_holds, p_ids uuid[], p_zone uuid, p_key text, p_adjacency boolean, p_start timestamptz,
  p_end timestamptz, p_target public.booking_status, p_reason text, p_metadata jsonb, p_group uuid, p_now timestamptz,
  p_version bigint, p_dedupe text, p_basis text
) returns uuid[] language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_window tstzrange := tstzrange(p_start, p_end, '[)');
  v_tables text := '["' || array_to_string(p_ids, '","') || '"]';
  v_times text := format('"startAt":"%s","endAt":"%s"', rival.zulu(p_start), rival.zulu(p_end));
  v_call text := format('"bookingId":"%s","restaurantId":"%s","tableIds":%s,"idempotencyKey":%s', p_booking.id,
    p_booking.restaurant_id, v_tables, coalesce(to_json(p_key)::text, 'null'));
  v_assignments uuid[];
begin
  with allocated as (
    insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
    select p_booking.id, p_booking.restaurant_id, 'table', t.id, v_window from unnest(p_ids) t (id)
    returning id, resource_id
  ), assigned as (
    insert into public.booking_table_assignments (
      booking_id, table_id, assigned_at, idempotency_key, start_at, end_at, merge_group_id, allocation_id)
    select p_booking.id, al.resource_id, p_now, p_key, p_start, p_end, p_group, al.id from allocated al
    returning id, table_id
  ) select array_agg(a.id order by a.table_id) into v_assignments from assigned a;
  if p_group is not null then
    insert into public.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window")
    values (p_group, p_booking.id, p_booking.restaurant_id, 'merge_group', p_group, v_window);
  end if;
  update public.bookings set status = p_target, updated_at = p_now where id = p_booking.id;
  insert into public.booking_state_history (booking_id, from_status, to_status, changed_at, reason, metadata)
  values (p_booking.id, p_booking.status, p_target, p_now, p_reason, p_metadata);
  if p_key is not null then
    insert into public.booking_assignment_idempotency (
      booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash, payload_checksum,
      expires_at, created_at, outcome, request, assignment_ids, hold_id, transaction_id, basis)
    values (p_booking.id, p_key, p_ids, v_window, p_group,
            encode(sha256(convert_to(array_to_string(p_ids, ','), 'UTF8')), 'hex'),
            encode(sha256(convert_to(format('{"actor":null,"booking":"%s","intent":"confirm","require_adjacency":%s,"tables":%s,'
              || '"target_status":"%s","window":{"end":"%s","start":"%s"}}', p_booking.id,
              case when p_adjacency then 'true' else 'false' end, v_tables,
              p_target, rival.zulu(p_end), rival.zulu(p_start)), 'UTF8')), 'hex'),
            p_now + interval '90 days', p_now, 'confirmed',
            format(case when p_adjacency then '{"intent":"confirm","target_status":"%s","require_adjacency":true}'
              else '{"intent":"confirm","target_status":"%s"}' end, p_target)::jsonb,
            v_assignments, p_hold.id, pg_current_xact_id(), p_basis::jsonb);
    insert into public.booking_confirmation_results (
      booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, metadata, created_at)
    values (p_booking.id, p_key, p_hold.id, p_booking.restaurant_id, p_ids, v_window, coalesce(p_hold.metadata, '{}'), p_now);
  end if;
  insert into public.capacity_outbox (
    status, event_type, dedupe_key, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload)
  values ('pending', 'capacity.assignment.sync', p_dedupe, p_now, p_booking.restaurant_id, p_booking.id, p_key,
          format('{%s,%s,"status":"%s","mergeGroupId":%s,"freedTableIds":[],"version":%s}', v_call, v_times, p_target,
            coalesce('"' || p_group || '"', 'null'), p_version + 1)::jsonb);
  if p_hold.id is not null then
    insert into public.capacity_outbox (
      status, event_type, dedupe_key, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload)
    values ('pending', 'capacity.hold.confirmed', p_booking.id || ':' || p_hold.id || ':hold.confirmed', p_now,
            p_booking.restaurant_id, p_booking.id, p_key,
            format('{%s,%s,"holdId":"%s","zoneId":"%s","actorId":null,"expiresAt":%s,"metadata":%s,"version":%s}', v_call, v_times,
              p_hold.id, p_zone, '"' || trim(both '"' from to_json(p_hold.expires_at at time zone 'UTC')::text) || 'Z"',
              coalesce(p_hold.metadata, '{}'), p_version + 2)::jsonb);
  end if;
  if p_now >= p_start and p_now < p_end then
    perform rival.best_refresh(p_ids);
  end if;
  return v_assignments;
end $$;

create function rival.best_confirm(
  p_booking_id uuid, p_hold_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency boolean default false,
  p_start_at timestamptz default null, p_end_at timestamptz default null, p_target_status public.booking_status default 'confirmed',
  p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}'
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  b public.bookings;
  h public.table_holds;
  v_entry public.booking_assignment_idempotency;
  v_ids uuid[];
  v_own uuid[];
  v_seen rival.best_tables;
  v_look rival.best_look;
  v_now timestamptz;
  v_start timestamptz;
  v_end timestamptz;
  v_dedupe text;
  v_group uuid;
begin
  v_ids := case when cardinality(p_table_ids) = 1 then p_table_ids
    else array(select distinct t.id from unnest(p_table_ids) t (id) order by 1) end;
  for v_try in 1..2 loop
    select * into v_entry from public.booking_assignment_idempotency l
    where l.booking_id = p_booking_id and l.idempotency_key = p_idempotency_key;
    if found then
      return query select * from rival.best_replay(v_entry, p_booking_id, p_hold_id, v_ids, p_require_adjacency, p_target_status); return;
    end if;
    exit when v_try = 2;
    perform pg_advisory_xact_lock(hashtextextended(p_booking_id || ':' || p_idempotency_key, 0));
    select * into b from public.bookings x where x.id = p_booking_id for no key update;
    if not found then
      raise exception 'Booking % not found', p_booking_id using errcode = 'P0002';
    end if;
  end loop;
  v_own := array(select o.id from (select x.id from public.table_holds x where x.booking_id = p_booking_id and x.status = 'active'
    order by x.id for no key update) o);
  if p_hold_id is not null then
    select * into h from public.table_holds x where x.id = p_hold_id for no key update;
    v_ids := array(select m.table_id from public.table_hold_members m where m.hold_id = p_hold_id order by m.table_id);
    v_own := case when h.id = any (v_own) then v_own else v_own || h.id end;
  end if;
  v_seen := rival.best_tables(b, v_ids);
  v_now := clock_timestamp();
  v_start := coalesce(p_start_at, h.start_at, b.start_at);
  v_end := coalesce(p_end_at, h.end_at, b.end_at);
  v_dedupe := p_booking_id || ':' || rival.zulu(v_start) || ':' || rival.zulu(v_end) || ':' || array_to_string(v_ids, ',');
  v_look := rival.best_look(b, v_ids, v_start, v_end, p_target_status, v_own, v_now, v_dedupe);
  if not v_look.moves or v_seen.found <> cardinality(v_ids) or not v_seen.usable or v_seen.zone is distinct from v_seen.other_zone
     or v_seen.zone is null or v_look.enforce_min or b.party_size > v_seen.seats + v_look.extra_seats
     or b.assigned_zone_id::text <> v_seen.zone or p_require_adjacency and cardinality(v_ids) > 1
     or v_look.hold_in_way is not null or v_look.table_in_way is not null or p_hold_id is not null and (h.id is null
     or h.booking_id is distinct from p_booking_id or h.status <> 'active' or h.expires_at <= v_now or v_ids = '{}') then
    perform rival.best_refuse(b, p_hold_id, h, v_ids, v_start, v_end, p_target_status, p_require_adjacency, v_now, v_look);
  end if;
  if v_look.has_tables then
    perform rival.best_clear(p_booking_id);
  end if;
  if v_own <> '{}' then
    perform rival.best_close(p_booking_id, v_own, h.id, v_now);
  end if;
  v_group := case when cardinality(v_ids) > 1 then gen_random_uuid() end;
  v_dedupe := case when v_look.told then v_dedupe || ':' || pg_current_xact_id() else v_dedupe end;
  return query select a.id, a.table_id, v_start, v_end, v_group from unnest(rival.best_write(b, h, v_ids, v_seen.zone::uuid,
    p_idempotency_key, p_require_adjacency, v_start, v_end, p_target_status, p_history_reason, p_history_metadata, v_group, v_now,
    greatest((extract(epoch from v_now) * 1000000)::bigint, v_look.version), v_dedupe,
    case when p_start_at is null then '{"window":"derived"}' else '{"window":"given"}' end), v_ids) a (id, table_id);
end $$;
