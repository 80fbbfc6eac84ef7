//! What cannot be mended is refused before the first change, every reason at once; the migration and its dry run say the same.

use holdfast_e2e::foreign::{Foreign, MINIMAL};
use holdfast_e2e::script::{Said, differences};

/// A habit, and the word by which each list names it.
const HABITS: &[(&str, &str)] = &[
    // A type that our statements do not take.
    ("alter table table_inventory alter column table_number type integer using 7", "column table_inventory.table_number"),
    // A value that only the application can say.
    ("alter table bookings drop column party_size", "column bookings.party_size"),
    // A column that must have a value, and that nothing fills.
    ("alter table table_holds add column cost_centre text not null", "column table_holds.cost_centre"),
    // A table that is none.
    (
        "alter table booking_state_history rename to history; create view booking_state_history as select * from history",
        "table booking_state_history",
    ),
    // A table that is gone.
    ("drop table booking_assignment_idempotency", "table booking_assignment_idempotency"),
    // A table of another owner, to which the owner of the bookings has no right.
    (
        "do $$ begin create role refused_owner; exception when duplicate_object or unique_violation then null; end $$;
         do $$ begin create role refused_bookings; exception when duplicate_object or unique_violation then null; end $$;
         alter table bookings owner to refused_bookings; alter table table_hold_members owner to refused_owner;
         revoke all on table_hold_members from public",
        "table_hold_members",
    ),
    // A name of ours that is somebody else's table.
    ("create table holdfast_findings (note text)", "holdfast_findings"),
];

fn minimal() -> Foreign {
    let mut minimal = MINIMAL.install();
    minimal.run("create extension holdfast cascade");
    minimal
}

fn dump(foreign: &Foreign) -> Vec<String> {
    foreign.server().dump(&foreign.name, "public")
}

fn psql(foreign: &mut Foreign, form: &str) -> Said {
    let script: String = foreign.value(&format!("select holdfast.migration('public', '{form}')"));
    foreign.server().psql(&foreign.name, &script, &["overlap=window"])
}

/// Attach, the migration and its dry run refuse; none has changed anything. The reasons, as attach lists them.
fn refused(foreign: &mut Foreign, what: &str) -> Vec<String> {
    let before = dump(foreign);
    let refusal = foreign.try_run("select holdfast.attach('public')").expect_err(what);
    refusal.says("55000", "Schema public cannot be attached");
    let reasons: Vec<String> = refusal.detail.expect("a list").lines().map(str::to_owned).collect();
    for form in ["dry_run", "run"] {
        let said = psql(foreign, form);
        assert_eq!(said.code, Some(3), "{form}: {said:?}");
        assert!(said.err.contains("nothing was changed"), "{form}: {}", said.err);
        for reason in &reasons {
            assert!(said.out.contains(reason), "{form} does not say {reason}: {}", said.out);
        }
        assert!(!said.out.contains("step "), "{form} begins: {}", said.out);
    }
    assert_eq!(differences(&before, &dump(foreign)), Vec::<String>::new());
    reasons
}

#[test]
fn each_is_refused_before_the_first_change() {
    for (habit, word) in HABITS {
        let mut foreign = minimal();
        foreign.run(habit);
        let reasons = refused(&mut foreign, word);
        assert!(reasons.iter().any(|reason| reason.contains(word)), "{word}: {reasons:#?}");
    }
}

#[test]
fn all_of_them_are_said_at_once() {
    let mut foreign = minimal();
    for (habit, _) in HABITS {
        foreign.run(habit);
    }
    let reasons = refused(&mut foreign, "all of them");
    for (_, word) in HABITS {
        assert!(reasons.iter().any(|reason| reason.contains(word)), "{word}: {reasons:#?}");
    }
}
