-- Days that it has lived: confirmed by its own functions, under keys that may come again.
alter table table_holds add constraint th_times_consistent check (expires_at >= end_at and end_at > start_at);
insert into restaurants (id) values ('0ddba11a-0000-4000-8000-000000000001');
insert into zones (id, restaurant_id) values ('0ddba11a-0000-4000-8000-000000000002', '0ddba11a-0000-4000-8000-000000000001');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select ('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       '0ddba11a-0000-4000-8000-000000000002', 'T' || n, 4 from generate_series(1, 4) n;
insert into bookings (id, restaurant_id, start_at, end_at, party_size)
select ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       timestamptz '2026-03-01 19:00+00' + n * interval '1 day', timestamptz '2026-03-01 21:00+00' + n * interval '1 day', 2
from generate_series(1, 6) n;
select confirm_hold_assignment_with_transition(
  ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid,
  array[('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid], 'key-' || n) from generate_series(1, 4) n;
