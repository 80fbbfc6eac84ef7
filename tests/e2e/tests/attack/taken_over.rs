//! What attach and detach do with a superuser's rights: they give objects to the owner of the bookings, move functions and make
//! triggers. A role that may create in the schema, or the owner, puts other objects under these names.

use super::ground::{CREATOR, HOUSE, House, OTHER, OWNER, SERVICE};
use super::suite::{Suite, refused};

/// What CREATOR makes in the place of ours after the owner has dropped it.
const PLANTED: &[(&str, &str, &str)] = &[
    (
        "a table of ours with a trigger",
        "drop table bistro.holdfast_ended_holds cascade",
        "create table bistro.holdfast_ended_holds (hold_id uuid, ended text, ended_at timestamptz, booking_id uuid);
         create function bistro.trap() returns trigger language plpgsql as $f$ begin perform book.trap('planted'); return new; end $f$;
         create trigger trap before insert or update or delete on bistro.holdfast_ended_holds
           for each row execute function bistro.trap()",
    ),
    (
        "a table of ours with a CHECK",
        "drop table bistro.holdfast_quarantine cascade",
        "create function bistro.trap(text) returns boolean language plpgsql as $f$ begin return book.trap('planted'); end $f$;
         create table bistro.holdfast_quarantine (row_id text, task text, check (bistro.trap(task)))",
    ),
    (
        "a table of ours with a default",
        "drop table bistro.holdfast_findings cascade",
        "create function bistro.trap() returns boolean language plpgsql as $f$ begin return book.trap('planted'); end $f$;
         create table bistro.holdfast_findings (booking_id uuid, finding text, sprung boolean default bistro.trap())",
    ),
    (
        "the view that callers read",
        "drop view bistro.holdfast_reconciliation cascade",
        "create function bistro.trap() returns boolean language plpgsql as $f$ begin return book.trap('planted'); end $f$;
         create view bistro.holdfast_reconciliation as select bistro.trap() as finding",
    ),
    (
        "the function that reads it",
        "drop view bistro.holdfast_reconciliation cascade; drop function bistro.holdfast_reconciliation_read()",
        "create function bistro.holdfast_reconciliation_read() returns setof boolean language plpgsql security definer
           as $f$ begin return query select book.trap('planted'); end $f$;
         alter function bistro.holdfast_reconciliation_read() depends on extension holdfast",
    ),
    (
        "a function of the contract, as if the extension's",
        "drop function bistro.undo_confirm",
        "create function bistro.undo_confirm(p_booking_id uuid, p_idempotency_key text) returns boolean language plpgsql security definer
           as $f$ begin return book.trap('planted'); end $f$;
         alter function bistro.undo_confirm(uuid, text) depends on extension holdfast",
    ),
];

/// Everything that was made in the schema in somebody else's name, and that the owner has now.
fn of_creators(house: &mut House) -> Vec<String> {
    house.floor.column(
        "select c.oid::regclass::text from pg_class c where c.relnamespace = 'bistro'::regnamespace
           and c.relowner = 'holdfast_e2e_owner'::regrole and exists (select from book.planted p where p.oid = c.oid)
         union all select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'bistro'::regnamespace
           and p.proowner = 'holdfast_e2e_owner'::regrole and p.prosrc like '%planted%'
           and exists (select from book.planted q where q.oid = p.oid)",
    )
}

#[test]
fn what_a_creator_puts_under_our_names_does_not_become_the_owners() {
    let mut suite = Suite::new("taken_over");
    let sign = "what somebody else made is the owner's after attach, or its code runs as the owner";
    for (number, (what, dropped, planted)) in (1..).zip(PLANTED) {
        suite.house = House::new();
        suite.house.session_as(OWNER).run(dropped);
        suite.house.session_as(CREATOR).run(planted);
        suite.house.floor.run(
            "create table book.planted as
             select oid from pg_class where relowner = 'holdfast_e2e_creator'::regrole
             union all select oid from pg_proc where proowner = 'holdfast_e2e_creator'::regrole",
        );
        suite.attack(CREATOR, format!("puts there {what}; a superuser attaches again"), sign, |house| {
            let attached = house.floor.try_run(&format!("select holdfast.attach('{HOUSE}', array['{SERVICE}'])"));
            let taken = of_creators(house);
            if !taken.is_empty() {
                return Err(format!("the owner's by now: {taken:?}"));
            }
            let booking = house.booking(number);
            let table = house.tables[0];
            let _ = house.session_as(SERVICE).try_run(&format!(
                "select {HOUSE}.hold_tables('{booking}', array['{table}']::uuid[]);
                 select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k')"
            ));
            let _ = house.session_as(SERVICE).try_run(&format!("select * from {HOUSE}.holdfast_reconciliation"));
            let _ = house.floor.try_run(&format!("select * from holdfast.sweep('{HOUSE}')"));
            let ran: Vec<String> = house.floor.column("select what from book.ran where who = 'holdfast_e2e_owner'");
            match (ran.is_empty(), attached) {
                (false, _) => Err(format!("ran as the owner: {ran:?}")),
                (true, Ok(())) => Ok("it stays the creator's, or is replaced".to_owned()),
                (true, Err(refusal)) => Ok(format!("{} {}", refusal.sqlstate, refusal.detail.unwrap_or_default())),
            }
        });
    }
    assert_eq!(suite.report(PLANTED.len()), Vec::<String>::new());
}

/// While a superuser attaches, the name of the schema stays what it was: else the second half would be done to another's.
#[test]
fn nobody_renames_a_schema_under_attach() {
    let mut suite = Suite::new("renamed_under_attach");
    let sign = "the schema has another name before attach or detach has ended";
    let database = suite.house.floor.name.clone();
    suite.house.floor.run(&format!("grant create on database {database} to {OWNER}, {OTHER}"));
    let rename = |house: &House, from: &str, to: &str| {
        let mut owner = house.session_as(OWNER);
        refused(&mut owner, &format!("set lock_timeout = '500ms'; alter schema {from} rename to {to}"), &["55P03"])
    };
    for call in ["attach", "detach"] {
        suite.attack(OWNER, format!("renames the schema in the middle of {call}"), sign, |house| {
            let mut superuser = house.floor.session();
            superuser.run(&format!("begin; select holdfast.{call}('{HOUSE}')"));
            let renamed = rename(house, HOUSE, "away");
            superuser.run("rollback");
            if renamed.is_err() {
                let _ = rename(house, "away", HOUSE);
            }
            renamed
        });
    }
    // What only looks is waited for by nobody: so it would look.
    let mut superuser = suite.house.floor.session();
    superuser.run(&format!("begin; select holdfast.doctor('{HOUSE}')"));
    rename(&suite.house, HOUSE, "away").expect_err("it is renamed");
    assert_eq!(suite.report(2), Vec::<String>::new());
}
