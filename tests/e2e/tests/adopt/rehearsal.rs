//! A rehearsal finds what no list foresees, and leaves nothing behind; attach takes itself back when it finds something.

use holdfast_e2e::foreign::{APPLICATIONS, Foreign, MINIMAL, OLD};
use holdfast_e2e::{Floor, GRANTED, STRANGER, Session};
use serde_json::Value;

fn rehearse(session: &mut Session, schema: &str) -> Vec<Value> {
    session.column(&format!("select to_jsonb(r) from holdfast.rehearse('{schema}') r"))
}

fn failed(rows: &[Value]) -> Vec<&Value> {
    rows.iter().filter(|row| row["passed"] == false).collect()
}

/// Every table's rows, counted and hashed.
fn rows_of(session: &mut Session, schema: &str) -> Value {
    let tables: Vec<String> = session.column(&format!(
        "select oid::regclass::text from pg_class where relnamespace = '{schema}'::regnamespace and relkind = 'r' order by 1"
    ));
    let each = tables
        .iter()
        .map(|table| format!("'{table}', (select md5(string_agg(t::text, ',' order by t::text)) from {table} t)"));
    session.value(&format!("select jsonb_build_object({})", each.collect::<Vec<_>>().join(", ")))
}

#[test]
fn the_contract_is_rehearsed_and_nothing_is_left() {
    for application in APPLICATIONS {
        let mut foreign = application.install();
        foreign.adopt();
        let before = rows_of(&mut foreign, application.schema);
        let rows = rehearse(&mut foreign, application.schema);
        assert!(failed(&rows).is_empty(), "{}: {rows:#?}", application.name);
        let passed = |step: &str| rows.iter().any(|row| row["step"] == step && row["passed"] == true);
        for step in [
            "hold",
            "confirm by hold",
            "replay",
            "another request under the key",
            "unassign",
            "undo",
            "cancel",
            "release",
        ] {
            assert!(passed(step), "{}: {step}: {rows:#?}", application.name);
        }
        let legacy = rows.iter().any(|row| row["step"].as_str().is_some_and(|step| step.starts_with("legacy: ")));
        assert_eq!(legacy, application.deletes_holds, "{}", application.name);
        assert_eq!(rows_of(&mut foreign, application.schema), before, "{}", application.name);
    }
    // On nothing at all: rows are made, and taken back.
    let mut floor = Floor::bare();
    floor.run("create extension holdfast cascade; select holdfast.create_reference_schema('bistro'); select holdfast.attach('bistro')");
    let rows = rehearse(&mut floor, "bistro");
    assert!(failed(&rows).is_empty() && rows.len() == 14, "{rows:#?}");
    assert_eq!(floor.value::<i64>("select count(*) from bistro.restaurants"), 0);
}

/// Doctor is content with each of these, and every call would fail.
#[test]
fn what_speaks_against_it_is_named_and_attach_takes_itself_back() {
    let cases: [(&str, &str, &str, &str); 5] = [
        (
            "create function note() returns trigger language plpgsql as $$ begin insert into nowhere.logs values (1); return new; end $$;
             create trigger note after insert on booking_table_assignments for each row execute function note()",
            "confirm by hold",
            "42P01",
            "function note()",
        ),
        (
            "alter table allocations add constraint long_enough check (upper(\"window\") - lower(\"window\") > interval '9 days') not valid",
            "hold",
            "23514",
            "constraint long_enough on allocations",
        ),
        (
            "create function lazy() returns trigger language plpgsql as $$ begin raise exception 'not on Mondays' using errcode = 'ZZ001'; end $$;
             create constraint trigger lazy after update on bookings deferrable initially deferred for each row execute function lazy()",
            "confirm by hold",
            "ZZ001",
            "function lazy()",
        ),
        (
            "create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
             create trigger swallow before delete on allocations for each row execute function swallow()",
            "confirm by hold",
            "XX000",
            "",
        ),
        (
            "alter table booking_assignment_idempotency alter column table_set_hash set not null;
             create unique index one_hash on booking_assignment_idempotency (booking_id)",
            "confirm two tables",
            "",
            "",
        ),
    ];
    for (habit, step, sqlstate, spoke) in cases {
        let mut minimal = MINIMAL.install();
        minimal.run("create extension holdfast cascade");
        minimal.run(habit);
        let before = rows_of(&mut minimal, "public");
        let refusal = minimal.try_run("select holdfast.attach('public')").expect_err(habit);
        refusal.says("55000", "Schema public speaks against holdfast in a rehearsal");
        let detail = refusal.detail.clone().unwrap_or_default();
        assert!(detail.contains(&format!("{step}: {sqlstate}")) && detail.contains(spoke), "{habit}: {detail}");
        assert_eq!(rows_of(&mut minimal, "public"), before, "it took itself back");
        minimal.run("select holdfast.attach('public', p_rehearse => false)");
        let rows = rehearse(&mut minimal, "public");
        let found = failed(&rows);
        assert_eq!(found[0]["step"], step, "{rows:#?}");
        if !spoke.is_empty() {
            assert_eq!(found[0]["spoke"], spoke, "{rows:#?}");
        }
    }
}

/// The owner of the bookings lost a right on a table after attach.
#[test]
fn a_right_that_is_missing_is_named_with_the_grant() {
    let mut minimal = with_a_trap();
    minimal.adopt();
    minimal.run("alter table zones owner to current_user; alter table table_inventory owner to current_user");
    let mut mended = 0;
    for _ in 0..20 {
        let rows = rehearse(&mut minimal, "public");
        let Some(mend) = rows.iter().find_map(|row| row["mend"].as_str().filter(|_| row["passed"] == false)) else {
            break;
        };
        minimal.run(mend);
        mended += 1;
    }
    let rows = rehearse(&mut minimal, "public");
    assert!(mended > 0 && failed(&rows).is_empty(), "{mended}: {rows:#?}");
}

/// No code of the schema gets a right that its owner has not, and nobody is somebody else.
#[test]
fn it_acts_as_the_owner_and_as_who_calls() {
    let mut minimal = with_a_trap();
    minimal.adopt();
    assert!(failed(&rehearse(&mut minimal, "public")).is_empty());
    minimal.run(&format!(
        "grant usage on schema holdfast to {STRANGER}; grant execute on function holdfast.rehearse to {STRANGER}"
    ));
    let mut stranger = minimal.session_as(STRANGER);
    let refusal = stranger
        .try_run(&format!("select holdfast.rehearse('public', p_role => '{GRANTED}')"))
        .expect_err("it is no member of that role");
    assert!(["22023", "42501"].contains(&refusal.sqlstate.as_str()), "{refusal:?}");
    // Through legacy functions and the switch: ours is rehearsed all the same.
    let mut old = OLD.install();
    old.adopt();
    old.mode("original");
    let rows = rehearse(&mut old, "public");
    assert!(failed(&rows).is_empty() && rows[0]["step"] == "hold", "{rows:#?}");
}

/// A trigger that fails when it has a superuser's rights.
fn with_a_trap() -> Foreign {
    let mut minimal = MINIMAL.install();
    minimal.run(&format!(
        "grant create on schema public to {GRANTED};
         do $$ declare t regclass; begin
           for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
           loop execute format('alter table %s owner to {GRANTED}', t); end loop; end $$;
         create function trap() returns trigger language plpgsql as $$ begin
           if (select rolsuper from pg_roles where rolname = current_user) then raise exception 'a superuser'; end if;
           return new; end $$;
         create trigger trap before insert or update on allocations for each row execute function trap();
         create trigger trap before insert or update on bookings for each row execute function trap()"
    ));
    minimal
}
