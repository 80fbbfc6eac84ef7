-- {bookings} bookings of {restaurants} restaurants, {live} of a hundred of them still to come, made in the last thirty days, each with its hold, table, claim,
-- history, answer and event: what confirms would have written, written at once. Constraints that cost most are put back afterwards, over all rows.
set synchronous_commit = off;
set maintenance_work_mem = '512MB';
-- The rows are right: no foreign key is asked for each of them.
set session_replication_role = replica;
create temporary table dear as
select pg_get_constraintdef(oid) as definition from pg_constraint
where conrelid = 'public.allocations'::regclass and conname = 'allocations_no_overlap';
alter table public.allocations drop constraint allocations_no_overlap;

-- Twenty tables each; two hours a sitting, six sittings a day.
create temporary table place as
select n, ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid as restaurant_id
from generate_series(1, {restaurants}) n;
insert into public.restaurants (id) select restaurant_id from place;
insert into public.zones (id, restaurant_id) select restaurant_id, restaurant_id from place;
insert into public.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select ('00000000-0000-4000-a000-' || lpad(to_hex(p.n * 32 + t), 12, '0'))::uuid, p.restaurant_id, p.restaurant_id, t::text, 4
from place p, generate_series(1, 20) t;

create temporary table evening as
select gen_random_uuid() as id, gen_random_uuid() as claim_id, gen_random_uuid() as hold_id, p.restaurant_id, s.day, s.day + interval '2 hours' as until,
       ('00000000-0000-4000-a000-' || lpad(to_hex(p.n * 32 + 1 + k % 20), 12, '0'))::uuid as table_id,
       case when s.day > now() then 'confirmed' else 'completed' end::public.booking_status as status
from generate_series(0, {bookings} - 1) b
cross join lateral (select b / {restaurants} as k, 1 + b % {restaurants} as place) w
join place p on p.n = w.place
cross join lateral (
  select date_trunc('hour', now()) + ((k / 20) - {bookings} / {restaurants} / 20 * (100 - {live}) / 100 - 1) * interval '4 hours' + interval '1 hour' as day
) s
-- In the order in which they come in: what is still to come was booked last.
order by b;

insert into public.bookings (id, restaurant_id, start_at, end_at, party_size, status, assigned_zone_id)
select id, restaurant_id, day, until, 2, status, restaurant_id from evening;
insert into public.table_holds (id, booking_id, restaurant_id, start_at, end_at, expires_at, status)
select hold_id, id, restaurant_id, day, until, now() - interval '1 hour', 'confirmed' from evening;
insert into public.table_hold_members (hold_id, table_id) select hold_id, table_id from evening;
insert into public.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window")
select claim_id, id, restaurant_id, 'table', table_id, tstzrange(day, until, '[)') from evening;
insert into public.booking_table_assignments (booking_id, table_id, idempotency_key, start_at, end_at, allocation_id)
select id, table_id, 'key', day, until, claim_id from evening;
insert into public.booking_state_history (booking_id, from_status, to_status, changed_at)
select id, 'pending', 'confirmed', now() - interval '2 hours' from evening;
insert into public.booking_state_history (booking_id, from_status, to_status, changed_at)
select e.id, m.from_status, m.to_status, now() - m.ago
from evening e, (values ('confirmed'::public.booking_status, 'checked_in'::public.booking_status, interval '1 hour'),
  ('checked_in', 'completed', interval '1 minute')) m (from_status, to_status, ago)
where e.status = 'completed';
insert into public.booking_assignment_idempotency (
  booking_id, idempotency_key, table_ids, assignment_window, outcome, request, hold_id, transaction_id, created_at
)
select id, 'key', array[table_id], tstzrange(day, until, '[)'), 'confirmed', '{}', hold_id, '3',
       now() - interval '2 hours' - ('x' || substr(id::text, 1, 4))::bit(16)::int % 720 * interval '1 hour'
from evening;
insert into public.booking_confirmation_results (booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window)
select id, 'key', hold_id, restaurant_id, array[table_id], tstzrange(day, until, '[)') from evening;
insert into public.capacity_outbox (status, event_type, dedupe_key, restaurant_id, booking_id, idempotency_key)
select 'done', 'capacity.assignment.sync',
       id || ':' || to_char(day at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ':'
       || to_char(until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ':' || table_id || ':3',
       restaurant_id, id, 'key'
from evening;

do $$ begin
  execute (select 'alter table public.allocations add constraint allocations_no_overlap ' || definition from dear);
end $$;
set session_replication_role = origin;
