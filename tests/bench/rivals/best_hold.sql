-- Frozen, as floor.sql is. A hold as best.sql would take it: the checks of a confirm, then the hold, its tables and its mirror.
create function rival.best_hold(p_booking_id uuid, p_table_ids uuid[], p_ttl_seconds integer default 180)
returns table (hold_id uuid, expires_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  b public.bookings;
  v_ids uuid[];
  v_own uuid[];
  v_seen rival.best_tables;
  v_look rival.best_look;
  v_now timestamptz;
  v_hold uuid := gen_random_uuid();
  v_edges text;
begin
  v_ids := array(select distinct t.id from unnest(p_table_ids) t (id) order by 1);
  select * into b from public.bookings x where x.id = p_booking_id for no key update;
  if not found then
    raise exception 'Booking % not found', p_booking_id using errcode = 'P0002';
  end if;
  v_own := array(select o.id from (select x.id from public.table_holds x where x.booking_id = p_booking_id and x.status = 'active'
    order by x.id for no key update) o);
  v_seen := rival.best_tables(b, v_ids);
  v_now := clock_timestamp();
  v_look := rival.best_look(b, v_ids, b.start_at, b.end_at, b.status, v_own, v_now, null);
  if v_seen.found <> cardinality(v_ids) or not v_seen.usable or v_seen.zone is distinct from v_seen.other_zone
     or v_seen.zone is null or v_look.enforce_min or b.party_size > v_seen.seats + v_look.extra_seats
     or b.assigned_zone_id::text <> v_seen.zone or v_look.hold_in_way is not null or v_look.table_in_way is not null then
    perform rival.best_refuse(b, null, null, v_ids, b.start_at, b.end_at, b.status, false, v_now, v_look);
  end if;
  if v_own <> '{}' then
    perform rival.best_close(p_booking_id, v_own, null, v_now);
  end if;
  select coalesce(json_agg(least(e.table_a, e.table_b) || '->' || greatest(e.table_a, e.table_b) order by 1)::text, '[]') into v_edges
  from public.table_adjacencies e where e.table_a = any (v_ids) and e.table_b = any (v_ids);
  insert into public.table_holds (id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, metadata)
  values (v_hold, p_booking_id, b.restaurant_id, v_seen.zone::uuid, b.start_at, b.end_at, v_now + p_ttl_seconds * interval '1 second',
          format('{"selection":{"tableIds":["%s"],"snapshot":{"zoneIds":["%s"],"adjacency":{"undirected":true,"edges":%s,"hash":"%s"}}},'
            || '"holdRequest":{"ttlSeconds":%s}}', array_to_string(v_ids, '","'), v_seen.zone, v_edges,
            encode(sha256(convert_to(format('{"edges":%s,"undirected":true}', v_edges), 'UTF8')), 'hex'), p_ttl_seconds)::jsonb);
  insert into public.table_hold_members (hold_id, table_id) select v_hold, t.id from unnest(v_ids) t (id);
  insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", shadow)
  values (p_booking_id, b.restaurant_id, 'hold', v_hold, tstzrange(b.start_at, b.end_at, '[)'), true);
  return query select v_hold, v_now + p_ttl_seconds * interval '1 second';
end $$;
