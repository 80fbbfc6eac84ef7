-- Hold: tables are kept for a booking until a deadline, then confirmed, released, or left to expire.
\set fixture `echo "$HOLDFAST_FIXTURES/evening.psql"`
\i :fixture

-- Tables 1 and 2 for Anna, for ten minutes. The window is the booking's.
select hold_id, booking_id, table_ids, start_at, end_at, expires_at > clock_timestamp() as live
from hold_tables(p_booking_id => :'anna', p_table_ids => array[:'t2', :'t1']::uuid[], p_ttl_seconds => 600,
                 p_created_by => '00000000-0000-0000-0000-0000000000f1')
\gset anna_
select :'anna_booking_id' as booking_id, :'anna_table_ids' as table_ids, :'anna_start_at' as start_at,
       :'anna_end_at' as end_at, :'anna_live' as live;
select status, zone_id, created_by, expires_at - created_at between '599 s' and '601 s' as ten_minutes
from table_holds where id = :'anna_hold_id';
select table_id from table_hold_members where hold_id = :'anna_hold_id' order by table_id;
-- Its mirror among the allocations is seen by all and blocks nobody.
select booking_id, resource_type, resource_id = :'anna_hold_id' as is_the_hold, "window", shadow from allocations;
-- The picture of the floor that a confirm compares with.
select metadata #> '{selection,tableIds}' as table_ids,
       metadata #> '{selection,snapshot,zoneIds}' as zone_ids,
       jsonb_pretty(metadata #> '{selection,snapshot,adjacency}') as adjacency
from table_holds where id = :'anna_hold_id';
-- Its hash is that of the JSON {edges, undirected}, whoever writes it.
select metadata #>> '{selection,snapshot,adjacency,hash}' = encode(sha256(convert_to(
  '{"edges":["' || :'t1' || '->' || :'t2' || '"],"undirected":true}', 'UTF8')), 'hex') as by_the_recipe
from table_holds where id = :'anna_hold_id';

-- Bruno hears that somebody has table 2 (and DETAIL tells him which hold it is).
\set VERBOSITY terse
select * from hold_tables(:'bruno', array[:'t2']::uuid[]);
\echo :SQLSTATE
select * from confirm_hold_assignment_with_transition(:'bruno', array[:'t2']::uuid[], 'bruno-1');
\echo :SQLSTATE
\set VERBOSITY default

-- Anna's hold is confirmed: the tables and the window are its own.
select table_id, start_at, end_at, merge_group_id is not null as joined, assignment_id is not null as has_id
from atomic_confirm_and_transition(
  p_booking_id => :'anna', p_hold_id => :'anna_hold_id', p_idempotency_key => 'anna-1');
-- It is closed, not deleted; its mirror is gone.
select status from table_holds where id = :'anna_hold_id';
select count(*) as mirrors from allocations where shadow;
select event_type, replace(dedupe_key, :'anna_hold_id', '<hold>') as dedupe_key from capacity_outbox
where booking_id = :'anna' order by event_type;
-- The answer was lost: the same call gets it again.
select table_id, start_at, end_at from atomic_confirm_and_transition(:'anna', :'anna_hold_id', 'anna-1');
-- Under another key it is a hold that is no longer there.
select outcome, replace(message, :'anna_hold_id', '<hold>') as message, hint from holdfast.confirm_hold(
  'floor', p_hold_id => :'anna_hold_id', p_booking_id => :'anna', p_idempotency_key => 'anna-2');

-- A hold that is released: true once, then false.
select hold_id from hold_tables(:'bruno', array[:'t4']::uuid[]) \gset bruno_
select release_hold_and_emit(p_hold_id => :'bruno_hold_id');
select release_hold_and_emit(p_hold_id => :'bruno_hold_id', p_actor_id => null);
select release_hold_and_emit('00000000-0000-0000-0000-0000000000cc');
select status from table_holds where id = :'bruno_hold_id';
select event_type from capacity_outbox where booking_id = :'bruno';

-- From here on, holds that the application wrote itself, with ids that can be printed.
-- One whose time is over: it is not confirmed, and no longer in anybody's way.
\set old 00000000-0000-0000-0000-0000000000c1
insert into table_holds (id, booking_id, restaurant_id, start_at, end_at, expires_at)
values (:'old', :'bruno', :'trattoria', '2031-05-01 19:00Z', '2031-05-01 21:00Z', '2026-01-01 00:00Z');
insert into table_hold_members values (:'old', :'t3');
select table_id from atomic_confirm_and_transition(:'bruno', :'old', 'bruno-2');
\echo :SQLSTATE
select release_hold_and_emit(:'old') as was_live;
select table_id from confirm_hold_assignment_with_transition(:'carla', array[:'t3']::uuid[], 'carla-1');

-- Without a target status the tables are assigned, the hold is consumed, and the status stays.
\set new 00000000-0000-0000-0000-0000000000c2
insert into table_holds (id, booking_id, restaurant_id, start_at, end_at, expires_at, metadata)
values (:'new', :'bruno', :'trattoria', '2031-05-01 19:00Z', '2031-05-01 21:00Z', '2031-01-01 00:00Z',
        '{"policyVersion": "7"}');
insert into table_hold_members values (:'new', :'t4');
select table_id from confirm_hold_assignment_tx(
  p_hold_id => :'new', p_booking_id => :'bruno', p_idempotency_key => 'bruno-3',
  p_expected_policy_version => '8');
\echo :SQLSTATE
select table_id, start_at, end_at from confirm_hold_assignment_tx(
  p_hold_id => :'new', p_booking_id => :'bruno', p_idempotency_key => 'bruno-3',
  p_expected_policy_version => '7');
select b.status as booking, h.status as hold from bookings b join table_holds h on h.booking_id = b.id
where h.id = :'new';

-- A confirm by table ids closes the booking's holds as well.
select hold_id from hold_tables(:'carla', array[:'t9']::uuid[]) \gset carla_
select table_id from confirm_hold_assignment_with_transition(:'carla', array[:'t3']::uuid[], 'carla-2');
select status from table_holds where id = :'carla_hold_id';

-- A hold for nobody yet: whoever confirms it gets the tables.
select hold_id, booking_id is null as for_nobody, table_ids from hold_tables(
  p_booking_id => null, p_table_ids => array[:'t9']::uuid[], p_start_at => '2031-05-01 19:00Z',
  p_end_at => '2031-05-01 21:00Z') \gset walk_in_
select :'walk_in_for_nobody' as for_nobody, :'walk_in_table_ids' as table_ids;
select outcome, transient from holdfast.confirm_tables('floor', :'bruno', array[:'t9']::uuid[], 'bruno-4');
select table_id, start_at, end_at from atomic_confirm_and_transition(:'bruno', :'walk_in_hold_id', 'bruno-4');
select status, booking_id from table_holds where id = :'walk_in_hold_id';

set client_min_messages = warning;
drop schema floor cascade;
