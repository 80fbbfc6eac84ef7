-- Limits in time, and what became of a key: the calls of a request that has four seconds, and of the worker behind it.
\set fixture `echo "$HOLDFAST_FIXTURES/attached.psql"`
\i :fixture

-- Trattoria, tables 1 and 2; Anna and Bruno want the same evening, and each has a hold.
\set trattoria 00000000-0000-0000-0000-0000000000e1
\set terrace 00000000-0000-0000-0000-0000000000d1
\set t1 00000000-0000-0000-0000-0000000000a1
\set t2 00000000-0000-0000-0000-0000000000a2
\set anna 00000000-0000-0000-0000-0000000000b1
\set bruno 00000000-0000-0000-0000-0000000000b2
insert into restaurants (id, timezone) values (:'trattoria', 'Europe/Rome');
insert into zones (id, restaurant_id) values (:'terrace', :'trattoria');
insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
values (:'t1', :'trattoria', :'terrace', '1', 4), (:'t2', :'trattoria', :'terrace', '2', 4);
insert into bookings (id, restaurant_id, party_size, booking_date, start_time, end_time) values
  (:'anna', :'trattoria', 2, '2031-05-01', '20:00', '22:00'), (:'bruno', :'trattoria', 2, '2031-05-01', '20:00', '22:00');
select hold_id as anna_hold from hold_tables(:'anna', array[:'t1']::uuid[]) \gset
select hold_id as bruno_hold from hold_tables(:'bruno', array[:'t2']::uuid[]) \gset

-- In time: everything that a caller wants to know is in the row.
select outcome, phase, elapsed_ms < 4000 as in_time, attempts, assignments -> 0 ->> 'table_id' as table_id, code,
       sqlstate, message, retry_after_ms, replayed, idempotency_key, hold_released, receipt is not null as has_receipt
from atomic_confirm_and_transition_within(:'anna', :'anna_hold', 'anna-1', 4000);
-- Did it happen? Ask with the key: the answer is the same for everybody, also after a crash.
select outcome, assignments -> 0 ->> 'table_id' as table_id, code, pid, gid from confirm_outcome(:'anna', 'anna-1');
select outcome from confirm_outcome(:'anna', 'another key');

-- A trigger of the application is slow: the limit ends it, and the hold is handed back.
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return new; end $$;
create trigger slow before update of status on bookings for each row execute function slow();
select outcome, phase, code, sqlstate, hold_released, assignments
from atomic_confirm_and_transition_within(:'bruno', :'bruno_hold', 'bruno-1', 1000);
select status from table_holds where id = :'bruno_hold';
select idempotency_key, outcome, phase, tries from holdfast_attempts where booking_id = :'bruno';
select event_type from capacity_outbox where booking_id = :'bruno' order by id;
select outcome, code from confirm_outcome(:'bruno', 'bruno-1');
drop trigger slow on bookings;

-- Fence before giving up: after that, nobody confirms with the key, wherever the attempt is now.
select outcome, code, sqlstate, message from fence_attempt(:'bruno', 'bruno-1');
select hold_id as bruno_hold from hold_tables(:'bruno', array[:'t2']::uuid[]) \gset
select outcome, replayed from atomic_confirm_and_transition_within(:'bruno', :'bruno_hold', 'bruno-1', 4000);

-- The worker comes with the booking's own key; a second one finds it done.
select outcome, code, idempotency_key = auto_assign_idempotency_key(:'bruno', :'trattoria', 2, '2031-05-01', '20:00') as own_key
from run_auto_assign(:'bruno', :'bruno_hold', p_trigger => 'background');
select outcome, code from run_auto_assign(:'bruno', null, p_trigger => 'background');
select auto_assign_last_result - 'durationMs' - 'attemptId' as last_result from bookings where id = :'bruno';

-- Compensation: what that key did is taken back, and nothing else.
select u.outcome, u.table_ids, u.status, u.code from bookings b
cross join lateral undo_confirm(b.id, b.auto_assign_idempotency_key, 'kitchen closed') u where b.id = :'bruno';
select from_status, to_status, reason from booking_state_history where booking_id = :'bruno' order by id;

-- Retries in transactions of its own.
select hold_id as bruno_hold from hold_tables(:'bruno', array[:'t2']::uuid[]) \gset
call confirm_with_retry(:'bruno', :'bruno_hold', 'bruno-2', 4000) \gset
select :'result'::jsonb ->> 'outcome' as outcome;

-- Nonsense is answered, not raised.
select outcome, code, phase, message, detail from atomic_confirm_and_transition_within(:'anna', :'anna_hold', 'anna-1', 0);
select outcome, message from run_auto_assign(:'anna', null, 4000, 'by hand');
select outcome from fence_attempt(:'anna', 'anna-1', -1);
\echo :SQLSTATE

set client_min_messages = warning;
drop schema floor cascade;
