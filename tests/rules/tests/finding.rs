//! What does not agree about a booking: each break by its name, and nothing where all is well.

use holdfast::rules::Id;
use holdfast::rules::booking::BookingWindow;
use holdfast::rules::booking::table::Resource;
use holdfast::rules::reconcile::finding::catalogue::{FINDINGS, FindingKind};
use holdfast::rules::reconcile::finding::decide;
use holdfast::rules::reconcile::finding::record::{AssignmentRecord, Basis, BookingRecord, OpenHold};
use holdfast_rules_tests::record::{agreed, answered, assignment, claim_on, moved, open_hold, rival, table_allocation};
use holdfast_rules_tests::{HOLD, NOBODY, OTHER_BOOKING, clock, hours, own_window, table_id};

fn found(record: &BookingRecord) -> Vec<FindingKind> {
    decide(record).into_iter().map(|finding| finding.kind).collect()
}

/// The record, changed.
fn with(change: impl FnOnce(&mut BookingRecord)) -> BookingRecord {
    let mut record = agreed();
    change(&mut record);
    record
}

#[track_caller]
pub(crate) fn assert_found(kinds: &[FindingKind], change: impl FnOnce(&mut BookingRecord)) {
    let record = with(change);
    assert_eq!(found(&record), kinds, "{record:#?}");
}

fn status(record: &mut BookingRecord, to: &str) {
    to.clone_into(&mut record.booking.status);
}

#[test]
fn what_agrees_gives_no_finding() {
    assert_found(&[], |_| {});
    // Pending, with or without tables.
    assert_found(&[], |record| {
        status(record, "pending");
        (record.history, record.answers) = (vec![], vec![answered("key", "assigned", &[1])]);
    });
    assert_found(&[], |record| {
        status(record, "pending");
        (record.history, record.answers, record.assignments, record.allocations) = (vec![], vec![], vec![], vec![]);
    });
    // A live hold beside its mirror, on other tables or on the same.
    for tables in [&[1][..], &[2, 3]] {
        assert_found(&[], |record| {
            record.holds = vec![open_hold(tables)];
            record.answers[0].hold = None;
            record.allocations.push(claim_on(Resource::Hold, HOLD));
        });
    }
    // One without its mirror, for a table that the booking has at another time.
    assert_found(&[], |record| {
        record.holds = vec![OpenHold { mirrored: false, window: Some(hours(20, 22)), ..open_hold(&[1]) }];
        record.answers[0].hold = None;
    });
    // Without a key there is no answer to look for.
    assert_found(&[], |record| {
        record.assignments[0].key = None;
        record.answers = vec![];
    });
}

#[test]
fn a_table_and_its_claim_belong_together() {
    assert_found(&[FindingKind::AssignmentWithoutAllocation], |record| record.allocations = vec![]);
    assert_found(&[FindingKind::AllocationWithoutAssignment], |record| record.allocations.push(table_allocation(2)));
    assert_found(&[FindingKind::ConfirmedWithoutTables, FindingKind::AllocationWithoutAssignment], |record| {
        record.assignments = vec![]
    });
    assert_found(&[FindingKind::AllocationWithoutAssignment], |record| {
        record.is_seated_later = true;
        record.assignments = vec![]
    });
    assert_found(&[FindingKind::WindowDiffersFromAllocation], |record| {
        record.allocations[0].window = Some(hours(18, 21))
    });
    assert_found(&[FindingKind::WindowDiffersFromAllocation], |record| record.allocations[0].window = None);
    // A shadow allocations nothing.
    assert_found(&[FindingKind::AssignmentWithoutAllocation], |record| record.allocations[0].shadow = true);
}

#[test]
fn tables_are_for_the_bookings_time() {
    assert_found(&[FindingKind::WindowLeftBehind], |record| record.booking.window = own_window(19, 21));
    for basis in [None, Some(Basis::Request)] {
        assert_found(&[FindingKind::WindowDiffersFromBooking], |record| {
            record.booking.window = own_window(19, 21);
            record.answers[0].basis = basis;
        });
    }
    assert_found(&[FindingKind::WindowOutsideBooking], |record| record.booking.window = own_window(20, 22));
    // What has no window cannot differ from it; a confirm says so.
    assert_found(&[], |record| record.booking.window = BookingWindow::default());
}

#[test]
fn others_on_the_table_are_named_once() {
    assert_found(&[FindingKind::DoubleBooked], |record| {
        let mut assignment = rival(1);
        assignment.is_allocation = false;
        record.rivals = vec![rival(1), assignment];
    });
    assert_found(&[FindingKind::DoubleBooked, FindingKind::DoubleBooked], |record| {
        let mut maintenance = rival(1);
        maintenance.owner = None;
        record.rivals = vec![rival(1), maintenance];
    });
    assert_found(&[], |record| {
        record.rivals = vec![rival(1)];
        record.rivals[0].released = true;
    });
    let finding = decide(&with(|record| record.rivals = vec![rival(1)])).remove(0);
    assert_eq!(
        finding.detail,
        format!("Table {} is also taken by booking {OTHER_BOOKING} in window {}", table_id(1), hours(19, 21))
    );
}

#[test]
fn a_booking_that_is_over_claims_nothing_to_come() {
    let over = |record: &mut BookingRecord| {
        status(record, "cancelled");
        record.history.push(moved("confirmed", "cancelled", 17));
    };
    assert_found(&[FindingKind::AllocationOfEndedBooking], over);
    assert_found(&[], |record| {
        over(record);
        record.allocations[0].window = Some(hours(12, 17));
    });
    // Its assignments are a record: no allocation, no answer and no group has to stand beside them.
    assert_found(&[], |record| {
        over(record);
        (record.allocations, record.assignments[0].merge_group) = (vec![], Some(NOBODY));
        record.answers = vec![];
    });
    // Who did not come may still come.
    assert_found(&[], |record| {
        status(record, "no_show");
        record.history.push(moved("confirmed", "no_show", 17));
    });
}

#[test]
fn the_history_ends_with_the_status() {
    let differs = &[FindingKind::HistoryDiffers];
    assert_found(differs, |record| status(record, "checked_in"));
    // Left, and reached again without a word.
    assert_found(differs, |record| record.history.push(moved("confirmed", "cancelled", 17)));
    assert_found(&[], |record| {
        record.history.push(moved("confirmed", "cancelled", 17));
        record.history.push(moved("cancelled", "confirmed", 18));
    });
    // An entry with the clock of a client that is late.
    assert_found(&[], |record| {
        status(record, "checked_in");
        record.history.push(moved("confirmed", "checked_in", 3));
    });
    // A move to itself leaves nothing.
    assert_found(&[], |record| record.history.push(moved("confirmed", "confirmed", 17)));
    // Without any entry: only a confirm that gave the tables must have left one.
    assert_found(differs, |record| record.history = vec![]);
    assert_found(&[FindingKind::KeyLost], |record| {
        record.history = vec![];
        record.assignments[0].key = None;
    });
}

#[test]
fn an_answer_and_its_booking_say_the_same() {
    let reverted = |record: &mut BookingRecord| status(record, "pending");
    assert_found(&[FindingKind::LedgerSaysConfirmed, FindingKind::HistoryDiffers], reverted);
    // Moved on by declared moves, or with an entry that says so.
    assert_found(&[], |record| {
        status(record, "checked_in");
        record.history.push(moved("confirmed", "checked_in", 17));
    });
    assert_found(&[], |record| {
        status(record, "pending");
        record.history.push(moved("confirmed", "pending", 17));
    });
    // What was written with the confirm itself, or speaks of another status, does not.
    for (to, hour) in [("pending", 16), ("checked_in", 17)] {
        let record = with(|record| {
            status(record, "pending");
            record.history.push(moved("confirmed", to, hour));
        });
        assert!(found(&record).contains(&FindingKind::LedgerSaysConfirmed), "{to} at {hour}");
    }
    // A move from a status that no confirm leads to is no way on.
    let record = with(|record| {
        status(record, "seated");
        record.moves.push(("waiting".to_owned(), "seated".to_owned()));
    });
    assert!(found(&record).contains(&FindingKind::LedgerSaysConfirmed), "{record:#?}");
    assert_found(&[FindingKind::AnswerMissing], |record| record.answers = vec![]);
    assert_found(&[], |record| {
        record.answers = vec![];
        record.assignments[0].recent = false;
    });
    for outcome in ["fenced", "party_too_large"] {
        assert_found(&[FindingKind::FencedKeyUsed], |record| record.answers = vec![answered("key", outcome, &[])]);
    }
    assert_found(&[FindingKind::EventMissing], |record| record.answers[0].told = false);
}

#[test]
fn a_hold_is_open_for_a_reason() {
    let open = |change: fn(&mut BookingRecord)| {
        with(|record| {
            record.holds = vec![open_hold(&[2])];
            record.answers[0].hold = None;
            record.allocations.push(claim_on(Resource::Hold, HOLD));
            change(record);
        })
    };
    assert_eq!(found(&open(|_| {})), []);
    let consumed = open(|record| record.answers[0].hold = Some(HOLD));
    assert_eq!(found(&consumed), [FindingKind::HoldOpenAfterConfirmation]);
    let reopened = open(|record| {
        (record.holds[0].members, record.holds[0].mirrored) = (vec![table_id(1)], false);
        record.allocations.pop();
    });
    assert_eq!(found(&reopened), [FindingKind::HoldOpenAfterConfirmation]);
    assert_eq!(found(&open(|record| record.holds[0].window = None)), [FindingKind::HoldWithoutWindow]);
    let late = |minute| {
        let mut record = open(|_| {});
        record.now = clock(17, minute);
        found(&record)
    };
    assert_eq!(late(31), []);
    assert_eq!(late(32), [FindingKind::HoldPastDeadline]);
    assert_eq!(found(&open(|record| record.holds = vec![])), [FindingKind::MirrorWithoutHold]);
}

#[test]
fn a_group_has_two_tables_and_a_claim() {
    let group = Some(NOBODY);
    let joined = |record: &mut BookingRecord| {
        record.assignments = vec![assignment(1, group), assignment(2, group)];
        record.allocations = vec![table_allocation(1), table_allocation(2), claim_on(Resource::MergeGroup, NOBODY)];
    };
    assert_found(&[], joined);
    assert_found(&[FindingKind::MergeGroupWithoutAllocation], |record| {
        joined(record);
        record.allocations.pop();
    });
    assert_found(&[FindingKind::MergeGroupIncomplete], |record| record.assignments[0].merge_group = group);
    assert_found(&[FindingKind::MergeGroupIncomplete], |record| {
        record.allocations.push(claim_on(Resource::MergeGroup, NOBODY))
    });
}

#[test]
fn rows_stay_in_their_restaurant() {
    assert_found(&[FindingKind::OtherTenant], |record| record.assignments[0].foreign = true);
    assert_found(&[FindingKind::OtherTenant], |record| record.allocations[0].restaurant = NOBODY);
    for change in [
        |hold: &mut BookingRecord| hold.holds[0].restaurant = NOBODY,
        |hold: &mut BookingRecord| {
            hold.holds[0].foreign_member = true;
        },
    ] {
        assert_found(&[FindingKind::OtherTenant], |record| {
            record.holds = vec![open_hold(&[2])];
            record.answers[0].hold = None;
            change(record);
        });
    }
}

#[test]
fn a_table_in_use_has_a_booking() {
    assert_found(&[FindingKind::TableStatusUnexplained], |record| record.assignments[0].status_unexplained = true);
}

#[test]
fn a_finding_says_everything() {
    let finding = decide(&with(|record| record.allocations = vec![])).remove(0).json("allocations it");
    let assignment = Id::from_u128(0x101).to_string();
    assert_eq!(finding["rows"], serde_json::json!([{"table": "booking_table_assignments", "id": assignment}]));
    let words = ["HD05", "assignment_without_allocation", "error", "G1", "allocations it"];
    let names = ["code", "finding", "severity", "promise", "repair"];
    assert_eq!(names.map(|name| finding[name].as_str().unwrap_or_default()), words);
}

#[test]
fn a_missing_answer_names_the_tables_of_its_key() {
    let record = with(|record| {
        record.answers = vec![answered("key", "assigned", &[1])];
        record.assignments.push(AssignmentRecord { key: Some("other".to_owned()), ..assignment(2, None) });
        record.allocations.push(table_allocation(2));
    });
    let missing = decide(&record).into_iter().find(|finding| finding.kind == FindingKind::AnswerMissing).expect("it");
    let rows: Vec<&str> = missing.rows.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(rows, [record.booking.id.to_string(), record.assignments[1].id.to_string()]);
}

#[test]
fn a_record_counts_what_is_assigned_and_what_of_it_is_claimed() {
    assert_eq!(BookingRecord::of(OTHER_BOOKING, clock(17, 0)).booking.id, OTHER_BOOKING);
    assert_eq!(BookingRecord::of(OTHER_BOOKING, clock(17, 0)).counts(), (0, 0));
    let two = |change: fn(&mut BookingRecord)| {
        with(|record| {
            record.assignments.push(assignment(2, None));
            record.allocations.push(table_allocation(2));
            change(record);
        })
        .counts()
    };
    assert_eq!(two(|_| ()), (2, 2));
    assert_eq!(two(|record| record.allocations[1].window = Some(hours(18, 21))), (2, 1));
    assert_eq!(two(|record| record.allocations.truncate(1)), (2, 1));
    // Without a window nothing is allocated for it.
    assert_eq!(two(|record| (record.assignments[1].window, record.allocations[1].window) = (None, None)), (2, 1));
}

#[test]
fn the_last_answer_that_gave_tables_is_known() {
    let key = |answers: &[(&str, &str)]| {
        let answers = answers.iter().map(|(key, outcome)| answered(key, outcome, &[1])).collect();
        with(|record| record.answers = answers).last_answer().map(|answer| answer.key.clone())
    };
    assert_eq!(key(&[("one", "confirmed"), ("two", "assigned"), ("three", "fenced")]).as_deref(), Some("two"));
    assert_eq!(key(&[("one", "party_too_large")]), None);
}

#[test]
fn the_catalogue_has_each_name_once() {
    for (at, entry) in FINDINGS.iter().enumerate() {
        assert_eq!(entry.code, format!("HD{:02}", at + 1));
        assert_eq!(entry.kind.entry(), entry);
        assert_eq!(
            (FindingKind::named(entry.name), FindingKind::named(entry.code)),
            (Some(entry.kind), Some(entry.kind))
        );
        assert!(entry.sentence.ends_with('.') && entry.promise.starts_with('G') && !entry.repair.is_empty());
    }
    assert_eq!(FindingKind::named("HD"), None);
}
