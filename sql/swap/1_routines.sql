-- Copy, sync and swap: allocations gets a constraint that can be added neither concurrently nor NOT VALID by way of a copy
-- that has it. Routines of this session; what they leave is app.allocations_holdfast_new, _changed and _old.
create or replace function pg_temp.columns_of(p_table regclass) returns text language sql as $holdfast$
  select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
  from pg_catalog.pg_attribute a
  where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
$holdfast$;

create or replace function pg_temp.role_named(p_role oid) returns text language sql as $holdfast$
  select case p_role when 0 then 'public' else p_role::regrole::text end
$holdfast$;

-- What would be lost with the table that goes.
create or replace function pg_temp.cannot_keep(p_table regclass) returns table (what text) language sql as $holdfast$
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
$holdfast$;

-- An empty copy, and the notes of what changes from now on. All of it or nothing.
create or replace procedure pg_temp.prepare_copy() language plpgsql as $holdfast$
declare
  owner text := (select c.relowner::regrole from pg_catalog.pg_class c where c.oid = 'app.allocations'::regclass);
  weaker name;
  r record;
begin
  if to_regclass('app.allocations_holdfast_new') is not null then
    return;
  end if;
  execute pg_catalog.format('create table app.allocations_holdfast_new (like app.allocations including all)%s', (
    select ' tablespace ' || pg_catalog.quote_ident(t.spcname)
    from pg_catalog.pg_class c join pg_catalog.pg_tablespace t on t.oid = c.reltablespace where c.oid = 'app.allocations'::regclass
  ));
  create table app.allocations_holdfast_changed (id uuid, afterwards oid);
  -- Default privileges would show rows that row security hides.
  for r in
    select c.oid::regclass as made, a.grantee from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    where c.oid in ('app.allocations_holdfast_new'::regclass, 'app.allocations_holdfast_changed'::regclass)
      and a.grantee <> c.relowner
  loop
    execute pg_catalog.format('revoke all on table %s from %s', r.made, pg_temp.role_named(r.grantee));
  end loop;
  -- These are made again, under their own names, when the copy takes the table's place.
  for r in select s.oid from pg_catalog.pg_statistic_ext s where s.stxrelid = 'app.allocations_holdfast_new'::regclass loop
    execute (select pg_catalog.format('drop statistics %I.%I', n.nspname, s.stxname)
      from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where s.oid = r.oid);
  end loop;
  create function app.allocations_holdfast_note() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $note$
  begin
    if tg_op in ('UPDATE', 'DELETE') then
      insert into app.allocations_holdfast_changed (id) values (old.id);
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
      insert into app.allocations_holdfast_changed (id) values (new.id);
    end if;
    -- No id: all of them.
    if tg_op = 'TRUNCATE' then
      insert into app.allocations_holdfast_changed (id) values (null);
    end if;
    return null;
  end
  $note$;
  revoke all on function app.allocations_holdfast_note() from public;
  create trigger holdfast_note after insert or update or delete on app.allocations
    for each row execute function app.allocations_holdfast_note();
  create trigger holdfast_note_all after truncate on app.allocations
    for each statement execute function app.allocations_holdfast_note();
  alter table app.allocations enable always trigger holdfast_note, enable always trigger holdfast_note_all;
  execute pg_catalog.format('alter table app.allocations_holdfast_new owner to %s', owner);
  -- What the constraint that is to come takes the place of.
  for weaker in
    select k.conname from pg_catalog.pg_constraint k
    join pg_catalog.pg_constraint o on pg_catalog.pg_get_constraintdef(o.oid) = pg_catalog.pg_get_constraintdef(k.oid)
    where k.conrelid = 'app.allocations_holdfast_new'::regclass and k.contype = 'x'
      and o.conrelid = 'app.allocations'::regclass and o.conname = {weaker}
  loop
    execute pg_catalog.format('alter table app.allocations_holdfast_new drop constraint %I', weaker);
  end loop;
end
$holdfast$;

-- Fills the copy, a batch a transaction, by id; what an earlier run copied stays. A row that has a note is left to follow():
-- rows without one are as they were when the notes began, so that no two of them can meet in the copy that did not there.
create or replace procedure pg_temp.copy(batch int) language plpgsql as $holdfast$
declare
  columns text := pg_temp.columns_of('app.allocations');
  copied bigint;
begin
  loop
    execute pg_catalog.format(
      'insert into app.allocations_holdfast_new (%s) overriding system value select %s from app.allocations a
       where ($1 is null or a.id > $1)
         and not exists (select from app.allocations_holdfast_changed c where c.id = a.id)
       order by a.id limit $2', columns, columns
    ) using (select n.id from app.allocations_holdfast_new n order by n.id desc limit 1), batch;
    get diagnostics copied = row_count;
    exit when copied = 0;
    commit;
  end loop;
end
$holdfast$;

-- The copy follows: what changed since the last time, as of one snapshot.
create or replace procedure pg_temp.follow() language plpgsql as $holdfast$
declare
  ids uuid[];
  columns text := pg_temp.columns_of('app.allocations');
begin
  with gone as (delete from app.allocations_holdfast_changed where afterwards is null returning id)
  select pg_catalog.array_agg(distinct gone.id) into ids from gone;
  if ids is null then
    return;
  end if;
  if pg_catalog.array_position(ids, null) is not null then
    delete from app.allocations_holdfast_new;
    ids := null;
  end if;
  delete from app.allocations_holdfast_new n where n.id = any (ids);
  execute pg_catalog.format(
    'insert into app.allocations_holdfast_new (%s) overriding system value select %s from app.allocations a
     where $1 is null or a.id = any ($1)', columns, columns
  ) using ids;
end
$holdfast$;
