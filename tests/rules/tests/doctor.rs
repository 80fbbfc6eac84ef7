//! From what the catalogue says to what a doctor says.

use holdfast::rules::attach::mend::{mends, unmet};
use holdfast::rules::catalogue::declared::declared;
use holdfast::rules::catalogue::facts::{
    Column, Constraint, Facts, Index, Server, StatusFacts, TableFacts, TriggerFacts,
};
use holdfast::rules::catalogue::function::{FunctionArgument, FunctionFacts};
use holdfast::rules::catalogue::name::quoted;
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::{DoctorFinding, MendStep, State};
use holdfast::rules::index::key::{Overlap, overlap};
use holdfast::rules::schema::application_tables::APPLICATION;
use holdfast::rules::schema::column::ApplicationTable;

pub const ASSIGN: &str = "create or replace function app.assign(p_booking_id uuid, p_table_ids uuid[] default null, \
    p_status app.booking_status default 'confirmed')\nreturns table (table_id uuid, start_at timestamptz)\nlanguage c;";

pub fn facts() -> Facts {
    let mut facts = Facts { schema: "app".to_owned(), ..Facts::default() };
    facts.ours = declared(ASSIGN, &facts);
    facts
}

pub fn found<'a>(findings: &'a [DoctorFinding], what: &str) -> &'a DoctorFinding {
    findings.iter().find(|finding| finding.what == what).unwrap_or_else(|| {
        panic!("nothing about {what}: {:?}", findings.iter().map(|finding| &finding.what).collect::<Vec<_>>())
    })
}

pub fn says_nothing(facts: &Facts, what: &str) {
    let findings = examine(facts);
    let found = findings.iter().find(|finding| finding.what.contains(what));
    assert!(found.is_none(), "{found:?}");
}

pub fn column(name: &str, type_name: &str) -> Column {
    Column { name: name.to_owned(), type_name: type_name.to_owned(), ..Column::default() }
}

pub fn table(name: &str, columns: Vec<Column>) -> TableFacts {
    TableFacts { name: name.to_owned(), kind: "r".to_owned(), columns, ..TableFacts::default() }
}

pub fn function(name: &str, arguments: &[(&str, &str, &str)], defaults: usize) -> FunctionFacts {
    let argument = |(name, type_name, mode): &(&str, &str, &str)| FunctionArgument {
        name: (*name).to_owned(),
        type_name: (*type_name).to_owned(),
        mode: (*mode).to_owned(),
    };
    FunctionFacts {
        name: name.to_owned(),
        signature: format!("app.{name}()"),
        kind: "f".to_owned(),
        defaults,
        arguments: arguments.iter().map(argument).collect(),
        ..FunctionFacts::default()
    }
}

#[test]
fn a_missing_table_is_named_and_an_optional_one_is_not_missed() {
    let findings = examine(&facts());
    let bookings = found(&findings, "table bookings");
    assert_eq!((bookings.state, &bookings.step, bookings.promise), (State::Missing, &MendStep::Nothing, "G1"));
    assert!(bookings.mend.is_empty(), "which columns beyond ours it has is not ours to say");
    assert_eq!(found(&findings, "table capacity_outbox").state, State::Ok);
}

#[test]
fn columns_are_judged_by_what_our_statements_do_with_them() {
    let mut facts = facts();
    let not_null = |column: Column| Column { not_null: true, ..column };
    facts.tables = vec![table(
        "booking_table_assignments",
        vec![
            Column { filled: true, ..not_null(column("id", "bigint")) },
            not_null(column("booking_id", "uuid")),
            not_null(column("slot_id", "uuid")),
            not_null(column("tenant", "text")),
            Column { filled: true, ..not_null(column("shift", "text")) },
        ],
    )];
    let findings = examine(&facts);
    let of = |name: &str| found(&findings, &format!("column booking_table_assignments.{name}"));
    assert_eq!(of("id").state, State::Wrong);
    assert!(of("id").why.contains("bigint"), "{}", of("id").why);
    assert_eq!(of("slot_id").mend, ["alter table app.booking_table_assignments alter column slot_id drop not null"]);
    assert_eq!(of("slot_id").undo, ["alter table app.booking_table_assignments alter column slot_id set not null"]);
    assert_eq!((of("tenant").state, of("tenant").mend.len()), (State::Wrong, 0));
    assert_eq!(of("table_id").state, State::Missing);
    let about = |name: &str| findings.iter().filter(|finding| finding.what.contains(name)).count();
    assert_eq!((about("assignments.shift"), about("assignments.booking_id")), (0, 0));
}

#[test]
fn a_column_that_only_the_application_can_fill_says_so() {
    let mut facts = facts();
    facts.tables = vec![table("bookings", vec![column("id", "uuid")])];
    let findings = examine(&facts);
    let status = found(&findings, "column bookings.status");
    assert_eq!((status.state, status.mend.len()), (State::Missing, 0));
    assert!(status.why.ends_with("which value old rows get is the application's to say"), "{}", status.why);
}

#[test]
fn a_column_that_attach_needs_is_added_with_its_default() {
    let mut facts = facts();
    facts.tables = vec![table("booking_assignment_idempotency", vec![column("booking_id", "uuid")])];
    let findings = examine(&facts);
    let mend = |name: &str| found(&findings, &format!("column booking_assignment_idempotency.{name}")).mend.clone();
    let add = "alter table app.booking_assignment_idempotency add column if not exists";
    assert_eq!(mend("outcome"), [format!("{add} outcome text not null default 'confirmed'")]);
    assert_eq!(mend("request"), [format!("{add} request jsonb")]);
}

#[test]
fn a_column_that_a_trigger_fills_is_a_risk() {
    let mut facts = facts();
    let tenant = Column { not_null: true, ..column("tenant", "text") };
    facts.tables = vec![table("allocations", vec![Column { filled: true, ..column("id", "uuid") }, tenant])];
    facts.triggers = vec![TriggerFacts {
        table: "allocations".to_owned(),
        name: "fill".to_owned(),
        enabled: "O".to_owned(),
        before_row: true,
        on_insert: true,
        body: "begin new.tenant := 'x'; if false then RETURN   NULL; end if; return new; end".to_owned(),
        ..TriggerFacts::default()
    }];
    let findings = examine(&facts);
    assert_eq!(found(&findings, "column allocations.tenant").state, State::Risky);
    assert_eq!(found(&findings, "trigger fill on allocations").state, State::Risky);
}

pub fn exclusion(pairs: &[(&str, &str)], predicate: Option<&str>, deferrable: bool) -> Constraint {
    Constraint {
        table: "allocations".to_owned(),
        name: "no_overlap".to_owned(),
        kind: "x".to_owned(),
        validated: true,
        deferrable,
        columns: pairs.iter().map(|(column, _)| Some((*column).to_owned())).collect(),
        operators: pairs.iter().map(|(_, operator)| (*operator).to_owned()).collect(),
        predicate: predicate.map(str::to_owned),
        ..Constraint::default()
    }
}

#[test]
fn an_exclusion_may_be_stricter_than_ours_but_not_weaker() {
    let window = ("window", "&&");
    let ours = [("restaurant_id", "="), ("resource_type", "="), ("resource_id", "="), window];
    let cases: &[(Constraint, Option<&str>)] = &[
        (exclusion(&ours, Some("(NOT shadow)"), false), None),
        (exclusion(&ours, Some("(shadow IS NOT TRUE)"), false), None),
        (exclusion(&ours, None, false), None),
        (exclusion(&[("resource_id", "="), window], None, false), None),
        (exclusion(&ours, Some("(NOT shadow)"), true), Some("deferrable")),
        (exclusion(&ours, Some("((NOT shadow) AND (NOT is_maintenance))"), false), Some("skips rows")),
        (exclusion(&[("resource_id", "="), ("booking_id", "="), window], None, false), Some("differ in booking_id")),
        (exclusion(&[("resource_id", "<>"), window], None, false), Some("differ in resource_id")),
    ];
    for (constraint, weakness) in cases {
        match (overlap(constraint), weakness) {
            (Overlap::Holds, None) => {}
            (Overlap::Weaker(why), Some(words)) => assert!(why.contains(words), "{why}"),
            (judged, _) => panic!("{constraint:?}: {judged:?}"),
        }
    }
    assert_eq!(overlap(&exclusion(&[("resource_id", "=")], None, false)), Overlap::Other);
}

#[test]
fn a_missing_exclusion_says_its_price_and_what_stands_in_its_way() {
    let mut facts = facts();
    facts.tables = vec![table("allocations", vec![column("window", "tstzrange")])];
    let findings = examine(&facts);
    let overlap = found(&findings, "exclusion of overlapping allocations");
    assert_eq!(overlap.state, State::Missing);
    assert!(matches!(overlap.step, MendStep::Blocking { .. }), "{:?}", overlap.step);
    assert!(overlap.why.contains("stops every writer"), "{}", overlap.why);
    assert!(overlap.violations.as_ref().is_some_and(|query| query.starts_with("select ")));
    facts.constraints = vec![exclusion(&[("resource_id", "="), ("window", "&&")], Some("(false)"), false)];
    let findings = examine(&facts);
    let overlap = found(&findings, "exclusion of overlapping allocations");
    assert_eq!((overlap.state, overlap.mend.len()), (State::Wrong, 2));
    assert_eq!(overlap.mend[0], "alter table app.allocations drop constraint no_overlap");
}

pub fn index(table: &str, name: &str, columns: &[&str], unique: bool) -> Index {
    Index {
        table: table.to_owned(),
        name: name.to_owned(),
        method: "btree".to_owned(),
        unique,
        usable: true,
        valid: true,
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        shape: columns.join(" "),
        ..Index::default()
    }
}

#[test]
fn a_unique_key_has_to_speak_at_once() {
    let mut facts = facts();
    facts.tables =
        vec![table("booking_table_assignments", vec![column("booking_id", "uuid"), column("table_id", "uuid")])];
    let what = "unique booking_table_assignments (booking_id, table_id)";
    let findings = examine(&facts);
    assert_eq!(found(&findings, what).state, State::Missing);
    assert!(found(&findings, what).mend[0].starts_with("create unique index concurrently"));
    facts.indexes = vec![index("booking_table_assignments", "u", &["table_id", "booking_id"], true)];
    assert_eq!(found(&examine(&facts), what).state, State::Ok);
    facts.indexes[0].usable = false;
    assert_eq!(found(&examine(&facts), what).state, State::Wrong);
    facts.indexes[0].usable = true;
    facts.indexes[0].predicate = Some("(table_id IS NOT NULL)".to_owned());
    assert_eq!(found(&examine(&facts), what).state, State::Missing);
}

/// Making columns NOT NULL reads the table under a lock; a unique constraint serves as well and reads nothing.
#[test]
fn a_primary_key_is_offered_where_no_column_may_be_null() {
    let mut facts = facts();
    let kind = |facts: &Facts| {
        let findings = examine(facts);
        let add = found(&findings, "unique bookings (id)").mend[1].clone();
        add.strip_prefix("alter table app.bookings add constraint bookings_pkey ").expect("the constraint").to_owned()
    };
    facts.tables = vec![table("bookings", vec![Column { not_null: true, ..column("id", "uuid") }])];
    assert_eq!(kind(&facts), "primary key using index bookings_pkey_building");
    facts.tables[0].columns[0].not_null = false;
    assert_eq!(kind(&facts), "unique using index bookings_pkey_building");
}

#[test]
fn a_path_is_served_by_any_index_that_begins_with_it() {
    let mut facts = facts();
    facts.tables = vec![table("table_holds", vec![column("booking_id", "uuid"), column("status", "app.hold_status")])];
    let what = "index table_holds (booking_id) where status = 'active'";
    let findings = examine(&facts);
    assert_eq!(
        found(&findings, what).mend,
        ["create index concurrently if not exists table_holds_live_booking_idx on app.table_holds (booking_id) \
          where status = 'active'::app.hold_status"]
    );
    assert_eq!(found(&findings, what).undo, ["drop index concurrently if exists app.table_holds_live_booking_idx"]);
    facts.indexes = vec![index("table_holds", "i", &["booking_id", "created_at"], false)];
    assert_eq!(found(&examine(&facts), what).state, State::Ok);
    for (predicate, state) in [
        ("(status = 'active'::app.hold_status)", State::Ok),
        ("(status = 'active'::\"Grand Café\".hold_status)", State::Ok),
        ("(status = 'expired'::app.hold_status)", State::Missing),
    ] {
        facts.indexes[0].predicate = Some(predicate.to_owned());
        assert_eq!(found(&examine(&facts), what).state, state, "{predicate}");
    }
}

/// Two reports can be compared: nothing is said twice by one name.
#[test]
fn each_finding_has_a_name_of_its_own() {
    let mut facts = facts();
    let asked = |needed: &ApplicationTable| needed.asked().map(|one| column(one.name, one.kind.full())).collect();
    facts.tables = APPLICATION.iter().map(|needed| table(needed.name, asked(needed))).collect();
    let findings = examine(&facts);
    let mut names: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
    names.sort_unstable();
    let twice: Vec<&[&str]> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty() && names.len() > 50, "{twice:?}");
}

#[test]
fn of_two_equal_indexes_one_goes_and_a_constraint_never() {
    let mut facts = facts();
    let mut key = index("bookings", "key", &["id"], true);
    key.backs_constraint = true;
    facts.indexes = vec![
        index("bookings", "a", &["restaurant_id"], false),
        index("bookings", "b", &["restaurant_id"], false),
        index("bookings", "c", &["restaurant_id", "start_at"], false),
        index("bookings", "d", &["id"], false),
        key,
    ];
    let findings = examine(&facts);
    let of = |name: &str| found(&findings, &format!("index {name} on bookings"));
    assert_eq!(of("b").mend, ["drop index concurrently if exists app.b"]);
    assert_eq!(of("d").mend, ["drop index concurrently if exists app.d"]);
    assert!(of("a").mend.is_empty() && of("a").why.contains("c begins with"), "{:?}", of("a"));
    assert!(
        !findings
            .iter()
            .any(|finding| ["index c on bookings", "index key on bookings"].contains(&finding.what.as_str()))
    );
}

#[test]
fn a_label_without_a_rule_is_found_before_and_after() {
    let mut facts = facts();
    let labels = Some(["pending", "walked_in", "seated"].map(str::to_owned).to_vec());
    facts.tables =
        vec![table("bookings", vec![Column { type_kind: "e".to_owned(), labels, ..column("status", "app.s") }])];
    let findings = examine(&facts);
    assert_eq!(found(&findings, "status pending").state, State::Ok);
    assert_eq!(
        (found(&findings, "status walked_in").state, found(&findings, "status walked_in").mend.len()),
        (State::Risky, 0)
    );
    facts.status_rules = Some(StatusFacts {
        statuses: vec!["pending".to_owned(), "seated".to_owned()],
        moving: vec!["pending".to_owned()],
        targets: vec![],
    });
    let findings = examine(&facts);
    assert_eq!(found(&findings, "status pending").state, State::Ok);
    assert_eq!(found(&findings, "status seated").state, State::Risky);
    assert_eq!(found(&findings, "status walked_in").state, State::Missing);
    assert_eq!(
        found(&findings, "status walked_in").mend,
        ["insert into app.holdfast_booking_statuses (status) values ('walked_in') on conflict do nothing"]
    );
    assert_eq!(found(&findings, "target of a confirm").state, State::Wrong);
}

#[test]
fn the_server_is_looked_at() {
    let mut facts = facts();
    facts.server = Server {
        preloaded: Some("pg_stat_statements".to_owned()),
        isolation: "read committed".to_owned(),
        synchronous_commit: "on".to_owned(),
        fsync: true,
        full_page_writes: true,
        poolers: vec!["pgbouncer".to_owned()],
        ..Server::default()
    };
    let findings = examine(&facts);
    let preload = found(&findings, "shared_preload_libraries");
    assert_eq!(preload.mend, ["alter system set shared_preload_libraries = 'pg_stat_statements', 'holdfast'"]);
    assert_eq!(preload.undo, ["alter system set shared_preload_libraries = 'pg_stat_statements'"]);
    assert_eq!(found(&findings, "pooling proxy").state, State::Ok);
    says_nothing(&facts, "fsync");
    let gone = found(&findings, "client_connection_check_interval");
    assert_eq!(
        (gone.state, gone.mend[0].as_str()),
        (State::Risky, "alter system set client_connection_check_interval = '1s'")
    );
    assert_eq!(gone.undo, ["alter system reset client_connection_check_interval"]);
    for weaker in ["counted", "never_seen", "shadow", "no worker", "automatic"] {
        assert!(preload.why.contains(weaker), "{weaker}: {}", preload.why);
    }
    facts.server.connection_check = true;
    says_nothing(&facts, "client_connection_check_interval");
    facts.server.preloaded = Some("pg_stat_statements, holdfast".to_owned());
    facts.server.fsync = false;
    facts.server.isolation = "serializable".to_owned();
    let findings = examine(&facts);
    assert_eq!(found(&findings, "shared_preload_libraries").state, State::Ok);
    assert_eq!(found(&findings, "fsync").state, State::Wrong);
    assert_eq!(found(&findings, "default_transaction_isolation").state, State::Risky);
}

#[test]
fn names_are_quoted_where_they_have_to_be() {
    for (name, sql) in
        [("bookings", "bookings"), ("Grand Café", "\"Grand Café\""), ("a\"b", "\"a\"\"b\""), ("1a", "\"1a\"")]
    {
        assert_eq!(quoted(name), sql);
    }
}

#[test]
fn attach_mends_what_it_can_in_one_transaction_and_names_the_rest() {
    let mut facts = facts();
    let tenant = Column { not_null: true, ..column("tenant", "text") };
    facts.tables = vec![table("allocations", vec![column("id", "uuid"), column("window", "tstzrange"), tenant])];
    let unmet: Vec<String> = unmet(&facts).into_iter().map(|finding| finding.what).collect();
    assert!(unmet.contains(&"column allocations.tenant".to_owned()), "{unmet:?}");
    assert!(unmet.contains(&"table bookings".to_owned()) && !unmet.iter().any(|what| what.contains("allocations.id")));
    let mends: Vec<String> = mends(&facts).into_iter().map(|mend| mend.statement).collect();
    assert!(mends.iter().any(|mend| mend.contains("add constraint allocations_no_overlap exclude")), "{mends:?}");
    assert!(!mends.iter().any(|mend| mend.contains("concurrently")), "{mends:?}");
}
