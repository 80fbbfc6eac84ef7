-- Frozen, as floor.sql is.
--
-- PL/pgSQL in the style of the functions that holdfast replaced (docs: F1 to F28): everything a call needs is locked wide, looked
-- up again in each step, written row by row in a loop, through a temporary table, with a block of its own wherever something
-- may go wrong. The rows that stay are those of holdfast.
create function rival.classic_check_table(p_booking public.bookings, p_table_id uuid, p_zone uuid, p_several boolean)
returns uuid language plpgsql set search_path = pg_catalog, public as $$
declare
  t public.table_inventory%rowtype;
begin
  select * into t from table_inventory i where i.id = p_table_id;
  if not found then
    raise exception 'Unable to load all requested tables for booking %', p_booking.id using errcode = 'P0002';
  elsif t.restaurant_id <> p_booking.restaurant_id then
    raise exception 'Table % belongs to a different restaurant', t.id using errcode = '23503';
  elsif t.zone_id is null then
    raise exception 'Table % is not assigned to a zone', t.id using errcode = '23514';
  elsif not t.active then
    raise exception 'Table % is inactive', t.id using errcode = '23514';
  elsif t.zone_id <> coalesce(p_zone, t.zone_id) then
    raise exception 'All tables must belong to the same zone (found %, expected %)', t.zone_id, p_zone using errcode = '23514';
  elsif p_several and t.mobility <> 'movable' then
    raise exception 'Merged assignments require movable tables (% is %)', t.id, t.mobility using errcode = '23514';
  end if;
  return t.zone_id;
end $$;

create function rival.classic_emit(p_type text, p_booking public.bookings, p_key text, p_dedupe text, p_payload jsonb, p_now timestamptz)
returns void language plpgsql set search_path = pg_catalog, public as $$
begin
  insert into capacity_outbox (status, event_type, dedupe_key, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload)
  values ('pending', p_type, p_dedupe, p_now, p_booking.restaurant_id, p_booking.id, p_key,
          p_payload || jsonb_build_object('bookingId', p_booking.id, 'restaurantId', p_booking.restaurant_id, 'idempotencyKey', p_key,
            'version', (extract(epoch from p_now) * 1000000)::bigint + 1));
exception when others then
  null;
end $$;

create function rival.classic_write(
  p_booking public.bookings, p_ids uuid[], p_start timestamptz, p_end timestamptz, p_key text, p_hold uuid, p_now timestamptz
) returns void language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  v_group uuid := case when array_length(p_ids, 1) > 1 then gen_random_uuid() end;
  v_table uuid;
  v_tables text := array_to_string(p_ids, ',');
begin
  create temporary table new_assignments (assignment_id uuid, table_id uuid) on commit drop;
  if v_group is not null then
    insert into allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window")
    values (v_group, p_booking.id, p_booking.restaurant_id, 'merge_group', v_group, tstzrange(p_start, p_end, '[)'));
  end if;
  foreach v_table in array p_ids loop
    begin
      with allocated as (
        insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
        values (p_booking.id, p_booking.restaurant_id, 'table', v_table, tstzrange(p_start, p_end, '[)'))
        returning id
      ), assigned as (
        insert into booking_table_assignments (
          booking_id, table_id, assigned_at, idempotency_key, start_at, end_at, merge_group_id, allocation_id)
        select p_booking.id, v_table, p_now, p_key, p_start, p_end, v_group, id from allocated
        returning id
      ) insert into new_assignments select id, v_table from assigned;
    exception when exclusion_violation then
      raise exception 'allocations_no_overlap' using errcode = 'P0001',
        detail = format('Resource %s overlaps requested window for booking %s', v_table, p_booking.id);
    end;
  end loop;
  insert into booking_assignment_idempotency (
    booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash, payload_checksum,
    expires_at, created_at, outcome, request, assignment_ids, hold_id, transaction_id, basis)
  values (p_booking.id, p_key, p_ids, tstzrange(p_start, p_end, '[)'), v_group,
          encode(sha256(convert_to(v_tables, 'UTF8')), 'hex'),
          encode(sha256(convert_to(format('{"actor":null,"booking":"%s","intent":"confirm","require_adjacency":false,"tables":["%s"],'
            || '"target_status":"confirmed","window":{"end":"%s","start":"%s"}}', p_booking.id, array_to_string(p_ids, '","'),
            rival.zulu(p_end), rival.zulu(p_start)), 'UTF8')), 'hex'),
          p_now + interval '90 days', p_now, 'confirmed', jsonb_build_object('intent', 'confirm', 'target_status', 'confirmed'),
          (select array_agg(n.assignment_id order by n.table_id) from new_assignments n), p_hold, pg_current_xact_id(),
          jsonb_build_object('window', 'derived'));
  drop table new_assignments;
  perform rival.classic_emit('capacity.assignment.sync', p_booking, p_key,
    format('%s:%s:%s:%s', p_booking.id, rival.zulu(p_start), rival.zulu(p_end), v_tables),
    jsonb_build_object('tableIds', p_ids, 'freedTableIds', '[]'::jsonb, 'startAt', rival.zulu(p_start), 'endAt', rival.zulu(p_end),
      'status', 'confirmed', 'mergeGroupId', v_group), p_now);
end $$;

create function rival.classic_check(p_booking public.bookings, p_ids uuid[], p_start timestamptz, p_end timestamptz, p_now timestamptz)
returns uuid language plpgsql set search_path = pg_catalog, public as $$
declare
  v_zone uuid;
  v_table uuid;
  v_hold uuid;
begin
  perform 1 from restaurants r where r.id = p_booking.restaurant_id for update;
  foreach v_table in array p_ids loop
    v_zone := rival.classic_check_table(p_booking, v_table, v_zone, array_length(p_ids, 1) > 1);
  end loop;
  perform pg_advisory_xact_lock(hashtext(v_zone::text), hashtext(date_trunc('hour', p_start)::text));
  if not exists (select 1 from information_schema.columns where table_schema = 'public' and table_name = 'booking_table_assignments'
                 and column_name = 'slot_id') then
    raise exception 'An old schema';
  end if;
  select h.id into v_hold from table_holds h join table_hold_members m on m.hold_id = h.id
  where h.restaurant_id = p_booking.restaurant_id and h.status = 'active' and m.table_id = any (p_ids)
    and h.booking_id is distinct from p_booking.id and h.expires_at > p_now
    and tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)') && tstzrange(p_start, p_end, '[)') limit 1;
  if v_hold is not null then
    raise exception 'Hold conflict prevents assignment for booking %', p_booking.id using errcode = 'P0001',
      detail = format('Hold %s overlaps requested window', v_hold);
  end if;
  return v_zone;
end $$;
