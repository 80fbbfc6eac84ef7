//! Copy, sync and swap: allocations gets its exclusion constraint beside writers, stopped at any step or not, and keeps
//! what stands on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::foreign::{Foreign, MINIMAL, OTHER_LABELS};
use holdfast_e2e::script::{Said, differences};
use holdfast_e2e::{Dice, GRANTED, STRANGER, Server};

/// With what an application may have on its table.
fn decorated() -> Foreign {
    let mut minimal = MINIMAL.install();
    minimal.run(&format!(
        "alter table allocations add column no bigint generated always as identity, add column serial bigserial,
           add column twice bigint generated always as (is_maintenance::int * 2) stored;
         create index \"Odd name\" on allocations (created_by) where created_by is not null;
         create index odd_twin on allocations (created_by) where created_by is not null;
         create unique index allocations_no_key on allocations (no);
         alter table allocations add constraint sane check (not isempty(\"window\") or shadow);
         comment on table allocations is 'What''s taken'; comment on column allocations.created_by is 'who';
         grant select, insert on allocations to {GRANTED} with grant option; grant update (created_by) on allocations to {STRANGER};
         create table seen (id uuid);
         create function note_seen() returns trigger language plpgsql as $$ begin insert into public.seen values (new.id); return null; end $$;
         create trigger b_seen after insert on allocations for each row execute function note_seen();
         create trigger a_off before delete on allocations for each row execute function note_seen();
         alter table allocations disable trigger a_off; comment on trigger b_seen on allocations is 'keeps count';
         alter table allocations set (fillfactor = 80);
         create publication changes for table allocations, bookings;
         create publication picked for table allocations (id, resource_id) where (not shadow) with (publish = 'insert');
         alter table allocations enable row level security;
         create policy mine on allocations for select to {GRANTED}, {STRANGER} using (created_by is not null);
         create policy \"Not so\" on allocations as restrictive using (not isempty(\"window\")) with check (shadow is not null);
         comment on policy mine on allocations is 'whose';
         alter table allocations alter column created_by set statistics 500, alter column created_by set (n_distinct = 50),
           alter column resource_type set storage external, set (toast.autovacuum_enabled = off),
           replica identity using index allocations_no_key, cluster on allocations_no_key;
         create statistics allocations_both (dependencies) on restaurant_id, resource_id from allocations;
         alter statistics allocations_both set statistics 300; comment on statistics allocations_both is 'together';
         alter default privileges in schema public grant select on tables to {STRANGER};
         insert into allocations (restaurant_id, resource_type, resource_id, \"window\")
         select '0ddba11a-0000-4000-8000-000000000001', 'table', '0ddba11a-0000-4000-8000-000000000101',
           tstzrange(t, t + interval '1 hour') from generate_series(timestamptz '2030-01-01', '2030-03-01', '1 hour') t;
         create extension holdfast cascade"
    ));
    minimal
}

fn run(foreign: &Foreign, script: &str, overlap: &str) -> Said {
    run_in(foreign.server(), &foreign.name, script, overlap)
}

fn run_in(server: &Server, database: &str, script: &str, overlap: &str) -> Said {
    let roles = format!("roles={{{GRANTED}}}");
    let said = server.psql(database, script, &[&format!("overlap={overlap}"), &roles]);
    // Attach warns of it in every form.
    let warned = |line: &&str| line.contains("WARNING:  row security of allocations does not apply");
    let err = said.err.split_inclusive('\n').filter(|line| !warned(line)).collect();
    Said { err, ..said }
}

fn script(foreign: &mut Foreign) -> String {
    let schema = foreign.application.schema;
    foreign.value(&format!("select holdfast.migration('{schema}')"))
}

/// A dump in which the order of equal things does not matter.
fn dump(foreign: &Foreign) -> Vec<String> {
    let mut lines = foreign.server().dump(&foreign.name, foreign.application.schema);
    lines.sort();
    lines
}

#[test]
fn the_table_is_the_same_as_after_a_window() {
    let mut window = decorated();
    let text = script(&mut window);
    assert_eq!(run(&window, &text, "window").code, Some(0));
    let mut swap = decorated();
    let before: Vec<String> = swap.column("select to_jsonb(a)::text from allocations a order by no");
    let said = run(&swap, &text, "swap");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(differences(&dump(&window), &dump(&swap)), Vec::<String>::new());
    assert_eq!(swap.column::<String>("select to_jsonb(a)::text from allocations a order by no"), before);
    let numbers = "insert into allocations (restaurant_id, resource_type, resource_id, \"window\") values
        ('0ddba11a-0000-4000-8000-000000000001', 'table', gen_random_uuid(), '[2031-01-01,2031-01-02)') returning no || ' ' || serial";
    let next = window.value::<String>(numbers);
    assert_eq!(swap.value::<String>(numbers), next, "the sequences go on");
    let first: usize = next.split(' ').next().and_then(|no| no.parse().ok()).expect("a number");
    assert!(first > before.len(), "a rehearsal may have used some, and none comes twice");
    assert_eq!(swap.value::<i64>("select count(*) from pg_publication_tables where tablename = 'allocations'"), 2);
    let left = "select count(*) from pg_class where relname like '%holdfast\\_old%' or relname like '%holdfast\\_new%' or relname like '%holdfast\\_changed%'";
    assert_eq!(swap.value::<i64>(left), 0);
    assert_eq!(swap.value::<i64>("select count(*) from pg_constraint where not convalidated"), 0);
    // Once more: nothing to do.
    assert_eq!(run(&swap, &text, "swap").code, Some(0));
}

/// The other application has a weaker constraint, identity keys and a quoted name.
#[test]
fn a_weaker_constraint_goes_with_the_old_table() {
    let mut window = OTHER_LABELS.install();
    window.run("create extension holdfast cascade");
    let text = script(&mut window);
    assert_eq!(run(&window, &text, "window").code, Some(0));
    let mut swap = OTHER_LABELS.install();
    swap.run("create extension holdfast cascade");
    let said = run(&swap, &text, "swap");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(differences(&dump(&window), &dump(&swap)), Vec::<String>::new());
}

/// Row security that its owner is under as well, an owner who is no superuser, and a place of its own for table and index.
#[test]
fn forced_row_security_and_a_tablespace_are_kept() {
    let forced = |space: &str| {
        let mut foreign = decorated();
        foreign.run("set allow_in_place_tablespaces = on");
        foreign.run(&format!("create tablespace {space} location ''"));
        foreign.run(&format!(
            "create role {space}_owner bypassrls;
             do $$ declare r record; begin
               for r in select c.oid::regclass as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' loop
                 execute format('alter table %s owner to {space}_owner', r.name);
               end loop;
             end $$;
             grant all on schema public to {space}_owner;
             alter table allocations set tablespace {space}, force row level security;
             alter index \"Odd name\" set tablespace {space}; alter index allocations_pkey set tablespace {space};
             create policy owners on allocations to {space}_owner using (true)"
        ));
        foreign
    };
    let name = |which: &str| format!("swapped_{which}_{}", std::process::id());
    let (mut window, mut swap) = (forced(&name("a")), forced(&name("b")));
    let text = script(&mut window);
    let said = run(&window, &text, "window");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let text = script(&mut swap);
    let before: Vec<String> = swap.column("select to_jsonb(a)::text from allocations a order by no");
    let said = run(&swap, &text, "swap");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let plain = |foreign: &Foreign, own: &str| -> Vec<String> {
        dump(foreign).into_iter().map(|line| line.replace(own, "swapped")).collect()
    };
    let (a, b) = (name("a"), name("b"));
    assert_eq!(differences(&plain(&window, &a), &plain(&swap, &b)), Vec::<String>::new());
    assert_eq!(swap.column::<String>("select to_jsonb(a)::text from allocations a order by no"), before);
    let placed = "select c.relname::text from pg_class c join pg_tablespace t on t.oid = c.reltablespace where t.spcname like 'swapped%' and c.relnamespace = 'public'::regnamespace order by 1";
    assert_eq!(swap.column::<String>(placed), ["Odd name", "allocations", "allocations_pkey"]);
    let is_forced = "select relrowsecurity and relforcerowsecurity from pg_class where oid = 'allocations'::regclass";
    assert!(swap.value::<bool>(is_forced));
    // Who saw some of the rows sees the same.
    let seen = "select count(*) from allocations";
    let own = format!("{b}_owner");
    for (role, all) in [(GRANTED, false), (own.as_str(), true)] {
        let seen: i64 = swap.session_as(role).value(seen);
        assert_eq!(seen > 0, all, "{role} sees {seen}");
    }
}

/// Writes, deletes and moves allocations until told to stop; returns the longest that one took.
fn write(server: &Server, database: &str, seed: u64, over: &AtomicBool) -> (usize, Duration) {
    let mut client = server.connect(database, "writer");
    let (mut dice, mut longest, mut written) = (Dice::new(seed), Duration::ZERO, 0);
    while !over.load(Ordering::Relaxed) {
        let resource = format!("0ddba11a-0000-4000-8000-00000000{:04}", 9000 + 40 * seed as usize + dice.roll(40));
        let hour = dice.roll(1000);
        let isolation = ["read committed", "repeatable read", "serializable"][dice.roll(3)];
        // A table that is freed and taken again in one transaction; each writer has tables of its own.
        let statement = format!(
            "begin isolation level {isolation};
             delete from allocations where resource_id = '{resource}';
             insert into allocations (restaurant_id, resource_type, resource_id, \"window\")
             select '0ddba11a-0000-4000-8000-000000000001', 'table', '{resource}',
               tstzrange(t, t + interval '1 hour') from (select timestamptz '2040-01-01' + {hour} * interval '1 hour') t (t);
             update allocations set created_by = gen_random_uuid() where resource_id = '{resource}';
             commit"
        );
        let began = Instant::now();
        match client.batch_execute(&statement) {
            Ok(()) => written += 1,
            Err(error) => {
                client.batch_execute("rollback").expect("a rollback");
                let code = error.code().map(|code| code.code().to_owned());
                let lost = ["40001", "40P01"];
                assert!(code.as_deref().is_some_and(|code| lost.contains(&code)), "{error:?}");
            }
        }
        longest = longest.max(began.elapsed());
        thread::sleep(Duration::from_millis(1));
    }
    (written, longest)
}

/// Killed at any moment and run again, beside writers: what is there in the end is what the writers wrote.
#[test]
fn killed_at_any_step_it_goes_on_where_it_was() {
    let mut foreign = decorated();
    foreign.run(
        "create table audit (op text, id uuid, at timestamptz default clock_timestamp());
      create function audited() returns trigger language plpgsql as $$ begin
        insert into public.audit values (tg_op, coalesce(new.id, old.id)); return null; end $$;
      create trigger audited after insert or delete on allocations for each row execute function audited()",
    );
    // Many small batches.
    let text = script(&mut foreign).replace("pg_temp.copy(10000)", "pg_temp.copy(50)");
    let (server, database) = (foreign.server().clone(), foreign.name.clone());
    let over = AtomicBool::new(false);
    let (said, writes) = thread::scope(|scope| {
        // One writer a table: no two of them overlap.
        let writers: Vec<_> = (0..2)
            .map(|seed| {
                scope.spawn({
                    let (server, database, over) = (&server, &database, &over);
                    move || write(server, database, seed, over)
                })
            })
            .collect();
        for wait in [20_u64, 60, 100, 150, 220, 300] {
            let running = scope.spawn(|| run_in(&server, &database, &text, "swap"));
            thread::sleep(Duration::from_millis(wait));
            let mut admin = server.connect(&database, "killer");
            admin
                .batch_execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'psql'")
                .expect("a kill");
            running.join().expect("psql");
        }
        // And ended after each of its parts.
        for part in [
            "prepare_copy()'\n);\n",
            "(not shadow);\n\\endif\n",
            "call pg_temp.copy(50);\n",
            "call pg_temp.swap_in_time();\n",
        ] {
            let end = text.find(part).unwrap_or_else(|| panic!("no {part} in {text}")) + part.len();
            run_in(&server, &database, &text[..end], "swap");
        }
        let last = run_in(&server, &database, &text, "swap");
        over.store(true, Ordering::Relaxed);
        (last, writers.into_iter().map(|writer| writer.join().expect("a writer")).collect::<Vec<_>>())
    });
    assert_eq!(said.code, Some(0), "{said:?}");
    println!("writes and the longest of each writer: {writes:?}");
    assert!(writes.iter().all(|(written, longest)| *written > 20 && *longest < Duration::from_secs(10)), "{writes:?}");
    // The triggers saw every row come and go, on the old table and on the new: what they counted is what is there.
    let lost = "select count(*) from (
        select id from (select id, sum(case op when 'INSERT' then 1 else -1 end) as there from audit group by id) a where there = 1
        except select id from allocations) l";
    let extra = "select count(*) from (select id from allocations where lower(\"window\") >= '2040-01-01' except
        select id from (select id, sum(case op when 'INSERT' then 1 else -1 end) as there from audit group by id) a where there = 1) e";
    assert_eq!((foreign.value::<i64>(lost), foreign.value::<i64>(extra)), (0, 0));
    let there = "select count(*) from pg_constraint where conname = 'allocations_no_overlap' and conrelid = 'allocations'::regclass";
    assert_eq!(foreign.value::<i64>(there), 1);
    assert_eq!(foreign.value::<i64>("select count(*) from pg_class where relname like '%allocations\\_holdfast%'"), 0);
}

/// The copy is filled in short transactions: what one of them wrote is not written again when a later one fails.
#[test]
fn what_is_copied_stays_copied() {
    let mut foreign = decorated();
    let text = script(&mut foreign);
    let small = text.replace("pg_temp.copy(10000)", "pg_temp.copy(100)");
    // Something is wrong with one row in the middle.
    let part = "'call pg_temp.prepare_copy()'\n);\n";
    let end = text.find(part).expect("a copy that is prepared") + part.len();
    run(&foreign, &text[..end], "swap");
    let middle: i64 = foreign
        .value("select no::bigint from allocations order by id offset (select count(*) / 2 from allocations) limit 1");
    foreign.run(&format!(
        "create function no() returns trigger language plpgsql as $$ begin
           if new.no = {middle} then raise 'not this one'; end if; return new; end $$;
         create trigger no before insert on allocations_holdfast_new for each row execute function no()"
    ));
    let said = run(&foreign, &small, "swap");
    assert_eq!(said.code, Some(3), "{said:?}");
    let copied: Vec<String> = foreign.column("select id || ' ' || xmin from allocations_holdfast_new order by id");
    let place: i64 = foreign.value("select count(*) / 2 from allocations");
    assert_eq!(copied.len() as i64, place / 100 * 100, "whole batches before the row");
    assert!(!copied.is_empty());
    // Meanwhile a row that was copied goes, and another comes in its place at the end: it must not meet the first in the copy.
    foreign.run(
        "drop trigger no on allocations_holdfast_new; drop function no();
         with gone as (select id, resource_id, \"window\" from allocations order by id limit 1), away as (
           update allocations a set resource_id = gen_random_uuid() from gone where a.id = gone.id
         ) select set_config('swap.table', resource_id::text, false), set_config('swap.window', \"window\"::text, false) from gone;
         insert into allocations (id, restaurant_id, resource_type, resource_id, \"window\")
         values ('ffffffff-ffff-4fff-bfff-ffffffffffff', '0ddba11a-0000-4000-8000-000000000001', 'table',
           current_setting('swap.table')::uuid, current_setting('swap.window')::tstzrange)",
    );
    let said = run(&foreign, &small, "swap");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let kept: Vec<String> = foreign.column("select id || ' ' || xmin from allocations order by id");
    assert_eq!(kept[1..copied.len()], copied[1..]);
    // The two that changed came with the notes.
    let batches = "select count(distinct xmin::text) from allocations where id not in (
        (select min(id::text)::uuid from allocations), (select max(id::text)::uuid from allocations))";
    let expected = (kept.len() - 1).div_ceil(100) as i64;
    assert_eq!(foreign.value::<i64>(batches), expected, "a transaction a batch");
}

/// What it cannot keep is named, and nothing is begun.
#[test]
fn what_it_cannot_keep_is_refused_by_name() {
    let mut foreign = decorated();
    foreign.run(
        "create view taken as select id from allocations; create function of(allocations) returns int language sql return 1;
         create rule quiet as on delete to allocations where old.shadow do also nothing;
         alter table allocations drop constraint allocations_pkey cascade",
    );
    let text = script(&mut foreign);
    let before = dump(&foreign);
    let said = run(&foreign, &text, "swap");
    assert_eq!(said.code, Some(3), "{said:?}");
    for lost in ["view public.taken", "function public.of", "rule quiet", "rows without a unique id"] {
        assert!(said.err.contains(lost), "{lost}: {}", said.err);
    }
    let changed: Vec<String> = differences(&before, &dump(&foreign));
    assert!(!changed.iter().any(|line| line.contains("allocations_holdfast")), "{changed:?}");
    foreign.run(
        "drop view taken; drop function of(allocations); drop rule quiet on allocations;
         alter table allocations add primary key (id)",
    );
    assert_eq!(run(&foreign, &text, "swap").code, Some(0));
}
