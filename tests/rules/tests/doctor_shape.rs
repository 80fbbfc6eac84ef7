//! Shapes of tables that are refused by name before the first change.

use holdfast::rules::attach::mend::{mends, unmet};
use holdfast::rules::catalogue::facts::{Column, Constraint, Facts, Index, Server, TableFacts};
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::{DoctorFinding, MendStep, State};
use holdfast::rules::migration::{Form, render};

use crate::doctor::{column, facts, found, index, says_nothing, table};

fn with(tables: Vec<TableFacts>) -> Facts {
    Facts { tables, ..facts() }
}

/// It is said by the doctor, and attach refuses before it changes anything.
fn is_refused(facts: &Facts, what: &str, words: &str) {
    let findings = examine(facts);
    let finding = found(&findings, what);
    assert!(finding.state == State::Wrong && finding.mend.is_empty() && finding.why.contains(words), "{finding:?}");
    assert!(unmet(facts).iter().any(|unmet| unmet.what == what), "attach goes on: {what}");
}

fn key_of(table: &str, columns: &[&str], predicate: Option<&str>) -> Index {
    Index {
        table: table.to_owned(),
        name: "its_key".to_owned(),
        method: "btree".to_owned(),
        unique: true,
        usable: true,
        valid: true,
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        predicate: predicate.map(str::to_owned),
        ..Index::default()
    }
}

#[test]
fn row_security_that_hides_rows_from_the_owner_is_refused() {
    let open = TableFacts { row_security: true, ..table("allocations", vec![column("id", "uuid")]) };
    says_nothing(&with(vec![TableFacts { row_security: false, ..open.clone() }]), "row security of");
    assert_eq!(found(&examine(&with(vec![open.clone()])), "row security of allocations").state, State::Risky);
    let hidden = TableFacts { hides_rows: true, ..open };
    is_refused(&with(vec![hidden]), "row security of allocations", "applies to the owner of bookings too");
}

#[test]
fn a_key_has_to_contain_what_the_table_is_partitioned_by() {
    let bookings = |by: &str| TableFacts {
        kind: "p".to_owned(),
        partitioned_by: vec![by.to_owned()],
        ..table("bookings", vec![column("id", "uuid"), column("booking_date", "date")])
    };
    is_refused(&with(vec![bookings("booking_date")]), "partitions of bookings", "partitioned by booking_date");
    says_nothing(&with(vec![bookings("id")]), "partitions of");
}

#[test]
fn nothing_is_built_beside_the_writers_of_a_partitioned_table() {
    let stored = column("auto_assign_idempotency_key", "text");
    let bookings = |kind: &str| TableFacts {
        kind: kind.to_owned(),
        ..table("bookings", vec![column("id", "uuid"), stored.clone()])
    };
    for (kind, expected) in [("r", true), ("p", false)] {
        let facts = with(vec![bookings(kind)]);
        let findings = examine(&facts);
        for what in [
            "index bookings (auto_assign_idempotency_key) where auto_assign_idempotency_key is not null",
            "unique bookings (id)",
        ] {
            let finding = found(&findings, what);
            assert_eq!(finding.statement().expect("a mend").contains("concurrently"), expected, "{finding:?}");
            assert_eq!(finding.step == MendStep::Partitioned { table: "bookings".to_owned() }, !expected);
        }
        let script = render("app", 180_000, &findings, &[], Form::Run);
        assert_eq!(script.contains("create index if not exists bookings_auto_assign_idempotency_key_idx"), !expected);
    }
}

#[test]
fn a_key_or_exclusion_that_skips_deleted_rows_is_refused_and_never_replaced() {
    let columns = ["booking_id", "table_id", "deleted_at"].map(|name| column(name, "uuid")).to_vec();
    let mut facts = with(vec![table("booking_table_assignments", columns)]);
    let key = |predicate| key_of("booking_table_assignments", &["booking_id", "table_id"], predicate);
    facts.indexes = vec![key(Some("(deleted_at IS NULL)"))];
    is_refused(&facts, "deleted rows of booking_table_assignments", "its_key looks only at rows without deleted_at");
    // Another predicate is another matter, and so is a whole key beside it.
    facts.indexes = vec![key(Some("(start_at > now())"))];
    says_nothing(&facts, "deleted rows");
    facts.indexes = vec![key(Some("(deleted_at IS NULL)")), key(None)];
    says_nothing(&facts, "deleted rows");

    let columns =
        ["booking_id", "resource_type", "resource_id", "window", "isDeleted"].map(|name| column(name, "text"));
    let mut facts = with(vec![table("allocations", columns.to_vec())]);
    facts.constraints = vec![Constraint {
        table: "allocations".to_owned(),
        name: "no_overlap".to_owned(),
        kind: "x".to_owned(),
        predicate: Some("((NOT shadow) AND (NOT \"isDeleted\"))".to_owned()),
        ..Constraint::default()
    }];
    is_refused(&facts, "deleted rows of allocations", "no_overlap looks only at rows without isDeleted");
}

#[test]
fn partitioned_allocations_need_their_own_exclusion() {
    let allocations = TableFacts { kind: "p".to_owned(), ..table("allocations", vec![column("window", "tstzrange")]) };
    is_refused(&with(vec![allocations]), "partitions of allocations", "exclusion constraint cannot be added");
}

#[test]
fn a_ledger_that_is_too_short_for_a_key_is_widened() {
    let of = |length| Column { length, ..column("idempotency_key", "character varying") };
    for (length, fits) in [(None, true), (Some(69), true), (Some(68), false), (Some(20), false)] {
        let facts = with(vec![table("booking_assignment_idempotency", vec![of(length)])]);
        let widened =
            mends(&facts).iter().any(|mend| mend.statement.ends_with("alter column idempotency_key type text"));
        assert_eq!(widened, !fits, "{length:?}");
    }
}

#[test]
fn a_domain_counts_as_the_type_under_it() {
    let domain = |name: &str, base: &str| Column {
        type_kind: "d".to_owned(),
        base_type: base.to_owned(),
        ..column(name, "app.own")
    };
    let facts = |number: &str, capacity: &str| {
        with(vec![table("table_inventory", vec![domain("table_number", number), domain("capacity", capacity)])])
    };
    says_nothing(&facts("text", "integer"), "column table_inventory.table_number");
    let wrong = facts("integer", "numeric");
    is_refused(&wrong, "column table_inventory.table_number", "our statements take text");
    is_refused(&wrong, "column table_inventory.capacity", "our statements take integer");
}

#[test]
fn a_database_in_another_encoding_is_refused() {
    for (encoding, fits) in [("UTF8", true), ("LATIN1", false), ("SQL_ASCII", false)] {
        let facts = Facts { server: Server { encoding: encoding.to_owned(), ..Server::default() }, ..facts() };
        let refused = unmet(&facts).iter().any(|finding| finding.what == "encoding of the database");
        assert_eq!(refused, !fits, "{encoding}");
    }
}

#[test]
fn a_name_with_a_control_character_is_shown_escaped_and_nothing_is_said_to_run() {
    let mut facts = facts();
    facts.indexes = vec![
        index("bookings", "a\u{202e}b", &["restaurant_id"], false),
        index("bookings", "c", &["restaurant_id"], false),
        index("bookings", "d\u{7}", &["restaurant_id", "start_at"], false),
    ];
    let findings = examine(&facts);
    let first = found(&findings, "index a\\u{202e}b on bookings");
    assert!(first.mend.is_empty() && first.undo.is_empty() && first.step == MendStep::Nothing, "{first:?}");
    let why = found(&findings, "index c on bookings");
    let words = |finding: &DoctorFinding| format!("{}{}", finding.what, finding.why);
    assert!(findings.iter().all(|finding| !words(finding).contains(['\u{202e}', '\u{7}'])), "{why:?}");
}
