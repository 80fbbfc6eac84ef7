//! An extension that came from a release is the same as one that was installed today, and what a release left behind
//! works with today's library, or says what to do.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, process, thread};

use holdfast_e2e::catalogue::Catalogue;
use holdfast_e2e::{Call, Floor, Refusal, Room, Session, at, confirm, native, seat};
use uuid::Uuid;

/// What a release installed, and what it made of a schema: `tests/upgrade`.
const RELEASES: [(&str, &str, &str); 1] = [(
    "0.1.0",
    include_str!("../../../upgrade/holdfast--0.1.0.sql"),
    include_str!("../../../upgrade/attached--0.1.0.sql"),
)];

/// Puts the scripts of the releases where the server looks for them.
fn scripts_of_releases() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let programs = Floor::bare().server().programs.clone();
        let shared = Command::new(programs.join("pg_config")).arg("--sharedir").output().expect("pg_config").stdout;
        let folder = PathBuf::from(String::from_utf8_lossy(&shared).trim()).join("extension");
        for (version, install, _) in RELEASES {
            // Another program may be doing the same: a file appears whole.
            let new = folder.join(format!("new.{}", process::id()));
            fs::write(&new, install).expect("the extensions' folder is writable");
            fs::rename(new, folder.join(format!("holdfast--{version}.sql"))).expect("one file system");
        }
    });
}

fn released(version: &str) -> Floor {
    scripts_of_releases();
    let mut floor = Floor::bare();
    floor.run(&format!("set client_min_messages = warning; create extension holdfast version '{version}' cascade"));
    floor
}

fn fresh() -> Catalogue {
    let mut floor = Floor::bare();
    floor.run("set client_min_messages = warning; create extension holdfast cascade");
    Catalogue::of_extension(&mut floor)
}

#[test]
fn an_upgraded_extension_is_the_same_as_a_fresh_one() {
    let fresh = fresh();
    assert!(fresh.len() > 60, "few properties were found: {}", fresh.len());
    for (version, _, _) in RELEASES {
        let mut floor = released(version);
        floor.run("alter extension holdfast update");
        let differences = fresh.differences(&Catalogue::of_extension(&mut floor));
        assert!(
            differences.is_empty(),
            "fresh (-) and upgraded from {version} (+) differ; run toolchain/upgrade-sql:\n{}",
            differences.join("\n")
        );
    }
}

/// Whatever somebody may forget in an upgrade script is seen, and named.
#[test]
fn a_difference_is_seen_and_named() {
    let fresh = fresh();
    let mut floor = released(RELEASES[0].0);
    floor.run("alter extension holdfast update");
    for (change, property) in [
        ("grant execute on function holdfast.hold_tables to public", "pg_catalog.text,integer): privileges"),
        ("grant select on holdfast.outcomes to public", "view holdfast.outcomes: privileges"),
        ("grant usage on schema holdfast to public", "schema holdfast: privileges"),
        ("comment on function holdfast.hold_tables is 'other words'", ": comment"),
        ("comment on view holdfast.outcomes is null", "view holdfast.outcomes: comment"),
        ("alter function holdfast.hold_tables set search_path = public", ": definition"),
        ("alter function holdfast.hold_tables security definer", ": definition"),
        ("alter function holdfast.hold_tables owner to pg_monitor", ": owner"),
        ("alter extension holdfast drop function holdfast.hold_tables", ": exists"),
        (
            "create or replace view holdfast.outcomes as select name, code, sqlstate, disposition, sentence, advice,
          http_status from holdfast.outcome_catalogue() where true",
            "view holdfast.outcomes: view",
        ),
        (
            "create function holdfast.left_over() returns int language sql as 'select 1';
          alter extension holdfast add function holdfast.left_over()",
            "holdfast.left_over(): exists",
        ),
    ] {
        floor.run("begin");
        floor.run(change);
        let differences = fresh.differences(&Catalogue::of_extension(&mut floor));
        assert!(differences.iter().any(|difference| difference.contains(property)), "{change}: {differences:?}");
        floor.run("rollback");
    }
    assert_eq!(fresh.differences(&Catalogue::of_extension(&mut floor)), Vec::<String>::new());
}

/// A schema as a release attached it, with a booking that was confirmed then.
fn attached(version: &str, script: &str) -> (Floor, Room, Uuid) {
    let mut floor = released(version);
    floor.run(script);
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    (floor, room, booking)
}

/// Refused in words that say what to do; never in those that a caller takes for "not installed".
fn assert_clean(refusal: &Refusal) {
    assert_eq!(refusal.sqlstate, "55000", "{refusal:?}");
    assert!(refusal.hint.as_deref().is_some_and(|hint| hint.contains("attach")), "{refusal:?}");
}

/// Only the library was replaced: each function of the release is in it, and calls work or are refused cleanly.
#[test]
fn a_releases_sql_has_all_its_functions_in_todays_library() {
    for (version, _, script) in RELEASES {
        let (mut floor, room, booking) = attached(version, script);
        let validated = "select fmgr_c_validator(oid)::text from pg_proc where prolang = (select oid from pg_language
                         where lanname = 'c') and probin like '%holdfast'";
        assert!(floor.column::<Option<String>>(validated).len() > 20);
        let native = native("confirm_tables").with("p_booking_id", booking).with("p_table_ids", &room.tables[..1]);
        let held = |call: Call| call.with("p_booking_id", booking).with("p_table_ids", &room.tables[..1]);
        let holds = [held(Call::new("hold_tables")), held(holdfast_e2e::native("hold_tables"))];
        let confirms = [confirm(booking, &room.tables[..1], "key"), native.with("p_idempotency_key", "key")];
        for call in confirms.into_iter().chain(holds) {
            match floor.call(&call) {
                Ok(rows) => assert_eq!(rows.len(), 1, "{rows:?}"),
                Err(refusal) => assert_clean(&refusal),
            }
        }
    }
}

#[test]
fn a_schema_of_a_release_works_after_update_and_attach() {
    for (version, _, script) in RELEASES {
        let (mut floor, room, booking) = attached(version, script);
        let early = confirm(booking, &room.tables[..1], "early");
        let answer = floor.call(&early);
        floor.run("alter extension holdfast update; select holdfast.attach('public')");
        let expected = [seat(room.tables[0], at("18:00"), at("20:00"))];
        assert_eq!(floor.seats(&early), expected);
        if let Ok(answer) = answer {
            assert_eq!(floor.done(&early), answer, "what was answered before is answered still");
        }
        let next = floor.booking(room.restaurant);
        assert_eq!(floor.seats(&confirm(next, &room.tables[1..], "key")).len(), 1);
    }
}

/// The page's indexes, built beside 0.1.0, are all that attach would have to build.
#[test]
fn the_page_builds_every_index_before_the_pause() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/upgrade.md")).expect("the page");
    let block = page.split("```sql\n").find(|part| part.starts_with("create index")).expect("the indexes");
    let block = block.split("```").next().expect("a block");
    let missing =
        "select what from holdfast.doctor('public') where what ~ '^(index|column) ' and state <> 'ok' order by what";
    let (mut floor, _, _) = attached(RELEASES[0].0, RELEASES[0].2);
    for statement in block.split_inclusive(";\n") {
        floor.run(statement);
    }
    floor.run("alter extension holdfast update");
    let columns = ["booking_assignment_idempotency.basis", "capacity_outbox.claimed_by", "capacity_outbox.last_error"];
    assert_eq!(floor.column::<String>(missing), columns.map(|column| format!("column {column}")));
}

/// The rules that an owner wrote into the tables of a release are those of today's; tables of the application that only
/// have their names are not touched.
#[test]
fn rules_of_a_release_go_with_its_tables() {
    let (mut floor, room, _) = attached(RELEASES[0].0, RELEASES[0].2);
    floor.run(&format!(
        "insert into capacity_policies (restaurant_id, extra_seats) values ('{}', 3);
         delete from booking_status_transitions where to_status = 'no_show';
         alter extension holdfast update; select holdfast.attach('public')",
        room.restaurant
    ));
    assert_eq!(floor.column::<i32>("select extra_seats from holdfast_capacity_policies"), [3]);
    assert_eq!(floor.count("holdfast_status_transitions", "to_status = 'no_show'"), 0);
    let old = "select count(*) from pg_class where relname in ('capacity_policies', 'booking_statuses',
               'booking_status_transitions', 'holdfast_attachment')";
    assert_eq!(floor.value::<i64>(old), 0);

    let (mut floor, _, _) = attached(RELEASES[0].0, RELEASES[0].2);
    floor.run(
        "alter table capacity_policies add column label text;
         alter extension holdfast update; select holdfast.attach('public')",
    );
    assert_eq!(
        floor.value::<i64>(
            "select count(*) from pg_attribute where attrelid = 'capacity_policies'::regclass and attname = 'label'"
        ),
        1
    );
    assert_eq!(floor.count("holdfast_capacity_policies", "true"), 0);
}

/// One session confirms and unassigns until it is told to stop; returns what went wrong.
fn keep_calling(mut session: Session, calls: [Call; 2], over: &AtomicBool) -> (usize, Vec<Refusal>) {
    let (mut answered, mut refused) = (0, vec![]);
    while !over.load(Ordering::Relaxed) {
        for call in &calls {
            match session.call(call) {
                Ok(_) => answered += 1,
                Err(refusal) => refused.push(refusal),
            }
        }
    }
    (answered, refused)
}

/// Calls go on while the extension is updated, in sessions that began before.
#[test]
fn calls_run_while_the_extension_is_updated() {
    for (version, _, script) in RELEASES {
        let (mut floor, room, booking) = attached(version, script);
        let ready = floor.call(&confirm(booking, &room.tables[..1], "first")).is_ok();
        let native = || native("reconcile_booking").with("p_booking_id", booking);
        let (over, other) = (AtomicBool::new(false), floor.booking(room.restaurant));
        let sessions = [floor.session(), floor.session()];
        let mut holder = floor.session();
        holder.run("begin");
        let open = holder.call(&confirm(other, &room.tables[1..], "key"));
        let (answered, refused) = thread::scope(|scope| {
            let threads = sessions.map(|session| scope.spawn(|| keep_calling(session, [native(), native()], &over)));
            floor.run("set lock_timeout = '10s'; alter extension holdfast update");
            holder.run(if open.is_ok() { "commit" } else { "rollback" });
            thread::sleep(std::time::Duration::from_millis(300));
            over.store(true, Ordering::Relaxed);
            let results = threads.map(|thread| thread.join().expect("a caller"));
            results.into_iter().fold((0, vec![]), |(sum, mut all), (answered, refused)| {
                all.extend(refused);
                (sum + answered, all)
            })
        });
        assert!(answered > 0);
        assert!(refused.is_empty(), "{:?}", refused.first());
        assert_eq!(open.is_ok(), ready);
    }
}
