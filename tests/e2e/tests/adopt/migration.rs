//! The script that a DBA runs: on each of the foreign applications, stopped after each step, with rows in its way.

use holdfast_e2e::foreign::{APPLICATIONS, Application, Foreign, MINIMAL, OLD, OTHER_LABELS};
use holdfast_e2e::script::{Said, differences};
use holdfast_e2e::{GRANTED, Session, confirm};

/// An application beside which the extension is installed, and its scripts.
struct Adopted {
    foreign: Foreign,
    schema: &'static str,
}

impl Adopted {
    fn new(application: &'static Application) -> Adopted {
        let mut foreign = application.install();
        foreign.run("set client_min_messages = warning; create extension holdfast cascade");
        Adopted { foreign, schema: application.schema }
    }

    fn script(&mut self, form: &str) -> String {
        let schema = self.schema;
        self.foreign.value(&format!("select holdfast.migration('{schema}', '{form}')"))
    }

    fn psql(&self, script: &str) -> Said {
        let roles = format!("roles={{{GRANTED}}}");
        self.foreign.server().psql(&self.foreign.name, script, &["overlap=window", &roles])
    }

    fn dump(&self) -> Vec<String> {
        self.foreign.server().dump(&self.foreign.name, self.schema)
    }

    /// What doctor still finds missing or wrong, but for what only attach adds and what a person decides.
    fn left(&mut self) -> Vec<String> {
        let schema = self.schema;
        self.foreign.column(&format!(
            "select what from holdfast.doctor('{schema}') where state in ('missing', 'wrong')
             and what not like 'wrapper %' and what not like 'status %'"
        ))
    }

    fn migrate(&mut self) -> Vec<String> {
        let script = self.script("run");
        let said = self.psql(&script);
        assert_eq!(said.code, Some(0), "{said:?}");
        self.dump()
    }
}

/// The script up to and including each of its steps but the last.
fn beginnings(script: &str) -> Vec<&str> {
    let starts: Vec<usize> = script.match_indices("\n\\echo 'step ").map(|(at, _)| at + 1).collect();
    assert!(starts.len() > 5, "few steps were found in\n{script}");
    starts[1..].iter().map(|next| &script[..*next]).collect()
}

fn rows(session: &mut Session, schema: &str) -> String {
    session.value(&format!(
        "select string_agg(to_jsonb(b)::text, ',' order by b.id) from (select id, status, start_at from {schema}.bookings) b"
    ))
}

#[test]
fn it_brings_each_application_to_where_attach_finds_everything() {
    for application in APPLICATIONS {
        let mut adopted = Adopted::new(application);
        let before = rows(&mut adopted.foreign, application.schema);
        assert!(!adopted.left().is_empty(), "{}: nothing to do", application.name);
        let script = adopted.script("run");
        let said = adopted.psql(&script);
        assert_eq!(said.code, Some(0), "{}: {said:?}", application.name);
        assert_eq!(adopted.left(), Vec::<String>::new(), "{}", application.name);
        let dump = adopted.dump();
        let again = adopted.psql(&script);
        // Attach warns of what its functions see, where a table has row security.
        let err: Vec<&str> = again.err.lines().filter(|line| !line.contains("WARNING:  row security of ")).collect();
        assert_eq!((again.code, err), (Some(0), Vec::new()), "{}: {}", application.name, again.out);
        assert_eq!(differences(&dump, &adopted.dump()), Vec::<String>::new(), "{}", application.name);
        assert_eq!(rows(&mut adopted.foreign, application.schema), before);
    }
}

#[test]
fn calls_work_after_it() {
    for application in [&OLD, &MINIMAL] {
        let mut adopted = Adopted::new(application);
        adopted.migrate();
        let foreign = &mut adopted.foreign;
        let restaurant = foreign.restaurant("UTC");
        let zone = foreign.zone(restaurant);
        let values: [(&str, &dyn holdfast_e2e::Literal); 4] =
            [("restaurant_id", &restaurant), ("zone_id", &zone), ("table_number", &"1"), ("capacity", &4)];
        let table = foreign.insert("table_inventory", &values);
        let booking = foreign.booking(restaurant);
        let mut caller = foreign.session_as(GRANTED);
        assert_eq!(caller.seats(&confirm(booking, &[table], "key")).len(), 1, "{}", application.name);
    }
}

/// The way back, printed before: nothing of the application is lost, and what stays are columns and tables that have data by
/// now. No function, no index and no constraint on its own tables is left.
#[test]
fn the_way_back_leaves_only_what_has_data() {
    for application in APPLICATIONS {
        let mut adopted = Adopted::new(application);
        let (before, back) = (adopted.dump(), adopted.script("back"));
        adopted.migrate();
        let said = adopted.psql(&back);
        assert_eq!(said.code, Some(0), "{}: {said:?}", application.name);
        let left = differences(&before, &adopted.dump());
        // A column that was the last has a comma behind it now.
        let plain = |line: &String| line[2..].trim_end_matches(',').to_owned();
        let new: Vec<String> = left.iter().filter(|line| line.starts_with('+')).map(plain).collect();
        let gone: Vec<String> = left.iter().filter(|line| line.starts_with('-')).map(plain).collect();
        let lost: Vec<&String> = gone.iter().filter(|line| !new.contains(line)).collect();
        assert!(lost.is_empty(), "{}: {lost:?}", application.name);
        let rules = [
            "holdfast_status_transitions",
            "holdfast_booking_statuses",
            "holdfast_capacity_policies",
            "holdfast_reconciliation_policies",
        ];
        let ours: Vec<&str> = rules.into_iter().chain(["holdfast_"]).collect();
        let too_much = new.iter().filter(|line| !gone.contains(line)).filter(|line| {
            ["FUNCTION", "CREATE INDEX", "CREATE UNIQUE INDEX", "ADD CONSTRAINT", "CREATE TRIGGER", "CREATE VIEW"]
                .iter()
                .any(|word| line.contains(word) && !ours.iter().any(|table| line.contains(table)))
        });
        let too_much: Vec<&String> = too_much.collect();
        assert!(too_much.is_empty(), "{}: {too_much:?}", application.name);
    }
}

/// Killed after each step and run again: the same end.
#[test]
fn stopped_after_any_step_it_ends_in_the_same_state() {
    for application in [&OLD, &MINIMAL] {
        let mut whole = Adopted::new(application);
        let script = whole.script("run");
        let expected = whole.migrate();
        for beginning in beginnings(&script) {
            let stopped = Adopted::new(application);
            assert_eq!(stopped.psql(beginning).code, Some(0));
            let said = stopped.psql(&script);
            let last = beginning.lines().rfind(|line| line.starts_with("\\echo 'step"));
            assert_eq!(said.code, Some(0), "{} after {last:?}: {said:?}", application.name);
            assert_eq!(
                differences(&expected, &stopped.dump()),
                Vec::<String>::new(),
                "{} after {last:?}",
                application.name
            );
        }
    }
}

/// A build that failed leaves an invalid index behind.
#[test]
fn an_index_that_a_failed_build_left_is_built_anew() {
    let mut whole = Adopted::new(&MINIMAL);
    let expected = whole.migrate();
    let mut adopted = Adopted::new(&MINIMAL);
    let script = adopted.script("run");
    let mut writer = adopted.foreign.session();
    writer.run("begin; update public.table_holds set zone_id = zone_id; insert into public.booking_state_history (booking_id, to_status) select id, 'pending' from public.bookings");
    for build in [
        "create index concurrently booking_state_history_booking_idx on public.booking_state_history (booking_id)",
        "create unique index concurrently booking_table_assignments_booking_table_key_building
           on public.booking_table_assignments (booking_id, table_id)",
    ] {
        adopted.foreign.run("set statement_timeout = '200ms'");
        // Only the first waits for the writer; the second fails on its rows.
        if build.contains("unique") {
            adopted.foreign.run("set statement_timeout = '30s'");
            writer.run("rollback");
            adopted.foreign.run(
                "insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at)
              select booking_id, table_id, start_at, end_at from public.booking_table_assignments",
            );
        }
        adopted.foreign.try_run(build).expect_err("the build fails");
    }
    let invalid = "select count(*) from pg_index where not indisvalid";
    assert_eq!(adopted.foreign.value::<i64>(invalid), 2);
    let said = adopted.psql(&script);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.out.contains("these rows are in its way") && said.err.contains("stopped: rows violate unique"),
        "{said:?}"
    );
    assert_eq!(
        adopted.foreign.value::<i64>("select count(*) from public.booking_table_assignments"),
        8,
        "nothing is deleted"
    );
    adopted.foreign.run(
        "delete from public.booking_table_assignments a using public.booking_table_assignments b
      where a.booking_id = b.booking_id and a.table_id = b.table_id and a.ctid > b.ctid",
    );
    assert_eq!(adopted.psql(&script).code, Some(0));
    assert_eq!(adopted.foreign.value::<i64>(invalid), 0);
    assert_eq!(differences(&expected, &adopted.dump()), Vec::<String>::new());
}

/// Rows that overlap are shown, not deleted; the choice of how to add the constraint is asked for.
#[test]
fn overlapping_rows_stop_it() {
    let mut adopted = Adopted::new(&MINIMAL);
    let script = adopted.script("run");
    let asked = adopted.foreign.server().psql(&adopted.foreign.name, &script, &[]);
    assert_eq!(asked.code, Some(3), "{asked:?}");
    assert!(asked.err.contains("choose with -v overlap=") && asked.out.contains("every writer"), "{asked:?}");
    let twice = "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\")
                 select restaurant_id, resource_type, resource_id, \"window\" from public.allocations limit 1 returning id";
    let row: uuid::Uuid = adopted.foreign.value(twice);
    let table = adopted.foreign.get("allocations", row, "resource_id").expect("a table");
    for _ in 0..2 {
        let said = adopted.psql(&script);
        assert_eq!(said.code, Some(3));
        assert!(said.out.contains(&table) && said.out.contains("taken_until"), "the row is shown: {}", said.out);
    }
    adopted.foreign.run(&format!("delete from public.allocations where id = '{row}'"));
    assert_eq!(adopted.psql(&script).code, Some(0));
}

#[test]
fn a_dry_run_changes_nothing() {
    for application in APPLICATIONS {
        let mut adopted = Adopted::new(application);
        let (before, snapshot) = (adopted.dump(), adopted.foreign.snapshot());
        let script = adopted.script("dry_run");
        let said = adopted.psql(&script);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
        assert!(said.out.contains("step 1: ") && said.out.contains("alter table"), "{}", said.out);
        assert_eq!(differences(&before, &adopted.dump()), Vec::<String>::new());
        assert!(adopted.foreign.snapshot() == snapshot);
    }
}

/// Who answers is said in the transaction that attaches: a running system is never at a hundred per cent in between.
#[test]
fn it_says_who_answers_from_attach_on() {
    let rollout = "select mode || ' ' || percentage from public.holdfast_rollout order by restaurant_id";
    let run = |adopted: &Adopted, script: &str, mode: &str| {
        let (roles, mode) = (format!("roles={{{GRANTED}}}"), format!("rollout={mode}"));
        adopted.foreign.server().psql(&adopted.foreign.name, script, &["overlap=window", &roles, &mode])
    };
    let mut old = Adopted::new(&OLD);
    let script = old.script("run");
    let refused = run(&old, &script, "off");
    assert!(refused.code == Some(3) && refused.err.contains("no rollout has the mode off"), "{refused:?}");
    assert!(old.foreign.value::<bool>("select to_regclass('public.holdfast_rollout') is null"), "nothing was changed");
    for (mode, stands) in [("shadow", "shadow 100"), ("original", "shadow 100")] {
        let said = run(&old, &script, mode);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(old.foreign.column::<String>(rollout), [stands], "after {mode}");
        let named = |schema: &str| format!("alter function {schema}.assign_tables_atomic_v2(uuid,uuid[],text,");
        let advised = said.out.contains(&named("public_legacy")) && !said.out.contains(&named("public"));
        assert!(advised, "names as they are after attach: {}", said.out);
    }
    // Nobody is there whom bookings could be left to.
    let mut minimal = Adopted::new(&MINIMAL);
    let script = minimal.script("run");
    assert_eq!(run(&minimal, &script, "original").code, Some(0));
    assert_eq!(minimal.foreign.column::<String>(rollout), [""; 0]);
}

#[test]
fn another_form_or_schema_is_refused() {
    let mut adopted = Adopted::new(&OTHER_LABELS);
    let call = |form: &str| format!("select holdfast.migration('{}', '{form}')", OTHER_LABELS.schema);
    let refusal = adopted.foreign.try_run(&call("forward")).expect_err("no such form");
    refusal.says("22023", "p_form must be run, dry_run or back, not forward");
    assert!(adopted.foreign.value::<bool>("select holdfast.migration(null) is null"));
}

/// Somebody who holds a lock for a while does not make it fail, and nobody queues behind it meanwhile.
#[test]
fn it_waits_for_others_without_standing_in_the_way() {
    let mut adopted = Adopted::new(&MINIMAL);
    let script = adopted.script("run");
    let (mut holder, mut writer) = (adopted.foreign.session(), adopted.foreign.session());
    holder.run("begin; select count(*) from public.bookings");
    let (server, database) = (adopted.foreign.server().clone(), adopted.foreign.name.clone());
    let done = std::thread::scope(|scope| {
        let running = scope.spawn(|| server.psql(&database, &script, &["overlap=window"]));
        let waits = "select exists (select from pg_locks where relation = 'public.bookings'::regclass and not granted)";
        holdfast_e2e::eventually(&mut writer, waits);
        writer.run("set statement_timeout = '5s'");
        for _ in 0..20 {
            writer.run("update public.bookings set customer_id = customer_id");
        }
        holder.run("commit");
        running.join().expect("psql")
    });
    assert_eq!(done.code, Some(0), "{done:?}");
}

/// For people who keep migrations in version control: what the contract's tables get in a schema public that has nothing
/// else. Each of its steps passes over what is there. With HOLDFAST_WRITE set, the files are written. The psql of an older
/// server knows no `\\restrict`.
#[test]
fn the_files_are_what_it_prints() {
    let mut adopted = Adopted::new(&MINIMAL);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql/migration");
    for form in ["run", "dry_run", "back"] {
        let (path, printed) = (format!("{folder}/{form}.sql"), adopted.script(form) + "\n");
        if std::env::var_os("HOLDFAST_WRITE").is_some() {
            std::fs::write(&path, &printed).expect("a file");
        }
        let stands = std::fs::read_to_string(&path).unwrap_or_default();
        let lines = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains("restrict only")).map(str::to_owned).collect()
        };
        assert!(
            lines(&stands) == lines(&printed),
            "{path} is not what holdfast.migration prints; run this test with HOLDFAST_WRITE=1"
        );
    }
}
