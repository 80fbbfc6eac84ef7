-- A little of its past, so that there is something to lose.
insert into restaurants (id, slug) values ('0ddba11a-0000-4000-8000-000000000001', 'old-mill');
insert into zones (id, restaurant_id) values ('0ddba11a-0000-4000-8000-000000000002', '0ddba11a-0000-4000-8000-000000000001');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
select ('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       '0ddba11a-0000-4000-8000-000000000002', 'T' || n, 4 from generate_series(1, 4) n;
insert into table_adjacencies (table_a, table_b)
select ('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid,
       ('0ddba11a-0000-4000-8000-0000000001' || lpad((n + 1)::text, 2, '0'))::uuid from generate_series(1, 3) n;
insert into bookings (id, restaurant_id, booking_date, start_time, end_time, party_size, customer_name)
select ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid, '0ddba11a-0000-4000-8000-000000000001',
       date '2026-03-01' + n, '19:00', '21:00', 2, 'Guest ' || n from generate_series(1, 6) n;
update bookings set start_at = (booking_date + start_time) at time zone 'Europe/London',
                    end_at = (booking_date + end_time) at time zone 'Europe/London';
-- Confirmed by the application's own function, under keys that may come again after the move.
select confirm_hold_assignment_with_transition(
  ('0ddba11a-0000-4000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid,
  array[('0ddba11a-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid], 'key-' || n) from generate_series(1, 4) n;
