-- holdfast: brings a schema to where holdfast.attach finds everything.
--
-- Run it with: psql -X -v roles='{role_one,role_two}' -v rollout=original -f this_file
-- roles may call the functions. rollout says who answers from attach on where the application had such functions: original or
-- shadow, they do; without it, holdfast. A rollout that has its row already keeps it. When a step fails, mend what it names and run the file again: a step that is done is passed
-- over. Each lock is waited for 50 ms at most and tried again, so that nobody waits behind us for longer.
\set ON_ERROR_STOP on
\set QUIET on
set client_encoding = 'UTF8';
set client_min_messages = warning;
set statement_timeout = 0;
set search_path = pg_catalog, pg_temp;
set standard_conforming_strings = on;
\echo 'migration of schema public'

-- Statements that lock a table for an instant: in one transaction, tried again while somebody is in the way.
create or replace procedure pg_temp.briefly(variadic statements text[]) language plpgsql as $only0$
declare
  statement text;
begin
  for try in 1..200 loop
    begin
      set local lock_timeout = '50ms';
      foreach statement in array statements loop
        execute statement;
      end loop;
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end
$only0$;

-- Stops the script.
create or replace procedure pg_temp.stop(why text) language plpgsql as $only0$
begin
  raise exception '%', why;
end
$only0$;
set lock_timeout = '5min';
\if :{?roles}
\else
\set roles '{}'
\endif
select set_config('migration.roles', :'roles', false) as roles \gset
\if :{?rollout}
\else
\set rollout ''
\endif
select set_config('migration.rollout', :'rollout', false) as rollout \gset

-- Roles that are to call.
do $only0$
declare
  unknown text;
begin
  select pg_catalog.string_agg(r.role::text, ', ') into unknown
  from pg_catalog.unnest(pg_catalog.current_setting('migration.roles')::name[]) r (role)
  where not exists (select from pg_catalog.pg_roles known where known.rolname = r.role);
  if unknown is not null then
    raise exception 'no role is called %', unknown
      using hint = 'Give -v roles those that exist. Nothing was changed.';
  end if;
end
$only0$;

-- Who is to answer.
do $only0$
begin
  if pg_catalog.current_setting('migration.rollout') not in ('', 'on', 'original', 'shadow', 'rehearse') then
    raise exception 'no rollout has the mode %', pg_catalog.current_setting('migration.rollout')
      using hint = 'Give -v rollout a mode of holdfast_rollout. Nothing was changed.';
  end if;
end
$only0$;

\echo 'step 1: column bookings.auto_assign_idempotency_key, column bookings.auto_assign_last_result (locks bookings for an instant)'
\echo '  our statements read or write it'
call pg_temp.briefly(
  'alter table public.bookings add column if not exists auto_assign_idempotency_key text',
  'alter table public.bookings add column if not exists auto_assign_last_result jsonb'
);

\echo 'step 2: column booking_assignment_idempotency.outcome, column booking_assignment_idempotency.request, column booking_assignment_idempotency.refusal, column booking_assignment_idempotency.assignment_ids, column booking_assignment_idempotency.hold_id, column booking_assignment_idempotency.transaction_id, column booking_assignment_idempotency.basis (locks booking_assignment_idempotency for an instant)'
\echo '  our statements read or write it'
call pg_temp.briefly(
  'alter table public.booking_assignment_idempotency add column if not exists outcome text not null default ''confirmed''',
  'alter table public.booking_assignment_idempotency add column if not exists request jsonb',
  'alter table public.booking_assignment_idempotency add column if not exists refusal jsonb',
  'alter table public.booking_assignment_idempotency add column if not exists assignment_ids uuid[]',
  'alter table public.booking_assignment_idempotency add column if not exists hold_id uuid',
  'alter table public.booking_assignment_idempotency add column if not exists transaction_id xid8',
  'alter table public.booking_assignment_idempotency add column if not exists basis jsonb'
);

\echo 'step 3: index bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null (locks bookings: nobody, outside of a transaction)'
\echo '  a booking is looked up by its stored key; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.bookings_auto_assign_idempotency_key_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists bookings_auto_assign_idempotency_key_idx on public.bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null;
\unrestrict only0

\echo 'step 4: index table_holds (booking_id) where status = ''active'' (locks table_holds: nobody, outside of a transaction)'
\echo '  each confirm locks the live holds of its booking; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_booking_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists table_holds_live_booking_idx on public.table_holds (booking_id) where status = 'active'::public.hold_status;
\unrestrict only0

\echo 'step 5: index booking_table_assignments (table_id, end_at, start_at) (locks booking_table_assignments: nobody, outside of a transaction)'
\echo '  each confirm looks who else is assigned to its tables; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_table_end_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists booking_table_assignments_table_end_idx on public.booking_table_assignments (table_id, end_at, start_at);
\unrestrict only0

\echo 'step 6: index allocations (resource_id, coalesce(pg_catalog.upper("window"), ''infinity'')) where resource_type = ''table'' and not shadow (locks allocations: nobody, outside of a transaction)'
\echo '  each confirm looks whether its tables are free, before the constraint does; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.allocations_table_until_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists allocations_table_until_idx on public.allocations (resource_id, coalesce(pg_catalog.upper("window"), 'infinity')) where resource_type = 'table' and not shadow;
\unrestrict only0

\echo 'step 7: index booking_table_assignments (allocation_id) (locks booking_table_assignments: nobody, outside of a transaction)'
\echo '  dropping an allocation looks for its assignment; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_allocation_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists booking_table_assignments_allocation_idx on public.booking_table_assignments (allocation_id);
\unrestrict only0

\echo 'step 8: index booking_state_history (booking_id) (locks booking_state_history: nobody, outside of a transaction)'
\echo '  the last change of a booking is compared with its status; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.booking_state_history_booking_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists booking_state_history_booking_idx on public.booking_state_history (booking_id);
\unrestrict only0

\echo 'step 9: index bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone ''UTC'', ''infinity''))) (locks bookings: nobody, outside of a transaction)'
\echo '  reconciliation looks at the bookings that are not over yet; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.bookings_ends_by_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists bookings_ends_by_idx on public.bookings ((coalesce(end_at, (booking_date + 2)::timestamp at time zone 'UTC', 'infinity')));
\unrestrict only0

\echo 'step 10: index booking_assignment_idempotency (created_at) where outcome <> ''fenced'' (locks booking_assignment_idempotency: nobody, outside of a transaction)'
\echo '  answers that are past their retention are forgotten by age; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.booking_assignment_idempotency_age_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists booking_assignment_idempotency_age_idx on public.booking_assignment_idempotency (created_at) where outcome <> 'fenced';
\unrestrict only0

\echo 'step 11: index table_holds (expires_at) where status = ''active'' (locks table_holds: nobody, outside of a transaction)'
\echo '  the sweeper looks for live holds past their deadline; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_expiry_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists table_holds_live_expiry_idx on public.table_holds (expires_at) where status = 'active'::public.hold_status;
\unrestrict only0

\echo 'step 12: index table_holds (expires_at) where status <> ''active'' (locks table_holds: nobody, outside of a transaction)'
\echo '  holds that ended long ago are deleted by age; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.table_holds_ended_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists table_holds_ended_idx on public.table_holds (expires_at) where status <> 'active';
\unrestrict only0

\echo 'step 13: index table_holds (booking_id) where status <> ''active'' (locks table_holds: nobody, outside of a transaction)'
\echo '  holdfast.why tells what became of a booking''s holds; without it the table is read whole'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.table_holds_ended_booking_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists table_holds_ended_booking_idx on public.table_holds (booking_id) where status <> 'active';
\unrestrict only0

\echo 'step 14: index table_holds (restaurant_id, window) of live holds (locks table_holds: nobody, outside of a transaction)'
\echo '  each confirm looks whether somebody else holds its tables; without it that takes longer with each closed hold'
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.table_holds_live_window_idx') and not i.indisvalid \gexec
\restrict only0
create index concurrently if not exists table_holds_live_window_idx on public.table_holds using gist (restaurant_id, pg_catalog.tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'active'::public.hold_status;
\unrestrict only0

\echo 'step 15: unique allocations (booking_id, resource_type, resource_id) (locks allocations for an instant, after an index was built beside writers)'
\echo '  a booking has one allocation of a table'
select exists (select from pg_catalog.pg_constraint c where c.conrelid = 'public.allocations'::regclass and c.conname = 'allocations_booking_resource_key' and not c.condeferrable) as done \gset
\if :done
\echo '  is done'
\else
select exists (select booking_id, resource_type, resource_id, pg_catalog.count(*) from public.allocations group by booking_id, resource_type, resource_id having pg_catalog.count(*) > 1 and booking_id is not null and resource_type is not null and resource_id is not null) as violated \gset
\if :violated
\echo 'these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:'
select * from (select booking_id, resource_type, resource_id, pg_catalog.count(*) from public.allocations group by booking_id, resource_type, resource_id having pg_catalog.count(*) > 1 and booking_id is not null and resource_type is not null and resource_id is not null) v limit 20;
call pg_temp.stop('step 15 stopped: rows violate unique allocations (booking_id, resource_type, resource_id)');
\endif
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.allocations_booking_resource_key_building') and not i.indisvalid \gexec
\restrict only0
create unique index concurrently if not exists allocations_booking_resource_key_building on public.allocations (booking_id, resource_type, resource_id);
\unrestrict only0
call pg_temp.briefly(
  'alter table public.allocations add constraint allocations_booking_resource_key unique using index allocations_booking_resource_key_building'
);
\endif

\echo 'step 16: unique booking_table_assignments (booking_id, table_id) (locks booking_table_assignments for an instant, after an index was built beside writers)'
\echo '  a booking has a table once'
select exists (select from pg_catalog.pg_constraint c where c.conrelid = 'public.booking_table_assignments'::regclass and c.conname = 'booking_table_assignments_booking_table_key' and not c.condeferrable) as done \gset
\if :done
\echo '  is done'
\else
select exists (select booking_id, table_id, pg_catalog.count(*) from public.booking_table_assignments group by booking_id, table_id having pg_catalog.count(*) > 1 and booking_id is not null and table_id is not null) as violated \gset
\if :violated
\echo 'these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:'
select * from (select booking_id, table_id, pg_catalog.count(*) from public.booking_table_assignments group by booking_id, table_id having pg_catalog.count(*) > 1 and booking_id is not null and table_id is not null) v limit 20;
call pg_temp.stop('step 16 stopped: rows violate unique booking_table_assignments (booking_id, table_id)');
\endif
select pg_catalog.format('drop index concurrently %s', i.indexrelid::regclass) from pg_catalog.pg_index i
  where i.indexrelid = pg_catalog.to_regclass('public.booking_table_assignments_booking_table_key_building') and not i.indisvalid \gexec
\restrict only0
create unique index concurrently if not exists booking_table_assignments_booking_table_key_building on public.booking_table_assignments (booking_id, table_id);
\unrestrict only0
call pg_temp.briefly(
  'alter table public.booking_table_assignments add constraint booking_table_assignments_booking_table_key unique using index booking_table_assignments_booking_table_key_building'
);
\endif

\echo 'step 17: exclusion of overlapping allocations (locks allocations: every writer until it is done)'
\echo '  without it two writers can give one table away twice; adding it reads the whole table and stops every writer until it is done; it can be neither concurrent nor NOT VALID'
select exists (select from pg_catalog.pg_constraint c where c.conrelid = 'public.allocations'::regclass and c.conname = 'allocations_no_overlap'
  and c.contype = 'x' and not c.condeferrable and pg_catalog.pg_get_constraintdef(c.oid) like '%WHERE ((NOT shadow))') as done \gset
\if :done
\echo '  is done'
\else
select exists (select id, resource_id, "window", taken as taken_until from (select a.id, a.resource_id, a."window", pg_catalog.lower(a."window") as starts, pg_catalog.max(coalesce(pg_catalog.upper(a."window"), 'infinity')) over (partition by a.restaurant_id, a.resource_type, a.resource_id order by pg_catalog.lower(a."window") nulls first, a.id rows between unbounded preceding and 1 preceding) as taken from public.allocations a where not a.shadow and not pg_catalog.isempty(a."window")) o where taken > coalesce(starts, '-infinity')) as violated \gset
\if :violated
\echo 'these rows are in its way (twenty at most); nothing is deleted, mend them and run this again:'
select * from (select id, resource_id, "window", taken as taken_until from (select a.id, a.resource_id, a."window", pg_catalog.lower(a."window") as starts, pg_catalog.max(coalesce(pg_catalog.upper(a."window"), 'infinity')) over (partition by a.restaurant_id, a.resource_type, a.resource_id order by pg_catalog.lower(a."window") nulls first, a.id rows between unbounded preceding and 1 preceding) as taken from public.allocations a where not a.shadow and not pg_catalog.isempty(a."window")) o where taken > coalesce(starts, '-infinity')) v limit 20;
call pg_temp.stop('step 17 stopped: rows violate exclusion of overlapping allocations');
\endif
\if :{?overlap}
\else
\set overlap ask
\endif
select :'overlap' = 'window' as in_window, :'overlap' = 'swap' as by_swap \gset
\if :in_window
call pg_temp.briefly(
  'alter table public.allocations add constraint allocations_no_overlap exclude using gist (restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow)'
);
\elif :by_swap
-- Copy, sync and swap: allocations gets a constraint that can be added neither concurrently nor NOT VALID by way of a copy
-- that has it. Routines of this session; what they leave is app.allocations_holdfast_new, _changed and _old.
create or replace function pg_temp.columns_of(p_table regclass) returns text language sql as $only0$
  select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
  from pg_catalog.pg_attribute a
  where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
$only0$;

create or replace function pg_temp.role_named(p_role oid) returns text language sql as $only0$
  select case p_role when 0 then 'public' else p_role::regrole::text end
$only0$;

-- What would be lost with the table that goes.
create or replace function pg_temp.cannot_keep(p_table regclass) returns table (what text) language sql as $only0$
  select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
  from pg_catalog.pg_depend d
  where d.deptype = 'n' and d.classid not in ('pg_constraint'::regclass, 'pg_publication_rel'::regclass)
    and not exists (
      select from pg_catalog.pg_attrdef e
      where d.classid = 'pg_attrdef'::regclass and e.oid = d.objid and e.adrelid = p_table
    )
    and not exists (
      select from pg_catalog.pg_policy l
      where d.classid = 'pg_policy'::regclass and l.oid = d.objid and l.polrelid = p_table
    )
    and (d.refclassid = 'pg_class'::regclass and d.refobjid = p_table and d.classid <> 'pg_class'::regclass
      or d.refclassid = 'pg_type'::regclass and d.refobjid in (
        select t.oid from pg_catalog.pg_type t where t.typrelid = p_table
        union all
        select t.typarray from pg_catalog.pg_type t where t.typrelid = p_table
      ))
  union
  select 'rule ' || r.rulename from pg_catalog.pg_rewrite r where r.ev_class = p_table
  union
  select 'security label ' || l.label from pg_catalog.pg_seclabel l
  where l.classoid = 'pg_class'::regclass and l.objoid = p_table
  union
  select 'inheritance: ' || i.inhrelid::regclass || ' from ' || i.inhparent::regclass
  from pg_catalog.pg_inherits i where p_table in (i.inhrelid, i.inhparent)
  union
  select case when c.relkind <> 'r' then 'partitions' when c.relpersistence <> 'p' then 'that it is unlogged' else 'its type' end
  from pg_catalog.pg_class c where c.oid = p_table and (c.relpersistence <> 'p' or c.relkind <> 'r' or c.reloftype <> 0)
  union
  select 'constraint ' || k.conname || ', which is not validated'
  from pg_catalog.pg_constraint k where k.conrelid = p_table and k.contype = 'c' and not k.convalidated
  union
  select 'rows without a unique id' where not exists (
    select from pg_catalog.pg_attribute a
    join pg_catalog.pg_index i on i.indrelid = a.attrelid and i.indkey::text = a.attnum::text
    where a.attrelid = p_table and a.attname = 'id' and a.attnotnull
      and i.indisunique and i.indisvalid and i.indpred is null
  )
$only0$;

-- An empty copy, and the notes of what changes from now on. All of it or nothing.
create or replace procedure pg_temp.prepare_copy() language plpgsql as $only0$
declare
  owner text := (select c.relowner::regrole from pg_catalog.pg_class c where c.oid = 'public.allocations'::regclass);
  weaker name;
  r record;
begin
  if to_regclass('public.allocations_holdfast_new') is not null then
    return;
  end if;
  execute pg_catalog.format('create table public.allocations_holdfast_new (like public.allocations including all)%s', (
    select ' tablespace ' || pg_catalog.quote_ident(t.spcname)
    from pg_catalog.pg_class c join pg_catalog.pg_tablespace t on t.oid = c.reltablespace where c.oid = 'public.allocations'::regclass
  ));
  create table public.allocations_holdfast_changed (id uuid, afterwards oid);
  -- Default privileges would show rows that row security hides.
  for r in
    select c.oid::regclass as made, a.grantee from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    where c.oid in ('public.allocations_holdfast_new'::regclass, 'public.allocations_holdfast_changed'::regclass)
      and a.grantee <> c.relowner
  loop
    execute pg_catalog.format('revoke all on table %s from %s', r.made, pg_temp.role_named(r.grantee));
  end loop;
  -- These are made again, under their own names, when the copy takes the table's place.
  for r in select s.oid from pg_catalog.pg_statistic_ext s where s.stxrelid = 'public.allocations_holdfast_new'::regclass loop
    execute (select pg_catalog.format('drop statistics %I.%I', n.nspname, s.stxname)
      from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where s.oid = r.oid);
  end loop;
  create function public.allocations_holdfast_note() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $note$
  begin
    if tg_op in ('UPDATE', 'DELETE') then
      insert into public.allocations_holdfast_changed (id) values (old.id);
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
      insert into public.allocations_holdfast_changed (id) values (new.id);
    end if;
    -- No id: all of them.
    if tg_op = 'TRUNCATE' then
      insert into public.allocations_holdfast_changed (id) values (null);
    end if;
    return null;
  end
  $note$;
  revoke all on function public.allocations_holdfast_note() from public;
  create trigger holdfast_note after insert or update or delete on public.allocations
    for each row execute function public.allocations_holdfast_note();
  create trigger holdfast_note_all after truncate on public.allocations
    for each statement execute function public.allocations_holdfast_note();
  alter table public.allocations enable always trigger holdfast_note, enable always trigger holdfast_note_all;
  execute pg_catalog.format('alter table public.allocations_holdfast_new owner to %s', owner);
  -- What the constraint that is to come takes the place of.
  for weaker in
    select k.conname from pg_catalog.pg_constraint k
    join pg_catalog.pg_constraint o on pg_catalog.pg_get_constraintdef(o.oid) = pg_catalog.pg_get_constraintdef(k.oid)
    where k.conrelid = 'public.allocations_holdfast_new'::regclass and k.contype = 'x'
      and o.conrelid = 'public.allocations'::regclass and o.conname = ''
  loop
    execute pg_catalog.format('alter table public.allocations_holdfast_new drop constraint %I', weaker);
  end loop;
end
$only0$;

-- Fills the copy, a batch a transaction, by id; what an earlier run copied stays. A row that has a note is left to follow():
-- rows without one are as they were when the notes began, so that no two of them can meet in the copy that did not there.
create or replace procedure pg_temp.copy(batch int) language plpgsql as $only0$
declare
  columns text := pg_temp.columns_of('public.allocations');
  copied bigint;
begin
  loop
    execute pg_catalog.format(
      'insert into public.allocations_holdfast_new (%s) overriding system value select %s from public.allocations a
       where ($1 is null or a.id > $1)
         and not exists (select from public.allocations_holdfast_changed c where c.id = a.id)
       order by a.id limit $2', columns, columns
    ) using (select n.id from public.allocations_holdfast_new n order by n.id desc limit 1), batch;
    get diagnostics copied = row_count;
    exit when copied = 0;
    commit;
  end loop;
end
$only0$;

-- The copy follows: what changed since the last time, as of one snapshot.
create or replace procedure pg_temp.follow() language plpgsql as $only0$
declare
  ids uuid[];
  columns text := pg_temp.columns_of('public.allocations');
begin
  with gone as (delete from public.allocations_holdfast_changed where afterwards is null returning id)
  select pg_catalog.array_agg(distinct gone.id) into ids from gone;
  if ids is null then
    return;
  end if;
  if pg_catalog.array_position(ids, null) is not null then
    delete from public.allocations_holdfast_new;
    ids := null;
  end if;
  delete from public.allocations_holdfast_new n where n.id = any (ids);
  execute pg_catalog.format(
    'insert into public.allocations_holdfast_new (%s) overriding system value select %s from public.allocations a
     where $1 is null or a.id = any ($1)', columns, columns
  ) using ids;
end
$only0$;
-- The copy takes the place of the table, under its name, with all that was on it. In one transaction, under a lock.
create or replace procedure pg_temp.swap() language plpgsql as $only0$
declare
  gone regclass := 'public.allocations';
  fresh regclass := 'public.allocations_holdfast_new';
  statement text;
  again text[] := '{}';
  to_validate text[] := '{}';
  r record;
begin
  lock table public.allocations in access exclusive mode;
  call pg_temp.follow();
  drop trigger holdfast_note on public.allocations;
  drop trigger holdfast_note_all on public.allocations;
  -- Foreign keys, from it and to it: for an instant now, validated afterwards.
  for r in
    select k.conname, k.conrelid, k.conrelid::regclass as on_table, pg_catalog.pg_get_constraintdef(k.oid) as definition,
           k.convalidated
    from pg_catalog.pg_constraint k
    where k.contype = 'f' and (k.conrelid = gone or k.confrelid = gone) and k.conparentid = 0
  loop
    -- Also of the table that goes: nobody has to look at its rows any more.
    execute pg_catalog.format('alter table %s drop constraint %I', r.on_table, r.conname);
    again := again || pg_catalog.format('alter table %s add constraint %I %s%s', r.on_table, r.conname, r.definition,
      case when r.convalidated then ' not valid' else '' end);
    if r.convalidated then
      to_validate := to_validate || r.conname::text;
    end if;
  end loop;
  for r in
    select pg_catalog.pg_get_triggerdef(t.oid) as definition, t.tgname, t.tgenabled,
           pg_catalog.obj_description(t.oid, 'pg_trigger') as said
    from pg_catalog.pg_trigger t where t.tgrelid = gone and not t.tgisinternal order by t.tgname
  loop
    again := again || r.definition;
    if r.tgenabled <> 'O' then
      again := again || pg_catalog.format('alter table public.allocations %s trigger %I',
        case r.tgenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, r.tgname);
    end if;
    if r.said is not null then
      again := again || pg_catalog.format('comment on trigger %I on public.allocations is %L', r.tgname, r.said);
    end if;
  end loop;
  again := again || pg_temp.grants_of(gone, fresh);
  again := again || pg_catalog.format('comment on table public.allocations is %L', pg_catalog.obj_description(gone, 'pg_class'));
  again := again || pg_temp.kept_of(gone) || pg_temp.beside(gone);
  for r in select p.pubname from pg_catalog.pg_publication_rel m join pg_catalog.pg_publication p on p.oid = m.prpubid
    where m.prrelid = gone
  loop
    execute pg_catalog.format('alter publication %I drop table public.allocations', r.pubname);
  end loop;
  for r in select s.stxname, n.nspname from pg_catalog.pg_statistic_ext s
    join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where s.stxrelid = gone
  loop
    execute pg_catalog.format('drop statistics %I.%I', r.nspname, r.stxname);
  end loop;
  call pg_temp.rename_all(gone, fresh);
  foreach statement in array again loop
    execute statement;
  end loop;
  insert into public.allocations_holdfast_changed (afterwards)
  select k.oid from pg_catalog.pg_constraint k
  where k.contype = 'f' and fresh in (k.conrelid, k.confrelid) and k.conname = any (to_validate);
end
$only0$;

-- What LIKE leaves out: the statements that say it again, of the table that has the name then.
create or replace function pg_temp.kept_of(gone regclass) returns text[] language sql as $only0$
  select coalesce(pg_catalog.array_agg('alter table public.allocations ' || k.action order by k.action), '{}') from (
    select pg_catalog.format('replica identity %s', case c.relreplident when 'f' then 'full' when 'n' then 'nothing' else (
      select 'using index ' || pg_catalog.quote_ident(x.relname)
      from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = gone and i.indisreplident
    ) end) as action
    from pg_catalog.pg_class c where c.oid = gone and c.relreplident <> 'd'
    union all
    select pg_catalog.format('cluster on %I', x.relname)
    from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = gone and i.indisclustered
    union all
    select pg_catalog.format('set (%s)', pg_catalog.array_to_string(c.reloptions, ', '))
    from pg_catalog.pg_class c where c.oid = gone and c.reloptions is not null
    union all
    select pg_catalog.format('set (toast.%s)', pg_catalog.array_to_string(t.reloptions, ', toast.'))
    from pg_catalog.pg_class c join pg_catalog.pg_class t on t.oid = c.reltoastrelid
    where c.oid = gone and t.reloptions is not null
    union all
    select pg_catalog.unnest(array[case when c.relrowsecurity then 'enable' end, case when c.relforcerowsecurity then 'force' end])
           || ' row level security'
    from pg_catalog.pg_class c where c.oid = gone
    union all
    select pg_catalog.format('alter column %I set statistics %s', a.attname, a.attstattarget)
    from pg_catalog.pg_attribute a where a.attrelid = gone and a.attnum > 0 and not a.attisdropped and a.attstattarget >= 0
    union all
    select pg_catalog.format('alter column %I set (%s)', a.attname, pg_catalog.array_to_string(a.attoptions, ', '))
    from pg_catalog.pg_attribute a where a.attrelid = gone and a.attnum > 0 and not a.attisdropped and a.attoptions is not null
  ) k
  where k.action is not null
$only0$;

-- The same of what is no part of the table: policies, statistics of several columns, publications.
create or replace function pg_temp.beside(gone regclass) returns text[] language plpgsql as $only0$
declare
  found text[] := '{}';
  r record;
begin
  for r in
    select p.polname, pg_catalog.format('create policy %I on public.allocations as %s for %s to %s', p.polname,
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select pg_catalog.string_agg(pg_temp.role_named(o.role), ', ') from pg_catalog.unnest(p.polroles) o (role)))
      || coalesce(' using (' || pg_catalog.pg_get_expr(p.polqual, gone) || ')', '')
      || coalesce(' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, gone) || ')', '') as definition,
      pg_catalog.obj_description(p.oid, 'pg_policy') as said
    from pg_catalog.pg_policy p where p.polrelid = gone order by p.polname
  loop
    found := found || r.definition;
    if r.said is not null then
      found := found || pg_catalog.format('comment on policy %I on public.allocations is %L', r.polname, r.said);
    end if;
  end loop;
  for r in
    select pg_catalog.pg_get_statisticsobjdef(s.oid) as definition, pg_catalog.format('%I.%I', n.nspname, s.stxname) as name,
           s.stxowner::regrole as owner, s.stxstattarget as target, pg_catalog.obj_description(s.oid, 'pg_statistic_ext') as said
    from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where s.stxrelid = gone
  loop
    found := found || r.definition || pg_catalog.format('alter statistics %s owner to %s', r.name, r.owner);
    if r.target >= 0 then
      found := found || pg_catalog.format('alter statistics %s set statistics %s', r.name, r.target);
    end if;
    if r.said is not null then
      found := found || pg_catalog.format('comment on statistics %s is %L', r.name, r.said);
    end if;
  end loop;
  for r in
    select p.pubname, pg_catalog.to_jsonb(m) ->> 'prqual' as rows, m.prrelid, m.oid as member,
      (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
       from pg_catalog.pg_attribute a
       where a.attrelid = gone and a.attnum::text = any (pg_catalog.string_to_array(
           pg_catalog.translate(pg_catalog.to_jsonb(m) ->> 'prattrs', '[],', ''), ' '))
      ) as columns
    from pg_catalog.pg_publication_rel m join pg_catalog.pg_publication p on p.oid = m.prpubid where m.prrelid = gone
  loop
    -- The server before 15 knows no such condition.
    if r.rows is not null then
      execute 'select pg_catalog.pg_get_expr(m.prqual, m.prrelid) from pg_catalog.pg_publication_rel m where m.oid = $1'
        into r.rows using r.member;
    end if;
    found := found || (pg_catalog.format('alter publication %I add table public.allocations', r.pubname)
      || coalesce(' (' || r.columns || ')', '') || coalesce(' where (' || r.rows || ')', ''));
  end loop;
  return found;
end
$only0$;

-- Rights as they are, on the table and on its columns.
create or replace function pg_temp.grants_of(gone regclass, fresh regclass) returns text[] language sql as $only0$
  select coalesce(pg_catalog.array_agg(g.statement order by g.place), '{}') from (
    select 1 as place, pg_catalog.format('revoke all on table public.allocations from %s', pg_temp.role_named(a.grantee)) as statement
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a where c.oid = fresh and a.grantee <> c.relowner
    union all
    select 2, pg_catalog.format('grant %s on table public.allocations to %s%s', a.privilege_type,
      pg_temp.role_named(a.grantee),
      case when a.is_grantable then ' with grant option' else '' end)
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a where c.oid = gone and a.grantee <> c.relowner
    union all
    select 2, pg_catalog.format('grant %s (%I) on table public.allocations to %s%s', a.privilege_type, t.attname,
      pg_temp.role_named(a.grantee),
      case when a.is_grantable then ' with grant option' else '' end)
    from pg_catalog.pg_attribute t, pg_catalog.aclexplode(t.attacl) a where t.attrelid = gone and t.attnum > 0
  ) g
$only0$;

-- Sequences move over; constraints and indexes get the names that their doubles had.
create or replace procedure pg_temp.rename_all(gone regclass, fresh regclass) language plpgsql as $only0$
declare
  r record;
  others text[] := '{}';
  its_own regclass;
  statement text;
begin
  for r in
    select d.objid::regclass as sequence, c.relname as name, a.attname, d.deptype
    from pg_catalog.pg_depend d
    join pg_catalog.pg_attribute a on a.attrelid = gone and a.attnum = d.refobjsubid
    join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
    where d.refobjid = gone and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
  loop
    if r.deptype = 'a' then
      execute pg_catalog.format('alter sequence %s owned by %s.%I', r.sequence, fresh, r.attname);
    else
      its_own := pg_catalog.pg_get_serial_sequence(fresh::text, r.attname);
      perform pg_catalog.setval(its_own, pg_catalog.nextval(r.sequence), false);
      execute pg_catalog.format('alter sequence %s rename to %I', r.sequence, 'holdfast_' || r.sequence::oid);
      execute pg_catalog.format('alter sequence %s rename to %I', its_own, r.name);
    end if;
  end loop;
  for r in
    with all_of as (
      select i.indrelid, c.relname as name, k.conname, c.oid::regclass as index,
             coalesce(pg_catalog.pg_get_constraintdef(k.oid),
               i.indisunique || pg_catalog.substring(pg_catalog.pg_get_indexdef(c.oid), ' USING .*$')) as shape
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      left join pg_catalog.pg_constraint k on k.conindid = c.oid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
      where i.indrelid in (gone, fresh) and i.indisvalid
    ), numbered as (
      select *, pg_catalog.row_number() over (partition by indrelid, shape order by name) as place from all_of
    )
    select o.name, n.index, n.name as its_name, o.index as other
    from numbered o join numbered n on o.indrelid = gone and n.indrelid = fresh and n.shape = o.shape and n.place = o.place
  loop
    execute pg_catalog.format('alter index %s rename to %I', r.other, 'holdfast_' || r.other::oid);
    others := others || pg_catalog.format('alter index %s rename to %I', r.index, r.name);
  end loop;
  foreach statement in array others loop
    execute statement;
  end loop;
  alter table public.allocations rename to allocations_holdfast_old;
  if exists (select from pg_catalog.pg_constraint k where k.conrelid = gone and k.conname = 'allocations_no_overlap') then
    alter table public.allocations_holdfast_old rename constraint allocations_no_overlap to holdfast_weaker;
  end if;
  alter table public.allocations_holdfast_new rename constraint allocations_no_overlap_holdfast to allocations_no_overlap;
  alter table public.allocations_holdfast_new rename to allocations;
end
$only0$;

-- Follows, then swaps; tried again while somebody is in the way.
create or replace procedure pg_temp.swap_in_time() language plpgsql as $only0$
begin
  for try in 1..200 loop
    commit;
    set transaction isolation level repeatable read;
    call pg_temp.follow();
    commit;
    begin
      set local lock_timeout = '50ms';
      call pg_temp.swap();
      return;
    exception when lock_not_available or deadlock_detected then
      if try = 200 then
        raise;
      end if;
      perform pg_catalog.pg_sleep(0.05 + 0.2 * pg_catalog.random());
    end;
  end loop;
end
$only0$;
do $only0$
declare
  lost text := (select pg_catalog.string_agg(c.what, '; ') from pg_temp.cannot_keep('public.allocations') c);
begin
  if lost is not null then
    raise exception 'a swap of public.allocations cannot keep: %', lost
      using hint = 'Drop these and make them again afterwards, or choose the maintenance window.';
  end if;
end $only0$;
call pg_temp.briefly(
  'call pg_temp.prepare_copy()'
);
select not exists (select from pg_catalog.pg_constraint c where c.conname = 'allocations_no_overlap_holdfast'
  and c.conrelid = 'public.allocations_holdfast_new'::regclass) as to_build \gset
\if :to_build
alter table public.allocations_holdfast_new add constraint allocations_no_overlap_holdfast exclude using gist (restaurant_id with =, resource_type with =, resource_id with =, "window" with &&) where (not shadow);
\endif
\echo '  copies; what changes meanwhile is noted'
call pg_temp.copy(10000);
analyze public.allocations_holdfast_new;
\echo '  swaps'
call pg_temp.swap_in_time();
\else
\echo 'an EXCLUDE constraint can be neither concurrent nor NOT VALID:'
\echo '  -v overlap=window  adds it at once: every writer of allocations waits while the index is built, from a minute for'
\echo '                     a million rows to ten for five million. Run it when nobody books.'
\echo '  -v overlap=swap    fills a copy of allocations that has it, in short transactions, follows what changes meanwhile,'
\echo '                     and lets the copy take its place: writers wait for an instant. It takes about twice as long, needs'
\echo '                     the room for a second allocations, makes each write of it a little slower until it is done, and'
\echo '                     stops where something stands on the table that it could not keep. It may be stopped and run'
\echo '                     again at any time: what is copied stays copied.'
call pg_temp.stop('step 17 stopped: choose with -v overlap=window or -v overlap=swap, and run this script again');
\endif
\endif
select pg_catalog.to_regclass('public.allocations_holdfast_old') is not null as swapped \gset
\if :swapped
select pg_catalog.format('alter table %s validate constraint %I', k.conrelid::regclass, k.conname)
from pg_catalog.pg_constraint k join public.allocations_holdfast_changed c on c.afterwards = k.oid
where k.contype = 'f' and not k.convalidated \gexec
call pg_temp.briefly(
  'drop table public.allocations_holdfast_old',
  'drop function public.allocations_holdfast_note()',
  'drop table public.allocations_holdfast_changed'
);
\endif

\echo 'step 18: attach'
call pg_temp.briefly(
  'select holdfast.attach(''public''::regnamespace, pg_catalog.current_setting(''migration.roles'')::name[])',
  'select pg_catalog.set_config(''migration.kept'', exists (select from holdfast.legacy_function l where l.bookings = ''public.bookings''::regclass and l.callable and l.name in (''confirm_hold_assignment_with_transition'', ''confirm_hold_assignment_tx'', ''atomic_confirm_and_transition'', ''assign_tables_atomic_v2'', ''assign_single_table'', ''assign_merged_tables''))::text, true)',
  'select pg_catalog.set_config(''role'', pg_catalog.pg_get_userbyid(c.relowner), true) from pg_catalog.pg_class c where c.oid = ''public.bookings''::regclass',
  'insert into public.holdfast_rollout (mode) select pg_catalog.current_setting(''migration.rollout'') where pg_catalog.current_setting(''migration.rollout'') <> '''' and pg_catalog.current_setting(''migration.kept'')::boolean on conflict do nothing'
);

\echo 'worth a look, and left to you:'
\x on
select what, why, mend from holdfast.doctor('public') where state = 'risky' and mend <> '' and what <> 'callers of the functions';
\x off

\echo 'done; what is left, if anything:'
select what, state, why from holdfast.doctor('public') where state in ('missing', 'wrong');

