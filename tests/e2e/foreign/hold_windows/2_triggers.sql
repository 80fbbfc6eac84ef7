-- What fires on every write. No function has a search_path, and no table a schema: they run where the platform runs them.
create function audit_booking() returns trigger language plpgsql as $$
begin
  insert into audit_logs (entity, action) values ('booking', tg_op);
  return new;
end $$;
create trigger bookings_audit after insert or update on bookings for each row execute function audit_booking();

create function audit_assignment() returns trigger language plpgsql security definer as $$
begin
  insert into audit_logs (entity, action) values ('assignment', tg_op);
  return coalesce(new, old);
end $$;
create trigger assignments_audit after insert or delete on booking_table_assignments
  for each row execute function audit_assignment();

create function guard_confirmed() returns trigger language plpgsql as $$
begin
  if new.status = 'confirmed' and old.status is distinct from 'confirmed'
     and not exists (select from booking_table_assignments a where a.booking_id = new.id) then
    raise exception 'Cannot confirm booking %: No table assignments exist. Assign tables first.', new.id using errcode = 'P0001';
  end if;
  return new;
end $$;
create trigger bookings_guard before update of status on bookings for each row execute function guard_confirmed();

-- A window and a mirror for each member of a hold.
create function keep_hold_windows() returns trigger language plpgsql security definer as $$
declare
  v_hold table_holds%rowtype;
  v_mirror uuid;
begin
  select * into v_hold from table_holds h where h.id = new.hold_id;
  insert into allocations (restaurant_id, resource_type, resource_id, "window", shadow, created_by)
  values (v_hold.restaurant_id, 'table', new.table_id, tstzrange(v_hold.start_at, v_hold.end_at, '[)'), true, v_hold.created_by)
  returning id into v_mirror;
  insert into table_hold_windows (hold_id, table_id, hold_window, mirror_id)
  values (new.hold_id, new.table_id, tstzrange(v_hold.start_at, v_hold.end_at, '[)'), v_mirror);
  return new;
end $$;
create trigger members_keep_windows after insert on table_hold_members for each row execute function keep_hold_windows();

create function drop_hold_mirror() returns trigger language plpgsql security definer as $$
begin
  delete from allocations a where a.id = old.mirror_id;
  return old;
end $$;
create trigger windows_drop_mirror after delete on table_hold_windows for each row execute function drop_hold_mirror();

create function drop_hold_window() returns trigger language plpgsql security definer as $$
begin
  delete from table_hold_windows w where w.hold_id = old.hold_id and w.table_id = old.table_id;
  return old;
end $$;
create trigger members_drop_window after delete on table_hold_members for each row execute function drop_hold_window();

-- Another booking takes the hold over: its mirrors follow.
create function follow_hold() returns trigger language plpgsql security definer as $$
begin
  update allocations a set created_by = new.created_by
  where a.id in (select w.mirror_id from table_hold_windows w where w.hold_id = new.id);
  return new;
end $$;
create trigger holds_follow after update of booking_id on table_holds for each row execute function follow_hold();

create function refresh_table_status(p_table_id uuid) returns void language plpgsql security definer
set search_path to public as $$
declare
  v_status table_status := 'available';
begin
  if exists (select from allocations a where a.resource_type = 'table' and a.resource_id = p_table_id and a.is_maintenance
             and a."window" @> now()) then
    v_status := 'out_of_service';
  elsif exists (select from booking_table_assignments a join bookings b on b.id = a.booking_id
                where a.table_id = p_table_id and b.status = 'checked_in' and now() >= a.start_at and now() < a.end_at) then
    v_status := 'occupied';
  elsif exists (select from allocations a where a.resource_type = 'table' and a.resource_id = p_table_id and not a.shadow
                and a."window" @> now()) then
    v_status := 'reserved';
  end if;
  update table_inventory t set status = v_status
  where t.id = p_table_id and t.status is distinct from v_status and t.status <> 'out_of_service'
    and not (t.status = 'occupied' and v_status = 'reserved');
end $$;
create function allocation_refreshes() returns trigger language plpgsql security definer as $$
begin
  perform refresh_table_status(coalesce(new.resource_id, old.resource_id));
  return null;
end $$;
create trigger allocations_refresh after insert or update or delete on allocations
  for each row execute function allocation_refreshes();
