-- What assign writes: through a temporary table, with a savepoint for everything that may go wrong.
create function write_assignments(
  p_booking bookings, p_table_ids uuid[], p_window tstzrange, p_key text, p_actor uuid, p_hash text
) returns uuid language plpgsql as $$
declare
  v_group uuid := case when array_length(p_table_ids, 1) > 1 then gen_random_uuid() end;
  v_slot uuid;
  v_table uuid;
  v_constraint text;
begin
  create temporary table new_allocations (table_id uuid, allocation_id uuid) on commit drop;
  if exists (select 1 from information_schema.columns where table_name = 'booking_table_assignments' and column_name = 'slot_id')
     and p_booking.booking_date is not null then
    v_slot := get_or_create_booking_slot(p_booking.restaurant_id, p_booking.booking_date, p_booking.start_time);
  end if;
  foreach v_table in array p_table_ids loop
    begin
      with allocated as (
        insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
        values (p_booking.id, p_booking.restaurant_id, 'table', v_table, p_window, p_actor)
        on conflict (booking_id, resource_type, resource_id) do update set "window" = excluded."window"
        returning id
      ) insert into new_allocations select v_table, id from allocated;
    exception when exclusion_violation then
      raise exception 'allocations_no_overlap' using errcode = 'P0001',
        detail = format('Resource %s overlaps requested window for booking %s', v_table, p_booking.id);
    end;
  end loop;
  if v_group is not null then
    insert into allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
    values (v_group, p_booking.id, p_booking.restaurant_id, 'merge_group', v_group, p_window, p_actor);
  end if;
  begin
    insert into booking_table_assignments (
      booking_id, table_id, slot_id, assigned_at, assigned_by, idempotency_key, start_at, end_at, merge_group_id, allocation_id)
    select p_booking.id, n.table_id, v_slot, timezone('utc', now()), p_actor, p_key, lower(p_window), upper(p_window),
           v_group, n.allocation_id from new_allocations n order by n.table_id;
  exception when exclusion_violation then
    get stacked diagnostics v_constraint = constraint_name;
    raise exception 'assign_tables_atomic_v2 assignment overlap for table %', p_table_ids[1]
      using errcode = 'P0001', detail = format('booking %s, window %s (%s)', p_booking.id, p_window, v_constraint);
  end;
  if p_key is not null then
    insert into booking_assignment_idempotency (
      booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash)
    values (p_booking.id, p_key, p_table_ids, p_window, v_group, p_hash);
  end if;
  perform emit_capacity_event('capacity.assignment.sync', p_booking, p_key, format('%s:%s:%s:%s', p_booking.id,
    lower(p_window), upper(p_window), array_to_string(p_table_ids, ',')), jsonb_build_object('tableIds', p_table_ids));
  drop table new_allocations;
  return v_group;
end $$;

create function emit_capacity_event(p_type text, p_booking bookings, p_key text, p_dedupe text, p_payload jsonb)
returns void language plpgsql as $$
begin
  insert into capacity_outbox (event_type, dedupe_key, restaurant_id, booking_id, idempotency_key, payload)
  values (p_type, p_dedupe, p_booking.restaurant_id, p_booking.id, p_key, p_payload) on conflict (dedupe_key) do nothing;
exception when others then
  null; -- Events are best effort.
end $$;

-- An older form, which somebody may still call by position.
create function assign_tables_atomic_v2(booking uuid, tables uuid[], actor uuid) returns setof uuid
language sql security definer as $$
  select a.table_id from assign_tables_atomic_v2(booking, tables, null::text, false, actor) a
$$;

create function assign_single_table(
  p_booking_id uuid, p_table_id uuid, p_assigned_by uuid default null, p_idempotency_key text default null
) returns void language plpgsql security definer as $$
begin
  perform assign_tables_atomic_v2(p_booking_id, array[p_table_id], p_idempotency_key, false, p_assigned_by);
end $$;

create function assign_merged_tables(
  p_booking_id uuid, p_table_ids uuid[], p_require_adjacency boolean default true,
  p_assigned_by uuid default null, p_idempotency_key text default null
) returns void language plpgsql security definer as $$
begin
  perform assign_tables_atomic_v2(p_booking_id, p_table_ids, p_idempotency_key, p_require_adjacency, p_assigned_by);
exception when others then
  -- Leave no half of a merge behind.
  perform unassign_tables_atomic(p_booking_id);
  insert into observability_events (source, event_type, severity, context, booking_id)
  values ('assign_merged_tables', 'assignment.failed', 'error', jsonb_build_object('error', sqlerrm), p_booking_id);
end $$;

create function unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null)
returns table (table_id uuid) language plpgsql security definer as $$
begin
  perform 1 from bookings b where b.id = p_booking_id for update;
  if not found then
    raise exception 'Booking % not found', p_booking_id using errcode = 'P0002';
  end if;
  return query delete from booking_table_assignments a
    where a.booking_id = p_booking_id and (p_table_ids is null or a.table_id = any (p_table_ids)) returning a.table_id;
  delete from allocations al where al.booking_id = p_booking_id and al.resource_type <> 'hold'
    and (p_table_ids is null or al.resource_id = any (p_table_ids));
end $$;
