//! Labels that say the same in other letters, and where a confirm leads.

use holdfast::rules::attach::mend::unmet;
use holdfast::rules::booking::status::{contract_status, target};
use holdfast::rules::catalogue::facts::{Column, Facts, StatusFacts};
use holdfast::rules::doctor::examine;
use holdfast::rules::doctor::finding::State;
use holdfast::rules::doctor::status::default_target;

use crate::doctor::{column, facts, found, says_nothing, table};

fn texts(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

fn with_labels(labels: &[&str]) -> Facts {
    let mut facts = facts();
    let status =
        Column { labels: Some(texts(labels)), type_kind: "e".into(), ..column("status", "app.booking_status") };
    facts.tables = vec![table("bookings", vec![status])];
    facts
}

#[test]
fn a_label_is_the_contracts_in_any_case() {
    for (label, known) in [
        ("confirmed", Some("confirmed")),
        ("CONFIRMED", Some("confirmed")),
        ("Checked-In", Some("checked_in")),
        ("No Show", Some("no_show")),
        ("priority_waitlist", Some("PRIORITY_WAITLIST")),
        ("confirmed!", None),
        ("seated", None),
    ] {
        assert_eq!(contract_status(label), known, "{label}");
    }
}

#[test]
fn the_target_is_the_contracts_where_the_rules_allow_it() {
    assert_eq!(target(&texts(&["agreed", "confirmed"])), Some("confirmed"));
    assert_eq!(target(&texts(&["agreed", "CONFIRMED"])), Some("agreed"));
    assert_eq!(target(&[]), None);
    let mut facts = with_labels(&["CONFIRMED", "confirmed"]);
    assert_eq!(default_target(&facts), Some("confirmed"));
    let rules = |statuses: &[&str], targets: &[&str]| {
        Some(StatusFacts { statuses: texts(statuses), targets: texts(targets), ..StatusFacts::default() })
    };
    facts.status_rules = rules(&["CONFIRMED", "confirmed"], &["CONFIRMED"]);
    assert_eq!(default_target(&facts), Some("CONFIRMED"), "the owner's rules say so");
    facts.status_rules = rules(&[], &[]);
    assert_eq!(default_target(&facts), Some("confirmed"), "attach fills them in");
    facts.status_rules = rules(&["confirmed"], &[]);
    assert_eq!(default_target(&facts), None);
    assert_eq!(default_target(&with_labels(&["NEW", "Confirmed"])), Some("Confirmed"));
}

#[test]
fn labels_that_say_nothing_of_the_kind_are_refused_with_what_to_do() {
    let mut facts = with_labels(&["agreed", "gone"]);
    facts.owner = "shop owner".to_owned();
    facts.tables.iter_mut().for_each(|table| table.owner = "shop owner".to_owned());
    let findings = examine(&facts);
    let finding = found(&findings, "target of a confirm");
    assert!(finding.mend[2].ends_with("alter table app.holdfast_status_transitions owner to \"shop owner\""));
    assert_eq!(finding.state, State::Missing);
    assert!(
        finding.mend.len() == 3
            && finding.mend[0].starts_with("create table if not exists app.holdfast_booking_statuses")
    );
    assert!(!finding.mend.concat().contains("--"), "{:?}", finding.mend);
    assert!(unmet(&facts).iter().any(|finding| finding.what == "target of a confirm"));
    facts.status_rules =
        Some(StatusFacts { statuses: texts(&["agreed"]), targets: texts(&["agreed"]), ..StatusFacts::default() });
    says_nothing(&facts, "target of a confirm");
    assert!(!unmet(&facts).iter().any(|finding| finding.what == "target of a confirm"));
    says_nothing(&with_labels(&["CONFIRMED"]), "target of a confirm");
}
