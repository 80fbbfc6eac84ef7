-- The copy takes the place of the table, under its name, with all that was on it. In one transaction, under a lock.
create or replace procedure pg_temp.swap() language plpgsql as $holdfast$
declare
  gone regclass := 'app.allocations';
  fresh regclass := 'app.allocations_holdfast_new';
  statement text;
  again text[] := '{}';
  to_validate text[] := '{}';
  r record;
begin
  lock table app.allocations in access exclusive mode;
  call pg_temp.follow();
  drop trigger holdfast_note on app.allocations;
  drop trigger holdfast_note_all on app.allocations;
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
      again := again || pg_catalog.format('alter table app.allocations %s trigger %I',
        case r.tgenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end, r.tgname);
    end if;
    if r.said is not null then
      again := again || pg_catalog.format('comment on trigger %I on app.allocations is %L', r.tgname, r.said);
    end if;
  end loop;
  again := again || pg_temp.grants_of(gone, fresh);
  again := again || pg_catalog.format('comment on table app.allocations is %L', pg_catalog.obj_description(gone, 'pg_class'));
  again := again || pg_temp.kept_of(gone) || pg_temp.beside(gone);
  for r in select p.pubname from pg_catalog.pg_publication_rel m join pg_catalog.pg_publication p on p.oid = m.prpubid
    where m.prrelid = gone
  loop
    execute pg_catalog.format('alter publication %I drop table app.allocations', r.pubname);
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
  insert into app.allocations_holdfast_changed (afterwards)
  select k.oid from pg_catalog.pg_constraint k
  where k.contype = 'f' and fresh in (k.conrelid, k.confrelid) and k.conname = any (to_validate);
end
$holdfast$;

-- What LIKE leaves out: the statements that say it again, of the table that has the name then.
create or replace function pg_temp.kept_of(gone regclass) returns text[] language sql as $holdfast$
  select coalesce(pg_catalog.array_agg('alter table app.allocations ' || k.action order by k.action), '{}') from (
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
$holdfast$;

-- The same of what is no part of the table: policies, statistics of several columns, publications.
create or replace function pg_temp.beside(gone regclass) returns text[] language plpgsql as $holdfast$
declare
  found text[] := '{}';
  r record;
begin
  for r in
    select p.polname, pg_catalog.format('create policy %I on app.allocations as %s for %s to %s', p.polname,
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
      found := found || pg_catalog.format('comment on policy %I on app.allocations is %L', r.polname, r.said);
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
    found := found || (pg_catalog.format('alter publication %I add table app.allocations', r.pubname)
      || coalesce(' (' || r.columns || ')', '') || coalesce(' where (' || r.rows || ')', ''));
  end loop;
  return found;
end
$holdfast$;

-- Rights as they are, on the table and on its columns.
create or replace function pg_temp.grants_of(gone regclass, fresh regclass) returns text[] language sql as $holdfast$
  select coalesce(pg_catalog.array_agg(g.statement order by g.place), '{}') from (
    select 1 as place, pg_catalog.format('revoke all on table app.allocations from %s', pg_temp.role_named(a.grantee)) as statement
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a where c.oid = fresh and a.grantee <> c.relowner
    union all
    select 2, pg_catalog.format('grant %s on table app.allocations to %s%s', a.privilege_type,
      pg_temp.role_named(a.grantee),
      case when a.is_grantable then ' with grant option' else '' end)
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a where c.oid = gone and a.grantee <> c.relowner
    union all
    select 2, pg_catalog.format('grant %s (%I) on table app.allocations to %s%s', a.privilege_type, t.attname,
      pg_temp.role_named(a.grantee),
      case when a.is_grantable then ' with grant option' else '' end)
    from pg_catalog.pg_attribute t, pg_catalog.aclexplode(t.attacl) a where t.attrelid = gone and t.attnum > 0
  ) g
$holdfast$;

-- Sequences move over; constraints and indexes get the names that their doubles had.
create or replace procedure pg_temp.rename_all(gone regclass, fresh regclass) language plpgsql as $holdfast$
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
  alter table app.allocations rename to allocations_holdfast_old;
  if exists (select from pg_catalog.pg_constraint k where k.conrelid = gone and k.conname = 'allocations_no_overlap') then
    alter table app.allocations_holdfast_old rename constraint allocations_no_overlap to holdfast_weaker;
  end if;
  alter table app.allocations_holdfast_new rename constraint allocations_no_overlap_holdfast to allocations_no_overlap;
  alter table app.allocations_holdfast_new rename to allocations;
end
$holdfast$;

-- Follows, then swaps; tried again while somebody is in the way.
create or replace procedure pg_temp.swap_in_time() language plpgsql as $holdfast$
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
$holdfast$;
