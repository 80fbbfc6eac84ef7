-- Frozen, as floor.sql is. The second part of best.sql: what a confirm looks at under its locks, and what is rare of its writes.

-- What a fresh confirm found, in one row.
create type rival.best_look as (
  moves boolean, extra_seats integer, enforce_min boolean, has_tables boolean, version bigint, told boolean,
  hold_in_way uuid, table_in_way uuid, owner_in_way uuid
);

-- The tables of a call, locked in order: how many, what seats, in which zones, and whether a usual call may have them.
create type rival.best_tables as (found bigint, seats bigint, zone text, other_zone text, usable boolean);

create function rival.best_tables(p_booking public.bookings, p_ids uuid[]) returns rival.best_tables
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v rival.best_tables;
begin
  select count(*), sum(least(t.capacity, t.max_party_size)), min(t.zone_id::text), max(t.zone_id::text),
         bool_and(t.restaurant_id = p_booking.restaurant_id and t.zone_id is not null and t.active
                  and t.status <> 'out_of_service' and (t.mobility = 'movable' or cardinality(p_ids) = 1))
    into v.found, v.seats, v.zone, v.other_zone, v.usable
  from (
    select ti.* from unnest(p_ids) w (id)
    cross join lateral (select x.* from public.table_inventory x where x.id = w.id for no key update of x) ti
  ) t;
  return v;
end $$;

create function rival.best_look(
  p_booking public.bookings, p_ids uuid[], p_start timestamptz, p_end timestamptz, p_target public.booking_status,
  p_own_holds uuid[], p_now timestamptz, p_dedupe text
) returns rival.best_look language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v rival.best_look;
begin
  select p_target = p_booking.status or exists (
           select from public.holdfast_booking_statuses s
           join public.holdfast_status_transitions m on m.to_status = s.status
           where s.status = p_target and s.is_confirm_target and m.from_status = p_booking.status),
         coalesce((select p.extra_seats from public.holdfast_capacity_policies p
                   where p.restaurant_id = p_booking.restaurant_id), 0),
         coalesce((select p.enforce_min_party from public.holdfast_capacity_policies p
                   where p.restaurant_id = p_booking.restaurant_id), false),
         exists (select from public.allocations al where al.booking_id = p_booking.id and al.resource_type <> 'hold'),
         (select max((o.payload ->> 'version')::bigint) from public.capacity_outbox o where o.booking_id = p_booking.id),
         exists (select from public.capacity_outbox o where o.dedupe_key = p_dedupe),
         (select h.id from public.table_holds h
          where h.restaurant_id = p_booking.restaurant_id and h.status = 'active' and h.expires_at > p_now
            and tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)') && tstzrange(p_start, p_end, '[)')
            and h.id <> all (p_own_holds)
            and exists (select from public.table_hold_members m where m.hold_id = h.id and m.table_id = any (p_ids))
            and not exists (select from public.bookings b join public.holdfast_booking_statuses s on s.status = b.status
                            where b.id = h.booking_id and s.releases_tables)
          limit 1),
         b.resource_id, b.booking_id
    into v.moves, v.extra_seats, v.enforce_min, v.has_tables, v.version, v.told, v.hold_in_way, v.table_in_way, v.owner_in_way
  from (select) one left join lateral (
    select al.resource_id, al.booking_id
    from unnest(p_ids) t (id) cross join lateral (
      select x.resource_id, x.booking_id from public.allocations x
      where x.restaurant_id = p_booking.restaurant_id and x.resource_type = 'table' and x.resource_id = t.id
        and x."window" && tstzrange(p_start, p_end, '[)') and not x.shadow and x.booking_id is distinct from p_booking.id
      offset 0
    ) al limit 1
  ) b on true;
  return v;
end $$;

-- A table that is in the way: of a booking that is over, it goes; else the call is refused.
create function rival.best_in_the_way(
  p_booking_id uuid, p_restaurant_id uuid, p_ids uuid[], p_start timestamptz, p_end timestamptz, p_look rival.best_look
) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_table uuid;
  v_owner uuid;
begin
  if p_look.hold_in_way is not null then
    raise exception using errcode = 'P0001', message = format('Hold conflict prevents assignment for booking %s', p_booking_id),
      detail = format('Hold %s overlaps requested window.', p_look.hold_in_way),
      hint = 'Retry after hold expiration or confirm existing hold.';
  end if;
  select al.resource_id, al.booking_id into v_table, v_owner from public.allocations al
  left join public.bookings b on b.id = al.booking_id
  left join public.holdfast_booking_statuses s on s.status = b.status
  where al.restaurant_id = p_restaurant_id and al.resource_type = 'table' and al.resource_id = any (p_ids)
    and al."window" && tstzrange(p_start, p_end, '[)') and not al.shadow and al.booking_id is distinct from p_booking_id
    and s.releases_tables is distinct from true limit 1;
  if found then
    raise exception using errcode = 'P0001', message = 'allocations_no_overlap',
      detail = format('Resource %s overlaps requested window for booking %s', v_table, p_booking_id),
      hint = format('The table is taken by booking %s.', v_owner);
  end if;
  delete from public.allocations al using public.bookings b, public.holdfast_booking_statuses s
  where al.restaurant_id = p_restaurant_id and al.resource_type = 'table' and al.resource_id = any (p_ids)
    and al."window" && tstzrange(p_start, p_end, '[)') and not al.shadow and b.id = al.booking_id and s.status = b.status
    and s.releases_tables and b.id <> p_booking_id;
end $$;

-- The tables that the booking had, which go; its claims go with them.
create function rival.best_clear(p_booking_id uuid) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from public.booking_table_assignments a where a.booking_id = p_booking_id;
  delete from public.allocations al where al.booking_id = p_booking_id and al.resource_type <> 'hold';
end $$;

-- The status of tables whose window is running.
create function rival.best_refresh(p_ids uuid[]) returns void language sql set search_path = pg_catalog, pg_temp
as $$
  update public.table_inventory t set status = 'reserved'
  where t.id = any (p_ids) and t.status = 'available'
$$;

-- The holds of the booking, which a confirm leaves none of.
create function rival.best_close(p_booking_id uuid, p_own uuid[], p_named uuid, p_now timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update public.table_holds x set expires_at = least(x.expires_at, p_now), status =
    case when x.id = p_named then 'confirmed' when x.expires_at <= p_now then 'expired' else 'cancelled' end::public.hold_status
  where x.id = any (p_own);
  delete from public.allocations x where x.booking_id = p_booking_id and x.resource_type = 'hold' and x.resource_id = any (p_own);
end $$;

-- Something may be wrong with a fresh confirm: what it is, in the order in which it is told; or nothing after all.
create function rival.best_refuse(
  p_booking public.bookings, p_hold_id uuid, p_hold public.table_holds, p_ids uuid[], p_start timestamptz, p_end timestamptz,
  p_target public.booking_status, p_adjacency boolean, p_now timestamptz, p_look rival.best_look
) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_hold_id is not null then
    perform rival.best_refuse_hold(p_hold, p_hold_id, p_booking.id, nullif(p_ids, '{}'), p_now);
  end if;
  if not p_look.moves then
    raise exception 'booking_state_conflict' using errcode = 'P0004',
      detail = format('Current status %s does not match expected %s', p_booking.status, p_target);
  end if;
  perform rival.best_refuse_tables(p_booking, p_ids, p_look.extra_seats, p_look.enforce_min);
  if p_adjacency and cardinality(p_ids) > 1 then
    perform rival.best_refuse_apart(p_ids);
  end if;
  if p_look.hold_in_way is not null or p_look.table_in_way is not null then
    perform rival.best_in_the_way(p_booking.id, p_booking.restaurant_id, p_ids, p_start, p_end, p_look);
  end if;
end $$;
