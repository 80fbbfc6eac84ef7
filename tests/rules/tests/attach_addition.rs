//! What attach added, and what undoes it.

use holdfast::rules::attach::addition::{Addition, AdditionKind, Undo, additions, undo};
use holdfast::rules::attach::mend::mends;
use holdfast::rules::catalogue::facts::{Column, Facts, TableFacts};
use holdfast::rules::index::needed::NEEDED;

use crate::doctor::{column, exclusion, facts, index, table};

fn owned(name: &str, owner: &str) -> TableFacts {
    TableFacts { owner: owner.to_owned(), ..table(name, vec![column("id", "uuid")]) }
}

/// A schema before and after attach.
fn attached() -> (Facts, Facts) {
    let mut before = facts();
    before.tables = vec![owned("bookings", "app"), owned("allocations", "app")];
    let mut after = before.clone();
    let mut ours = exclusion(&[("window", "&&")], None, false);
    ours.definition = "EXCLUDE USING gist (a WITH =)".to_owned();
    after.constraints = vec![ours];
    after.tables.push(owned("holdfast_booking_statuses", "app"));
    after.tables.push(TableFacts { kind: "v".to_owned(), ..owned("holdfast_reconciliation", "app") });
    after.tables.push(owned("holdfast_rollout", "app"));
    after.indexes =
        vec![index("allocations", "new", &["id"], false), index("holdfast_booking_statuses", "key", &["id"], true)];
    (before, after)
}

fn undone(facts: &Facts, added: &[Addition]) -> Vec<Undo> {
    added.iter().map(|addition| undo(facts, addition)).collect()
}

fn run(statement: &str, table: &str) -> Undo {
    Undo::Run { statement: statement.to_owned(), table: Some(table.to_owned()) }
}

#[test]
fn what_attach_added_is_undone() {
    let (before, after) = attached();
    let added = additions(&before, &after);
    assert_eq!(
        undone(&after, &added),
        [
            run("drop table app.holdfast_booking_statuses", "holdfast_booking_statuses"),
            Undo::Gone,
            run("alter table app.allocations drop constraint no_overlap", "allocations"),
            run("drop index app.new", "allocations"),
        ]
    );
    assert_eq!(
        additions(&after, &after).iter().map(|added| added.kind).collect::<Vec<_>>(),
        [AdditionKind::Found, AdditionKind::Found]
    );
    assert_eq!(undone(&before, &added), [Undo::Gone, Undo::Gone, Undo::Gone, Undo::Gone], "it is not there any more");
}

/// Somebody put another thing under the name meanwhile.
#[test]
fn what_is_not_what_attach_made_stays() {
    let (before, after) = attached();
    let added = additions(&before, &after);
    let mut now = after.clone();
    now.tables[2].owner = "mallory".to_owned();
    now.constraints[0].definition = "EXCLUDE USING gist (b WITH =)".to_owned();
    now.indexes[0].predicate = Some("(id IS NOT NULL)".to_owned());
    assert_eq!(undone(&now, &added), [Undo::Changed, Undo::Gone, Undo::Changed, Undo::Changed]);
    now.tables[2] = TableFacts { kind: "v".to_owned(), ..owned("holdfast_booking_statuses", "app") };
    now.indexes[0].table = "bookings".to_owned();
    assert_eq!(undone(&now, &added), [Undo::Changed, Undo::Gone, Undo::Changed, Undo::Changed]);
}

/// The name of the schema may have changed, and with it those of types in what the catalogue says.
#[test]
fn a_new_name_of_the_schema_changes_nothing() {
    let (before, mut after) = attached();
    after.indexes[0].predicate = Some("(status = 'active'::app.hold_status)".to_owned());
    let added = additions(&before, &after);
    let mut now = Facts { schema: "\"a'b\"".to_owned(), ..after.clone() };
    now.indexes[0].predicate = Some("(status = 'active'::\"a'b\".hold_status)".to_owned());
    assert_eq!(undo(&now, &added[3]), run("drop index \"a'b\".new", "allocations"));
}

/// A column lost its NOT NULL or got a default so that our statements can write it: detach takes that back.
#[test]
fn what_a_column_lost_or_got_comes_back() {
    let given = Column { not_null: true, ..column("assigned by", "uuid") };
    let mut before = facts();
    before.tables = vec![table("seats", vec![given, column("id", "uuid"), column("other", "text")])];
    let mut after = before.clone();
    after.tables[0].columns[0].not_null = false;
    after.tables[0].columns[1].filled = true;
    after.tables[0].columns.push(column("new", "text"));
    let undone = undone(&after, &additions(&before, &after));
    let fill = Undo::Fill { table: "seats".to_owned(), column: "assigned by".to_owned() };
    assert_eq!(undone, [Undo::Kept, fill, run("alter table app.seats alter column id drop default", "seats")]);
}

#[test]
fn a_kind_has_one_name() {
    for kind in [
        AdditionKind::Constraint,
        AdditionKind::Index,
        AdditionKind::Default,
        AdditionKind::NotNull,
        AdditionKind::Usage,
        AdditionKind::Table,
        AdditionKind::Found,
        AdditionKind::Column,
    ] {
        assert_eq!(AdditionKind::parse(kind.name()), Some(kind));
    }
    assert_eq!(AdditionKind::parse("alter role mallory superuser"), None);
}

/// It has data by now.
#[test]
fn a_column_that_attach_added_is_written_down_and_stays() {
    let (before, mut after) = attached();
    after.tables[0].columns.push(column("auto_assign_idempotency_key", "text"));
    let added = additions(&before, &after);
    let columns: Vec<&Addition> = added.iter().filter(|added| added.kind == AdditionKind::Column).collect();
    let [column] = &columns[..] else { panic!("{added:?}") };
    assert_eq!((column.relation.as_str(), column.name.as_str()), ("bookings", "auto_assign_idempotency_key"));
    assert_eq!((undo(&after, column), undo(&before, column)), (Undo::Kept, Undo::Gone));
    assert_eq!(AdditionKind::parse("column"), Some(AdditionKind::Column));
}

/// A constraint's index goes with it, and a table's with the table.
#[test]
fn an_index_that_goes_with_something_else_is_not_written_down() {
    let (before, mut after) = attached();
    let mut backs = index("allocations", "no_overlap", &["id"], false);
    backs.backs_constraint = true;
    after.indexes.push(backs);
    let added = additions(&before, &after);
    let named = |kind| -> Vec<&str> {
        added.iter().filter(|added| added.kind == kind).map(|added| added.name.as_str()).collect()
    };
    assert_eq!(named(AdditionKind::Index), ["new"]);
    assert_eq!(named(AdditionKind::Constraint), ["no_overlap"]);
    // A constraint of a table that was not there before.
    after.tables.push(owned("reviews", "app"));
    for table in ["holdfast_rollout", "reviews"] {
        after.constraints[0].table = table.to_owned();
        assert!(additions(&before, &after).iter().all(|added| added.kind != AdditionKind::Constraint), "{table}");
    }
}

/// What holds rules is dropped when somebody says so; what is only read, detach drops itself.
#[test]
fn a_table_that_was_found_is_dropped_where_its_rows_are_kept() {
    let (_, after) = attached();
    let found = |name: &str| Addition {
        kind: AdditionKind::Found,
        relation: String::new(),
        name: name.to_owned(),
        definition: String::new(),
    };
    let kept = found("holdfast_booking_statuses");
    assert_eq!(undo(&after, &kept), run("drop table app.holdfast_booking_statuses", "holdfast_booking_statuses"));
    assert_eq!(undo(&after, &found("holdfast_rollout")), Undo::Gone);
}

/// What a call would only be slow without is built, and a constraint of the application's stays beside ours.
#[test]
fn attach_builds_what_is_missing_and_drops_nothing() {
    let mut facts = facts();
    let ledger = ["booking_id", "idempotency_key", "created_at", "outcome"].map(|name| column(name, "text"));
    facts.tables = vec![
        table("booking_assignment_idempotency", ledger.to_vec()),
        table("allocations", vec![column("resource_id", "uuid"), column("window", "tstzrange")]),
    ];
    let mut weaker = exclusion(&[("resource_id", "="), ("resource_type", "="), ("window", "&&")], None, true);
    weaker.name = "allocations_no_overlap".to_owned();
    facts.constraints = vec![weaker];
    let all = mends(&facts);
    let with = |words: &str| all.iter().filter(|mend| mend.statement.contains(words)).count();
    assert_eq!((with("create index"), with("drop constraint"), with("drop index")), (2, 0, 0), "{all:#?}");
    assert_eq!(with("add constraint holdfast_no_overlap exclude"), 1, "{all:#?}");
    // An index by the name of ours that is another one is a person's to drop, and attach does not mend by calling itself.
    let needed = NEEDED.iter().find(|needed| needed.table == "booking_assignment_idempotency").expect("it needs one");
    let mut another = index(needed.table, needed.name, &["outcome"], false);
    (another.valid, another.usable) = (true, true);
    facts.indexes = vec![another];
    facts.tables.push(table("holdfast_booking_statuses", vec![column("status", "text")]));
    let all = mends(&facts);
    let with = |words: &str| all.iter().filter(|mend| mend.statement.contains(words)).count();
    assert_eq!((with("drop index"), with("holdfast.attach(")), (0, 0), "{all:#?}");
}
