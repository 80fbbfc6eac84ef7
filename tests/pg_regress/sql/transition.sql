-- Transition: a booking's status moves along the declared moves; a table's status is a view of now.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

-- The rules are data of the application.
select * from holdfast_booking_statuses order by status::text;
select from_status, array_agg(to_status::text order by to_status::text) as may_become
from holdfast_status_transitions group by from_status order by from_status::text;

select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-1');
-- Anna arrives.
select * from apply_booking_state_transition(
  p_booking_id => :'anna', p_status => 'checked_in', p_checked_in_at => '2031-05-01 18:05Z',
  p_checked_out_at => null, p_updated_at => '2031-05-01 18:06Z', p_history_from => 'confirmed',
  p_history_to => 'checked_in', p_history_changed_by => '00000000-0000-0000-0000-0000000000f1',
  p_history_changed_at => '2031-05-01 18:05Z', p_history_reason => 'arrived',
  p_history_metadata => '{"door": "front"}');
select status, checked_in_at, checked_out_at, updated_at from bookings where id = :'anna';
select from_status, to_status, changed_by, reason, metadata from booking_state_history
where booking_id = :'anna' order by id;

-- The status is not the one that the caller read.
select * from apply_booking_state_transition(:'anna', 'no_show', null, null, '2031-05-01 19:00Z',
  'confirmed', 'no_show', null, '2031-05-01 19:00Z', 'late');
\echo :SQLSTATE
-- It is, but nobody declared that move.
select * from apply_booking_state_transition(:'anna', 'cancelled', null, null, '2031-05-01 19:00Z',
  'checked_in', 'cancelled', null, '2031-05-01 19:00Z', 'left');
\echo :SQLSTATE
-- The move and its history name two targets.
select * from apply_booking_state_transition(:'anna', 'completed', null, null, '2031-05-01 20:00Z',
  'checked_in', 'no_show', null, '2031-05-01 20:00Z', 'left');
\echo :SQLSTATE
-- Nobody has this id.
select * from apply_booking_state_transition('00000000-0000-0000-0000-0000000000bf', 'cancelled', null, null,
  '2031-05-01 20:00Z', 'pending', 'cancelled', null, '2031-05-01 20:00Z', 'gone');
\echo :SQLSTATE
-- Anna leaves. The times of the booking are set as given.
select * from apply_booking_state_transition(:'anna', 'completed', '2031-05-01 18:05Z', '2031-05-01 20:10Z',
  '2031-05-01 20:10Z',
  'checked_in', 'completed', null, '2031-05-01 20:10Z', 'paid');
-- completed is terminal, and a terminal booking is never confirmed.
select * from apply_booking_state_transition(:'anna', 'checked_in', null, null, '2031-05-01 20:11Z',
  'completed', 'checked_in', null, '2031-05-01 20:11Z', 'came back');
select table_id from confirm_hold_assignment_with_transition(:'anna', array[:'t1']::uuid[], 'anna-2');
\echo :SQLSTATE
-- Nor can a confirm lead anywhere but to a status for it.
select table_id from confirm_hold_assignment_with_transition(:'bruno', array[:'t1']::uuid[], 'bruno-1',
  p_target_status => 'cancelled');
\echo :SQLSTATE

-- Tables now. A party that comes today: reserved when it is confirmed, occupied when it sits there.
update bookings set start_at = now() - interval '1 hour', end_at = now() + interval '1 hour'
where id in (:'bruno', :'carla');
select count(*) from confirm_hold_assignment_with_transition(:'bruno', array[:'t2']::uuid[], 'bruno-2');
select status from table_inventory where id = :'t2';
select status from apply_booking_state_transition(:'bruno', 'checked_in', now(), null, now(),
  'confirmed', 'checked_in', null, now(), 'arrived');
select status from table_inventory where id = :'t2';
select status from apply_booking_state_transition(:'bruno', 'completed', now(), now(), now(),
  'checked_in', 'completed', null, now(), 'left');
select status from table_inventory where id = :'t2';
-- Maintenance puts a table out of service; when it is over, the table comes back.
insert into allocations (restaurant_id, resource_type, resource_id, "window", is_maintenance)
values (:'trattoria', 'table', :'t3', tstzrange(now() - interval '1 hour', now() + interval '1 hour'), true);
select refresh_table_status(p_table_id => :'t3');
select status from table_inventory where id = :'t3';
delete from allocations where is_maintenance;
select refresh_table_status(:'t3');
select status from table_inventory where id = :'t3';
-- A trigger on allocations may ask with the id of a hold or of a group.
select refresh_table_status('00000000-0000-0000-0000-0000000000af');

set client_min_messages = warning;
drop schema floor cascade;
