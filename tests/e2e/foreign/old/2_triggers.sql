-- What fires on every write: time stamps, an audit row, the status of tables.
create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := timezone('utc', now());
  return new;
end $$;

create function write_audit() returns trigger language plpgsql security definer as $$
declare
  v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  v_new jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
begin
  insert into public.audit_log (entity, entity_id, action, old_row, new_row)
  values (tg_table_name, coalesce(v_new ->> 'id', v_old ->> 'id')::uuid, lower(tg_op), v_old, v_new);
  return null;
end $$;

create function allocations_refresh_table_status() returns trigger language plpgsql security definer as $$
begin
  if tg_op in ('DELETE', 'UPDATE') and old.resource_type = 'table' then
    perform public.refresh_table_status(old.resource_id);
  end if;
  if tg_op in ('INSERT', 'UPDATE') and new.resource_type = 'table' then
    perform public.refresh_table_status(new.resource_id);
  end if;
  return null;
end $$;

create function bookings_refresh_table_status() returns trigger language plpgsql security definer as $$
begin
  perform public.refresh_table_status(a.table_id) from public.booking_table_assignments a where a.booking_id = new.id;
  return null;
end $$;

create function refresh_table_status(p_table_id uuid) returns void language plpgsql security definer as $$
declare
  v_now timestamptz := timezone('utc', now());
  v_status public.table_status := 'available';
begin
  perform 1 from public.table_inventory where id = p_table_id for update;
  if exists (
    select 1 from public.allocations where resource_type = 'table' and resource_id = p_table_id and is_maintenance
    and "window" @> v_now) then
    v_status := 'out_of_service';
  elsif exists (
    select 1 from public.booking_table_assignments a join public.bookings b on b.id = a.booking_id
    where a.table_id = p_table_id and b.status = 'checked_in' and v_now >= a.start_at and v_now < a.end_at) then
    v_status := 'occupied';
  elsif exists (
    select 1 from public.allocations where resource_type = 'table' and resource_id = p_table_id and not shadow
    and "window" @> v_now) then
    v_status := 'reserved';
  end if;
  update public.table_inventory t set status = v_status
  where t.id = p_table_id and t.status <> 'out_of_service' and not (t.status = 'occupied' and v_status = 'reserved');
end $$;

create trigger bookings_set_updated_at before update on bookings for each row execute function set_updated_at();
create trigger allocations_set_updated_at before update on allocations for each row execute function set_updated_at();
create trigger outbox_set_updated_at before update on capacity_outbox for each row execute function set_updated_at();
create trigger bookings_audit after insert or update or delete on bookings for each row execute function write_audit();
create trigger assignments_audit after insert or update or delete on booking_table_assignments
  for each row execute function write_audit();
create trigger allocations_refresh after insert or update or delete on allocations
  for each row execute function allocations_refresh_table_status();
create trigger bookings_refresh after update of status on bookings
  for each row when (old.status is distinct from new.status) execute function bookings_refresh_table_status();
