-- Frozen, as floor.sql is.
--
-- The floor of a hold: its row, its tables and its mirror, unchecked.
with held as (
  insert into public.table_holds (id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, metadata)
  values (:hold, :booking, :restaurant, :zone, :start, :end, :expires, :metadata)
), members as (
  insert into public.table_hold_members (hold_id, table_id) select :hold, t.id from unnest(:tables::uuid[]) t (id)
)
insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", shadow)
values (:booking, :restaurant, 'hold', :hold, tstzrange(:start, :end, '[)'), true)
