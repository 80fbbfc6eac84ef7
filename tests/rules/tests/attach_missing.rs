//! What attach makes of its own tables, and what it does not do again.

use holdfast::rules::attach::first_release::of_first_release;
use holdfast::rules::attach::missing::{Due, checks, due, triggers};
use holdfast::rules::catalogue::facts::{Column, Constraint, Facts, Index, TableFacts, TriggerFacts};
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::State;
use holdfast::rules::index::needed::NEEDED;
use holdfast::rules::schema::Kind;
use holdfast::rules::schema::column::{Fill, HoldfastColumn, HoldfastTable};
use holdfast::rules::schema::holdfast_tables::all;

use crate::doctor::{column, facts, index, table};

const CURRENT: &str = "0.2.0";

fn found(made: &HoldfastColumn) -> Column {
    let is_enum = matches!(made.kind, Kind::Enum(_));
    Column {
        not_null: !made.null,
        filled: made.fill != Fill::Nothing,
        type_kind: if is_enum { "e" } else { "b" }.to_owned(),
        ..column(made.name, if is_enum { "app.booking_status" } else { made.kind.full() })
    }
}

fn table_as_made(made: &HoldfastTable) -> TableFacts {
    table(made.name, made.columns.iter().map(found).collect())
}

/// The table of ours that has this name, as attach makes it.
pub fn as_made(name: &str) -> Option<TableFacts> {
    all().find(|made| made.name == name).map(table_as_made)
}

/// An application that was never attached.
fn new() -> Facts {
    let mut facts = facts();
    facts.tables =
        vec![table("bookings", vec![column("id", "uuid")]), table("restaurants", vec![column("id", "uuid")])];
    facts
}

/// One that has all of it.
fn attached() -> Facts {
    let mut facts = Facts { attached: true, ..new() };
    facts.tables.extend(all().map(table_as_made));
    let made = all().flat_map(|made| made.indexes.iter().map(move |(name, _)| (made.name, *name)));
    facts.indexes =
        made.map(|(table, name)| Index { table: table.into(), name: name.into(), ..Index::default() }).collect();
    facts
}

fn about<'a>(due: &'a [Due], words: &str) -> Vec<&'a Due> {
    due.iter().filter(|due| due.text.contains(words)).collect()
}

#[test]
fn what_is_missing_is_due_and_locks_only_tables_that_are_there() {
    let due = due(&new());
    for made in all() {
        let create = about(&due, &format!("create table if not exists app.{} (", made.name));
        assert_eq!(create.len(), 1, "{}", made.name);
        let column = made.columns.iter().find(|column| !create[0].text.contains(&format!("  {} ", column.name)));
        assert!(column.is_none(), "{column:?} of {}", create[0].text);
        let refers =
            made.columns.iter().any(|column| column.references.is_some_and(|(table, _)| table == "restaurants"));
        assert_eq!((create[0].locks, &create[0].table), (refers, &None), "{}", made.name);
    }
    assert!(about(&due, "insert into app.holdfast_commit_scan").len() == 1);
}

#[test]
fn where_everything_is_there_nothing_locks() {
    let due = due(&attached());
    assert!(due.iter().all(|due| !due.locks && due.table.is_some()), "{due:?}");
    assert!(due.iter().all(|due| due.text.contains("insert into ") || due.text.starts_with("comment on ")), "{due:?}");
}

#[test]
fn a_column_of_a_later_release_is_added_and_no_other() {
    let mut facts = attached();
    let statuses = facts.tables.iter_mut().find(|table| table.name == "holdfast_booking_statuses").expect("it");
    statuses.columns.pop();
    let due = due(&facts);
    let locking: Vec<&Due> = due.iter().filter(|due| due.locks).collect();
    let [added] = &locking[..] else { panic!("{locking:?}") };
    assert_eq!(
        (added.text.as_str(), added.table.as_deref()),
        (
            "alter table app.holdfast_booking_statuses\n  add column if not exists needs_tables boolean",
            Some("holdfast_booking_statuses")
        )
    );
    facts.indexes.clear();
    let due = holdfast::rules::attach::missing::due(&facts);
    assert_eq!(about(&due, "create index if not exists holdfast_attempts_ended_idx").len(), 1);
}

#[test]
fn an_index_that_is_missing_is_made_and_no_other() {
    let mut facts = attached();
    facts.indexes.retain(|index| index.name != "holdfast_attempts_ended_idx");
    let due = due(&facts);
    let made: Vec<&str> = about(&due, "create index").iter().map(|due| due.text.as_str()).collect();
    assert!(made.len() == 1 && made[0].contains("holdfast_attempts_ended_idx"), "{made:?}");
    let comments: Vec<&Due> = due.iter().filter(|due| due.text.starts_with("comment on ")).collect();
    let said = all().filter(|made| !made.comment.is_empty()).count();
    assert!(said > 0 && comments.len() == said && comments.iter().all(|due| !due.locks), "{comments:?}");
}

/// Attach adds it to a table that has rows, and knows no value for them.
#[test]
fn a_later_column_has_a_default_or_may_be_null() {
    let later = all().flat_map(|made| made.columns.iter().filter(|column| column.since > made.since));
    let mut later = later.peekable();
    assert!(later.peek().is_some(), "there is one");
    assert!(later.all(|column| column.null || column.fill != Fill::Nothing));
    assert!(all().all(|made| made.columns.iter().any(|column| column.since == made.since)));
}

#[test]
fn triggers_are_made_once_and_a_narrow_check_is_widened() {
    let mut facts = attached();
    assert_eq!(triggers(&facts).len(), 4, "each is made, and leaves with the extension");
    let trigger = |on: &str| TriggerFacts {
        table: on.into(),
        name: "holdfast_rollout_changed".into(),
        ..TriggerFacts::default()
    };
    facts.triggers.push(trigger("bookings"));
    assert_eq!(triggers(&facts).len(), 4, "another table's trigger of that name is not ours");
    facts.triggers.push(TriggerFacts { name: "another".into(), ..trigger("holdfast_rollout") });
    assert_eq!(triggers(&facts).len(), 4, "nor is another one on our table");
    facts.triggers.push(trigger("holdfast_rollout"));
    assert_eq!(triggers(&facts).len(), 2);
    let check = |labels: &str| Constraint {
        table: "holdfast_rollout".to_owned(),
        name: "holdfast_rollout_mode_check".to_owned(),
        definition: format!("CHECK ((mode = ANY (ARRAY[{labels}])))"),
        ..Constraint::default()
    };
    facts.constraints = vec![check("'on'::text, 'original'::text")];
    let widened = "alter table app.holdfast_rollout drop constraint holdfast_rollout_mode_check, \
                   add constraint holdfast_rollout_mode_check check (mode in ('on', 'original', 'shadow', 'rehearse'))";
    assert_eq!(checks(&facts), [widened]);
    let narrow = check("'on'::text");
    let of_others = [
        Constraint { table: "reviews".to_owned(), ..narrow.clone() },
        Constraint { name: "their_check".to_owned(), ..narrow },
    ];
    facts.constraints = of_others.to_vec();
    assert_eq!(checks(&facts), [""; 0]);
    facts.constraints = vec![check("'on'::text, 'original'::text, 'shadow'::text, 'rehearse'::text")];
    assert_eq!(checks(&facts), [""; 0]);
}

/// A column of ours that is not what attach makes is said, and refused where nobody can mend it by rule.
#[test]
fn each_column_of_ours_is_compared() {
    assert_eq!(examine(&attached()).iter().filter(|finding| finding.what.starts_with("column holdfast_")).count(), 0);
    for made in all() {
        for (at, column) in made.columns.iter().enumerate() {
            let what = format!("column {}.{}", made.name, column.name);
            let says = |change: fn(&mut Column)| {
                let mut facts = attached();
                let table = facts.tables.iter_mut().find(|table| table.name == made.name).expect("it is there");
                change(&mut table.columns[at]);
                facts.recorded = vec![made.name.to_owned()];
                let finding = examine(&facts).into_iter().find(|finding| finding.what == what);
                let refused = holdfast::rules::attach::mend::unmet(&facts).iter().any(|unmet| unmet.what == what);
                (finding.unwrap_or_else(|| panic!("nothing is said of {what}")), refused)
            };
            let (finding, refused) = says(|column| {
                column.type_name = "money".to_owned();
                column.type_kind = "b".to_owned();
            });
            assert_eq!((finding.state, finding.mend.len(), refused), (State::Wrong, 0, true), "{what}");
            let (finding, refused) = says(|column| column.not_null ^= true);
            let set = if column.null { "drop not null" } else { "set not null" };
            assert!(finding.mend[0].ends_with(set) && !refused, "{what}: {finding:?}");
            if column.fill != Fill::Nothing {
                let (finding, refused) = says(|column| column.filled = false);
                assert!(finding.mend[0].contains(" set default ") || finding.mend[0].contains(" add generated "));
                assert!(!refused, "{what}");
            }
            let (finding, refused) = says(|column| column.name = "gone".to_owned());
            assert!(finding.state == State::Missing && finding.mend[0].starts_with("select holdfast.attach("));
            let unknown = !column.null && column.fill == Fill::Nothing;
            assert_eq!(finding.why.contains("no value is known for rows that are there"), unknown, "{what}");
            assert!(!refused, "{what}");
        }
    }
}

#[test]
fn a_schema_of_another_release_is_told_of() {
    let of = |release: &str| {
        let (by, release) = (Some(release.to_owned()), CURRENT.to_owned());
        let findings = examine(&Facts { attached_by: by, release, ..attached() });
        findings.into_iter().find(|finding| finding.what == "release of the schema").map(|finding| finding.why)
    };
    assert_eq!(of(CURRENT), None);
    let why = format!("release 0.1.7 attached the schema, and this is {CURRENT}: attach again");
    assert_eq!(of("0.1.7"), Some(why));
}

#[test]
fn an_index_of_the_application_that_does_the_same_is_enough() {
    let needed = &NEEDED[0];
    let own = Index {
        predicate: Some("(auto_assign_idempotency_key IS NOT NULL)".to_owned()),
        ..index("bookings", "own", &["auto_assign_idempotency_key"], false)
    };
    let says = |own: Index| {
        let facts = Facts { indexes: vec![own], ..new() };
        let what = needed.what();
        examine(&facts).into_iter().find(|found| found.what == what).map(|found| (found.state, found.mend))
    };
    assert_eq!(says(own.clone()), Some((State::Ok, vec![])));
    for other in [
        Index { predicate: Some("(party_size > 4)".to_owned()), ..own.clone() },
        Index { usable: false, ..own.clone() },
        Index { table: "restaurants".to_owned(), ..own.clone() },
    ] {
        assert_eq!(says(other).map(|(state, _)| state), Some(State::Missing));
    }
    // What has our name and is another one makes room.
    let other =
        Index { name: needed.name.to_owned(), predicate: Some("(party_size > 4)".to_owned()), valid: true, ..own };
    let (state, mend) = says(other).expect("it is said");
    assert_eq!((state, mend.len()), (State::Wrong, 2));
    assert_eq!(mend[0], format!("drop index concurrently if exists app.{}", needed.name));
}

/// An expression and a hash are told by what they are, not by their names.
#[test]
fn an_index_of_ours_is_known_by_its_shape() {
    let printed = "COALESCE(end_at, ((booking_date + 2)::timestamp without time zone AT TIME ZONE 'UTC'::text), 'infinity'::timestamp with time zone)";
    let ends = index("bookings", "theirs", &[printed], false);
    let key = Index { method: "hash".to_owned(), ..index("capacity_outbox", "theirs", &["dedupe_key"], false) };
    for (index, name) in [(ends, "bookings_ends_by_idx"), (key, "capacity_outbox_dedupe_idx")] {
        let needed = NEEDED.iter().find(|needed| needed.name == name).expect("it is in the list");
        assert!(holdfast::rules::index::lookup::serves(&index, needed), "{name}");
    }
}

/// Release 0.1.0 had three of them, under other names and without later columns.
#[test]
fn tables_of_the_first_release_are_known_by_their_columns() {
    let mut facts = new();
    facts.tables.push(table("holdfast_attachment", vec![column("feature", "text")]));
    let old = ["status", "is_confirm_target", "holds_tables", "occupies_tables", "releases_tables"];
    facts.tables.push(table("booking_statuses", old.iter().map(|name| column(name, "text")).collect()));
    facts.tables.push(table("capacity_policies", vec![column("restaurant_id", "uuid")]));
    assert_eq!(of_first_release(&facts), [("booking_statuses", "holdfast_booking_statuses")]);
    facts.attached = true;
    assert_eq!(of_first_release(&facts), []);
}
