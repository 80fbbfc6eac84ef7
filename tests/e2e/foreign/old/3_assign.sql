-- Assign and unassign, as this application has had them since its first year.
create function get_or_create_booking_slot(p_restaurant_id uuid, p_date date, p_time time) returns uuid
language plpgsql as $$
declare
  v_id uuid;
begin
  insert into booking_slots (restaurant_id, slot_date, slot_time) values (p_restaurant_id, p_date, p_time)
  on conflict (restaurant_id, slot_date, slot_time) do update set version = booking_slots.version + 1
  returning id into v_id;
  return v_id;
end $$;

create function are_tables_connected(p_table_ids uuid[]) returns boolean language sql stable as $$
  -- Each table has a neighbour in the set.
  select bool_and(exists (
    select 1 from table_adjacencies e where (e.table_a = t.id and e.table_b = any (p_table_ids))
       or (e.table_b = t.id and e.table_a = any (p_table_ids)))) from unnest(p_table_ids) t (id)
$$;

create function check_before_assign(p_booking bookings, p_table_ids uuid[], p_adjacency boolean) returns void
language plpgsql as $$
declare
  v_table table_inventory%rowtype;
  v_zone uuid;
begin
  foreach v_table.id in array p_table_ids loop
    select * into v_table from table_inventory t where t.id = v_table.id;
    if not found then
      raise exception 'Unable to load all requested tables for booking %', p_booking.id using errcode = 'P0002';
    elsif v_table.restaurant_id <> p_booking.restaurant_id then
      raise exception 'Table % belongs to a different restaurant', v_table.id using errcode = '23503';
    elsif v_table.zone_id is null then
      raise exception 'Table % is not assigned to a zone', v_table.id using errcode = '23514';
    elsif not v_table.active then
      raise exception 'Table % is inactive', v_table.id using errcode = '23514';
    elsif v_table.zone_id <> coalesce(v_zone, v_table.zone_id) then
      raise exception 'All tables must belong to the same zone (found %, expected %)', v_table.zone_id, v_zone
        using errcode = '23514';
    elsif array_length(p_table_ids, 1) > 1 and v_table.mobility <> 'movable' then
      raise exception 'Merged assignments require movable tables (% is %)', v_table.id, v_table.mobility
        using errcode = '23514';
    end if;
    v_zone := v_table.zone_id;
  end loop;
  if p_adjacency and array_length(p_table_ids, 1) > 1 and not are_tables_connected(p_table_ids) then
    raise exception 'Table % is not adjacent to the selected set', p_table_ids[1] using errcode = '23514';
  end if;
  perform pg_advisory_xact_lock(hashtext(v_zone::text), extract(epoch from date_trunc('hour', p_booking.start_at))::integer);
end $$;

create function check_holds_and_covers(p_booking bookings, p_table_ids uuid[], p_window tstzrange) returns void
language plpgsql as $$
declare
  v_now timestamptz := timezone('utc', now());
  v_hold uuid;
  v_max integer;
begin
  select h.id into v_hold from table_holds h join table_hold_members m on m.hold_id = h.id
  where m.table_id = any (p_table_ids) and h.booking_id is distinct from p_booking.id and h.expires_at > v_now
    and tstzrange(h.start_at, h.end_at, '[)') && p_window limit 1;
  if v_hold is not null then
    raise exception using errcode = 'P0001',
      message = format('Hold conflict prevents assignment for booking %', p_booking.id),
      detail = format('Hold %s overlaps requested window', v_hold),
      hint = 'Retry after hold expiration or confirm existing hold.';
  end if;
  select max_covers into v_max from restaurants where id = p_booking.restaurant_id for update;
  if coalesce(current_setting('app.skip_capacity_check', true), 'off') <> 'on' and v_max < p_booking.party_size + coalesce((
    select sum(b.party_size) from bookings b where b.restaurant_id = p_booking.restaurant_id and b.id <> p_booking.id
    and b.status = 'confirmed' and tstzrange(b.start_at, b.end_at, '[)') && p_window), 0) then
    raise exception 'Restaurant % is full', p_booking.restaurant_id using errcode = '23514';
  end if;
end $$;

create function assign_tables_atomic_v2(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text default null, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer as $$
declare
  v_booking bookings%rowtype;
  v_ids uuid[];
  v_window tstzrange;
  v_hash text;
  v_ledger booking_assignment_idempotency%rowtype;
  v_group uuid;
begin
  select * into v_booking from bookings b where b.id = p_booking_id for update;
  if not found then
    raise exception 'Booking % not found', p_booking_id using errcode = 'P0002';
  end if;
  if p_table_ids is null then
    raise exception 'assign_tables_atomic_v2 requires at least one table id' using errcode = '23514';
  end if;
  select array_agg(distinct t.id order by t.id) into v_ids from unnest(p_table_ids) t (id);
  v_booking := fill_booking_window(v_booking);
  v_window := tstzrange(coalesce(p_start_at, v_booking.start_at), coalesce(p_end_at, v_booking.end_at), '[)');
  v_hash := encode(digest(array_to_string(v_ids, ','), 'sha256'), 'hex');
  if p_idempotency_key is not null then
    select * into v_ledger from booking_assignment_idempotency l
    where l.booking_id = p_booking_id and l.idempotency_key = p_idempotency_key;
    if found and v_ledger.table_set_hash <> v_hash then
      raise exception 'assign_tables_atomic_v2 idempotency mismatch for booking %', p_booking_id
        using errcode = 'P0003', detail = 'Idempotency key reuse detected with a different table set';
    elsif found then
      return query select a.table_id, a.start_at, a.end_at, a.merge_group_id from booking_table_assignments a
        where a.booking_id = p_booking_id and a.table_id = any (v_ledger.table_ids) order by a.table_id;
      if not found then
        raise exception 'assign_tables_atomic_v2 returned no assignments for booking %', p_booking_id using errcode = 'P0003';
      end if;
      return;
    end if;
  end if;
  perform check_before_assign(v_booking, v_ids, p_require_adjacency);
  perform check_holds_and_covers(v_booking, v_ids, v_window);
  v_group := write_assignments(v_booking, v_ids, v_window, p_idempotency_key, p_assigned_by, v_hash);
  return query select a.table_id, a.start_at, a.end_at, a.merge_group_id from booking_table_assignments a
    where a.booking_id = p_booking_id and a.table_id = any (v_ids) order by a.table_id;
end $$;

create function fill_booking_window(p_booking bookings) returns bookings language plpgsql as $$
declare
  v_zone text;
begin
  select timezone into v_zone from restaurants where id = p_booking.restaurant_id;
  p_booking.start_at := coalesce(p_booking.start_at, (p_booking.booking_date + p_booking.start_time) at time zone v_zone);
  p_booking.end_at := coalesce(p_booking.end_at, (p_booking.booking_date + p_booking.end_time) at time zone v_zone);
  if p_booking.start_at is null or p_booking.end_at is null then
    raise exception 'Booking % missing start/end window', p_booking.id using errcode = '22000';
  end if;
  return p_booking;
end $$;
