//! Code of the application that calls us while we call it: errors pass through every level once, and can be ended.

use std::time::{Duration, Instant};

use holdfast_e2e::{Floor, Refusal, confirm};
use uuid::Uuid;

/// A booking whose assignments fire a trigger that calls us again, so many times; then it says no.
fn recursive(floor: &mut Floor, depth: u32) -> (Uuid, Uuid) {
    floor.run(&format!(
        "create or replace function public.again() returns trigger language plpgsql as $$
         declare depth integer := coalesce(nullif(current_setting('app.depth', true), ''), '0')::integer;
         begin
           if depth >= {depth} then raise exception 'deep enough' using errcode = 'AB123'; end if;
           perform set_config('app.depth', (depth + 1)::text, true);
           perform * from public.assign_tables_atomic_v2(new.booking_id, array[new.table_id], 'level ' || depth);
           perform set_config('app.depth', depth::text, true);
           return new;
         end $$;
         create or replace trigger again before insert on public.booking_table_assignments
           for each row execute function public.again()"
    ));
    let room = floor.room(1);
    (floor.booking(room.restaurant), room.tables[0])
}

fn fail(floor: &mut Floor, depth: u32) -> (Refusal, Duration) {
    let (booking, table) = recursive(floor, depth);
    let call = confirm(booking, &[table], "key");
    floor.refused(&call);
    let began = Instant::now();
    let refusal = floor.refused(&call);
    (refusal, began.elapsed())
}

/// Each level adds its own lines to the context, once, and none of our statements.
#[test]
fn the_context_grows_with_the_depth_and_no_faster() {
    let mut floor = Floor::new();
    let mut lines = Vec::new();
    for depth in [2, 4, 8] {
        let (refusal, _) = fail(&mut floor, depth);
        refusal.says("AB123", "deep enough");
        let context = refusal.context.unwrap_or_default();
        assert!(!context.contains("holdfast."), "a statement of ours in\n{context}");
        let own = context.lines().filter(|line| line.contains("again()")).count();
        assert_eq!(own, depth as usize + 1, "{context}");
        lines.push(context.lines().count());
    }
    assert_eq!(lines[2] - lines[1], 2 * (lines[1] - lines[0]), "{lines:?}");
}

/// A recursion without an end is ended by the server, at once.
#[test]
fn an_unbounded_recursion_ends_at_once() {
    let mut floor = Floor::new();
    let (refusal, took) = fail(&mut floor, u32::MAX / 2);
    assert_eq!(refusal.sqlstate, "54001", "{}", refusal.message);
    println!("54001 after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(refusal.context.unwrap_or_default().len() < 1_000_000);
}

/// Whoever waits at the bottom can be ended, by all three.
#[test]
fn a_deep_call_can_be_cancelled_and_terminated() {
    for (end, sqlstate) in [("cancel", "57014"), ("terminate", "57P01"), ("timeout", "57014")] {
        let mut floor = Floor::new();
        let (booking, table) = recursive(&mut floor, 20);
        floor.run(
            "create function public.sleep() returns trigger language plpgsql as
               $$ begin if current_setting('app.depth', true) = '20' then perform pg_sleep(60); end if; return new; end $$;
             create trigger aaa before insert on public.booking_table_assignments for each row execute function public.sleep()",
        );
        let mut deep = floor.session();
        let pid: i32 = deep.value("select pg_backend_pid()");
        if end == "timeout" {
            deep.run("set statement_timeout = '3s'");
        }
        let call = confirm(booking, &[table], "key");
        let took = std::thread::scope(|scope| {
            let asked =
                scope.spawn(move || deep.client.simple_query(&format!("select * from {}", call.sql())).map(|_| ()));
            let asleep =
                format!("select coalesce(wait_event = 'PgSleep', false) from pg_stat_activity where pid = {pid}");
            while !floor.value::<bool>(&asleep) {
                std::thread::sleep(Duration::from_millis(20));
            }
            let began = Instant::now();
            if end != "timeout" {
                floor.run(&format!("select pg_{end}_backend({pid})"));
            }
            let error = asked.join().expect("no panic").expect_err("it was ended");
            let code = error.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some(sqlstate), "{end}: {error}");
            began.elapsed()
        });
        assert!(took < Duration::from_secs(8), "{end}: {took:?}");
    }
}
