-- Frozen, as floor.sql is.
--
-- The best PL/pgSQL we can write: set-based, no temporary table, no loop, no subtransaction, the same locks in the same order, the
-- same checks and the same answers as holdfast for an automatic call (nobody in p_assigned_by), and the same rows. What is
-- rare has a function of its own, so that a usual call does not pay for it.
create schema if not exists rival;

-- How instants are written in events and in what is hashed.
create function rival.zulu(timestamptz) returns text language sql stable
return to_char($1 at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');

-- What the tables of a call are refused for, in words; the first that is found.
create function rival.best_refuse_tables(p_booking public.bookings, p_ids uuid[], p_extra_seats integer, p_enforce_min boolean)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  t public.table_inventory;
  v_zone uuid;
  v_seats integer := 0;
begin
  if (select count(*) from public.table_inventory i where i.id = any (p_ids)) <> cardinality(p_ids) then
    raise exception 'Unable to load all requested tables for booking %', p_booking.id using errcode = 'P0002';
  end if;
  for t in select * from public.table_inventory i where i.id = any (p_ids) order by i.id loop
    if t.restaurant_id <> p_booking.restaurant_id then
      raise exception 'Table % belongs to a different restaurant', t.id using errcode = '23503';
    elsif t.zone_id is null then
      raise exception 'Table % is not assigned to a zone', t.id using errcode = '23514';
    elsif not t.active then
      raise exception 'Table % is inactive', t.id using errcode = '23514';
    elsif t.status = 'out_of_service' then
      raise exception 'Table % is out of service', t.id using errcode = '23514';
    elsif v_zone <> t.zone_id then
      raise exception 'All tables must belong to the same zone (found %, expected %)', t.zone_id, v_zone using errcode = '23514';
    elsif p_booking.assigned_zone_id <> t.zone_id then
      raise exception 'Booking % locked to zone %, cannot assign zone %', p_booking.id, p_booking.assigned_zone_id, t.zone_id
        using errcode = '23514';
    elsif cardinality(p_ids) > 1 and t.mobility <> 'movable' then
      raise exception 'Merged assignments require movable tables (% is %)', t.id, t.mobility using errcode = '23514';
    elsif p_enforce_min and p_booking.party_size < t.min_party_size then
      raise exception 'Party of % is too small for table %', p_booking.party_size, t.id using errcode = '23514';
    end if;
    v_zone := t.zone_id;
    v_seats := v_seats + least(t.capacity, coalesce(t.max_party_size, t.capacity));
  end loop;
  if p_booking.party_size > v_seats + p_extra_seats then
    raise exception 'Party of % of booking % exceeds the capacity of its tables', p_booking.party_size, p_booking.id using errcode = '23514';
  end if;
end $$;

-- Tables that are not joined to the first through others of the set.
create function rival.best_refuse_apart(p_ids uuid[]) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_apart uuid;
begin
  with recursive reached (id) as (
    select p_ids[1]
    union
    select case when e.table_a = r.id then e.table_b else e.table_a end
    from reached r join public.table_adjacencies e on r.id in (e.table_a, e.table_b)
    where e.table_a = any (p_ids) and e.table_b = any (p_ids)
  )
  select t.id into v_apart from unnest(p_ids) t (id) where t.id not in (select r.id from reached r) order by 1 limit 1;
  if v_apart is not null then
    raise exception 'Table % is not adjacent to the selected set', v_apart using errcode = '23514';
  end if;
end $$;

-- What a hold is refused for; the first that is found.
create function rival.best_refuse_hold(p_hold public.table_holds, p_hold_id uuid, p_booking_id uuid, p_ids uuid[], p_now timestamptz)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_hold.id is null then
    raise exception 'Hold % not found', p_hold_id using errcode = 'P0002';
  elsif p_hold.booking_id <> p_booking_id then
    raise exception 'Hold % belongs to booking % (expected %)', p_hold_id, p_hold.booking_id, p_booking_id using errcode = 'P0001';
  elsif p_hold.status <> 'active' or p_hold.expires_at <= p_now then
    raise exception 'Hold % expired at %', p_hold_id, rival.zulu(p_hold.expires_at) using errcode = 'P0001';
  elsif p_ids is null then
    raise exception 'Hold % has no table members', p_hold_id using errcode = 'P0001';
  end if;
end $$;

-- The answer that a key is bound to, if the request is the same and the booking still has it.
create function rival.best_replay(
  p_entry public.booking_assignment_idempotency, p_booking_id uuid, p_hold_id uuid, p_ids uuid[], p_adjacency boolean,
  p_target public.booking_status
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_entry.request ->> 'target_status' is distinct from p_target::text
     or coalesce((p_entry.request ->> 'require_adjacency')::boolean, false) <> p_adjacency
     or p_entry.hold_id is distinct from p_hold_id
     or p_hold_id is null and p_entry.table_ids <> p_ids then
    raise exception 'assign_tables_atomic_v2 idempotency mismatch for booking %', p_booking_id
      using errcode = 'P0003', detail = 'Idempotency key reuse detected with a different table set';
  end if;
  if (select s.releases_tables from public.bookings b join public.holdfast_booking_statuses s on s.status = b.status
      where b.id = p_booking_id) then
    raise exception 'booking_state_conflict' using errcode = 'P0004';
  end if;
  return query select a.id, a.table_id, a.start_at, a.end_at, a.merge_group_id from public.booking_table_assignments a
    where a.booking_id = p_booking_id and a.id = any (p_entry.assignment_ids) order by a.table_id;
  if not found then
    raise exception 'assign_tables_atomic_v2 returned no assignments for booking %', p_booking_id using errcode = 'P0003';
  end if;
end $$;
