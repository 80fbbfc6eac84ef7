//! What may be done about a finding: the facts decide, or a person does.

use holdfast::rules::Id;
use holdfast::rules::booking::Booking;
use holdfast::rules::booking::table::Resource;
use holdfast::rules::hold::HoldEnd;
use holdfast::rules::reconcile::finding::catalogue::{FINDINGS, FindingKind};
use holdfast::rules::reconcile::finding::decide;
use holdfast::rules::reconcile::finding::record::{AllocationRecord, BookingRecord, Moved, StatusRule};
use holdfast::rules::repair::step::RepairStep;
use holdfast::rules::repair::{by_name, history_at, history_from, plan, touched, wanted};
use holdfast_rules_tests::record::{agreed, answered, assignment, claim_on, moved, open_hold, rival, table_allocation};
use holdfast_rules_tests::{HOLD, NOBODY, clock, hours, own_window, table_id, table_ids};
use proptest::prelude::*;

fn all() -> Vec<FindingKind> {
    wanted(None).expect("all of them")
}

/// What is planned for a record that was changed.
fn planned(change: impl FnOnce(&mut BookingRecord)) -> Vec<(FindingKind, Option<RepairStep>)> {
    let mut record = agreed();
    change(&mut record);
    let planned = plan(&record, decide(&record), &all());
    planned.into_iter().map(|planned| (planned.finding.kind, planned.step)).collect()
}

#[track_caller]
fn assert_planned(kind: FindingKind, step: Option<RepairStep>, change: impl FnOnce(&mut BookingRecord)) {
    assert_eq!(planned(change), [(kind, step)]);
}

#[test]
fn a_table_without_its_claim_is_claimed_if_it_is_free() {
    let allocation = |frees| RepairStep::AllocateTable { table: table_id(1), window: hours(18, 20), frees };
    let kind = FindingKind::AssignmentWithoutAllocation;
    assert_planned(kind, Some(allocation(vec![])), |record| record.allocations = vec![]);
    // What a booking that is over left behind makes room.
    assert_planned(kind, Some(allocation(vec![rival(1).id])), |record| {
        record.allocations = vec![];
        record.rivals = vec![rival(1)];
        record.rivals[0].released = true;
    });
    // Who is on another table, or comes at another time, is neither in the way nor asked to make room.
    for released in [false, true] {
        let planned = planned(|record| {
            record.allocations = vec![];
            record.rivals = vec![rival(2), rival(1)];
            record.rivals[1].window = Some(hours(21, 23));
            record.rivals.iter_mut().for_each(|rival| rival.released = released);
        });
        assert_eq!(planned.last(), Some(&(kind, Some(allocation(vec![])))));
    }
    let taken = planned(|record| {
        record.allocations = vec![];
        record.rivals = vec![rival(1)];
    });
    assert_eq!(taken, [(FindingKind::DoubleBooked, None), (kind, None)]);
}

#[test]
fn the_last_answer_decides_about_a_claim_without_its_table() {
    let kind = FindingKind::AllocationWithoutAssignment;
    let given = |key: Option<&str>, group| RepairStep::AssignTable {
        table: table_id(1),
        window: hours(18, 20),
        group,
        key: key.map(str::to_owned),
    };
    assert_planned(kind, Some(given(Some("key"), None)), |record| record.assignments = vec![]);
    // With its group, if the group's allocation stands.
    assert_planned(kind, Some(given(Some("key"), Some(NOBODY))), |record| {
        record.assignments = vec![assignment(2, Some(NOBODY))];
        record.allocations = vec![table_allocation(1), table_allocation(2), claim_on(Resource::MergeGroup, NOBODY)];
        record.answers = vec![answered("key", "confirmed", &[1, 2])];
    });
    assert_planned(kind, Some(RepairStep::DeleteAllocations(vec![table_allocation(2).id])), |record| {
        record.allocations.push(table_allocation(2))
    });
    // An answer from before the last confirm counts no more.
    assert_planned(kind, Some(RepairStep::DeleteAllocations(vec![table_allocation(2).id])), |record| {
        record.allocations.push(table_allocation(2));
        record.answers.insert(0, answered("older", "confirmed", &[2]));
    });
    // Nothing was ever answered, and the booking has other tables: a person decides.
    assert_planned(kind, None, |record| {
        record.allocations.push(table_allocation(2));
        (record.answers, record.assignments[0].key) = (vec![], None);
    });
}

#[test]
fn the_answers_window_counts_then_the_bookings() {
    let kind = FindingKind::WindowDiffersFromAllocation;
    let allocation =
        RepairStep::MoveAllocation { allocation: table_allocation(1).id, window: hours(18, 20), frees: vec![] };
    assert_planned(kind, Some(allocation), |record| record.allocations[0].window = Some(hours(18, 21)));
    let own = RepairStep::MoveAssignment { assignment: assignment(1, None).id, window: hours(18, 21) };
    assert_planned(kind, Some(own), |record| {
        record.allocations[0].window = Some(hours(18, 21));
        record.booking.window = own_window(18, 21);
        (record.answers, record.assignments[0].key) = (vec![], None);
        record.assignments[0].window = Some(hours(18, 20));
    });
}

#[test]
fn the_status_follows_an_answer_whose_tables_stand() {
    let back = |record: &mut BookingRecord| "pending".clone_into(&mut record.booking.status);
    let kind = FindingKind::LedgerSaysConfirmed;
    assert_planned(kind, Some(RepairStep::Advance { to: "confirmed".to_owned() }), back);
    // Not from a status that no declared move leads from, and not without the tables.
    let undeclared = planned(|record| {
        back(record);
        record.moves.retain(|(from, _)| from != "pending");
    });
    assert_eq!(undeclared, [(kind, None), (FindingKind::HistoryDiffers, Some(RepairStep::RecordHistory))]);
    let gone = planned(|record| {
        back(record);
        (record.assignments, record.allocations) = (vec![], vec![]);
    });
    assert_eq!(gone[0], (kind, None));
    // Nor when they stand for another time than was answered, or only half.
    for half in [
        |record: &mut BookingRecord| {
            record.assignments[0].window = Some(hours(18, 21));
            record.allocations[0].window = Some(hours(18, 21));
        },
        |record: &mut BookingRecord| record.allocations = vec![],
        |record: &mut BookingRecord| record.allocations[0].window = Some(hours(18, 21)),
    ] {
        let steps = planned(|record| {
            back(record);
            half(record);
        });
        assert!(steps.contains(&(kind, None)), "{steps:?}");
    }
}

#[test]
fn the_status_that_was_confirmed_is_the_one_that_the_history_knows() {
    let kind = FindingKind::LedgerSaysConfirmed;
    // A confirm may lead to either, and both can be reached.
    let back = |record: &mut BookingRecord, last: Option<&str>| {
        record.statuses.push(StatusRule { status: "seated".to_owned(), ..record.rule("confirmed") });
        record.moves.push(("pending".to_owned(), "seated".to_owned()));
        "pending".clone_into(&mut record.booking.status);
        record.history = last.map(|to| moved("pending", to, 16)).into_iter().collect();
    };
    for to in ["confirmed", "seated"] {
        assert_planned(kind, Some(RepairStep::Advance { to: to.to_owned() }), |record| {
            back(record, Some(to));
            record.history.push(moved(to, "checked_in", 16));
        });
    }
    let unknown = planned(|record| back(record, None));
    assert_eq!(unknown[0], (kind, None), "either is as good");
    assert_planned(kind, Some(RepairStep::Advance { to: "confirmed".to_owned() }), |record| {
        back(record, None);
        record.statuses.pop();
    });
    // A move from elsewhere to there, and one from here to elsewhere, are none from here to there.
    let undeclared = planned(|record| {
        back(record, Some("confirmed"));
        record.moves = [("no_show", "confirmed"), ("pending", "cancelled")]
            .map(|(from, to)| (from.to_owned(), to.to_owned()))
            .into();
    });
    assert_eq!(undeclared[0], (kind, None));
}

#[test]
fn what_is_missing_is_written() {
    let bind = RepairStep::Bind {
        key: "key".to_owned(),
        tables: table_ids(&[1]),
        assignments: vec![assignment(1, None).id],
        window: hours(18, 20),
        group: None,
    };
    assert_planned(FindingKind::AnswerMissing, Some(bind), |record| record.answers = vec![]);
    let emitted = planned(|record| record.answers[0].told = false);
    let [(FindingKind::EventMissing, Some(RepairStep::Emit { key, dedupe_key, payload }))] = &emitted[..] else {
        panic!("{emitted:?}")
    };
    assert_eq!((key.as_str(), &payload["status"]), ("key", &serde_json::json!("confirmed")));
    assert!(dedupe_key.ends_with(&format!(":{}", table_id(1))), "{dedupe_key}");
    let grouped = planned(|record| {
        record.assignments = vec![assignment(1, Some(NOBODY)), assignment(2, Some(NOBODY))];
        record.allocations = vec![table_allocation(1), table_allocation(2), claim_on(Resource::MergeGroup, NOBODY)];
        record.answers = vec![answered("key", "confirmed", &[1, 2])];
        record.answers[0].told = false;
    });
    let [(FindingKind::EventMissing, Some(RepairStep::Emit { payload, .. }))] = &grouped[..] else {
        panic!("{grouped:?}")
    };
    assert_eq!(payload["mergeGroupId"], serde_json::json!(NOBODY));
    assert_planned(FindingKind::HistoryDiffers, Some(RepairStep::RecordHistory), |record| {
        "checked_in".clone_into(&mut record.booking.status)
    });
}

#[test]
fn a_hold_ends_as_it_should_have() {
    for (end, change) in [
        (
            HoldEnd::Confirmed,
            (|record: &mut BookingRecord| record.answers[0].hold = Some(HOLD)) as fn(&mut BookingRecord),
        ),
        (HoldEnd::Cancelled, |record| record.holds[0].window = None),
        (HoldEnd::Expired, |record| record.holds[0].expires_at = clock(12, 0)),
    ] {
        let steps = planned(|record| {
            record.holds = vec![open_hold(&[2])];
            record.answers[0].hold = None;
            record.allocations.push(claim_on(Resource::Hold, HOLD));
            change(record);
        });
        let step = RepairStep::CloseHold { hold: HOLD, end };
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].1.as_ref(), Some(&step));
        let told = by_name(&agreed(), &[&step])["close_hold"][0]["event"]["payload"]["holdId"].clone();
        assert_eq!(told.is_null(), end == HoldEnd::Confirmed, "others are told of a hold that came to nothing");
    }
}

#[test]
fn an_allocation_that_stands_for_nothing_goes() {
    let mirror = claim_on(Resource::Hold, HOLD);
    let gone = Some(RepairStep::DeleteAllocations(vec![mirror.id]));
    assert_planned(FindingKind::MirrorWithoutHold, gone, |record| record.allocations.push(mirror));
}

#[test]
fn the_status_of_a_table_that_nobody_has_is_set_again() {
    let refresh = Some(RepairStep::Refresh { table: table_id(1) });
    assert_planned(FindingKind::TableStatusUnexplained, refresh, |record| {
        record.assignments[0].status_unexplained = true;
    });
}

#[test]
fn groups_are_dissolved_or_claimed() {
    let dissolve = RepairStep::Dissolve { assignments: vec![assignment(1, None).id], allocations: vec![] };
    assert_planned(FindingKind::MergeGroupIncomplete, Some(dissolve), |record| {
        record.assignments[0].merge_group = Some(NOBODY)
    });
    // Each with its own allocation, and with no table's.
    let groups = [NOBODY, HOLD];
    let dissolved = planned(|record| {
        record.assignments[0].merge_group = Some(NOBODY);
        for (at, group) in groups.into_iter().enumerate() {
            let id = Id::from_u128(0x900 + at as u128);
            record.allocations.push(AllocationRecord { id, ..claim_on(Resource::MergeGroup, group) });
        }
    });
    let (with, without) = (Id::from_u128(0x900), Id::from_u128(0x901));
    let steps = [(vec![assignment(1, None).id], with), (vec![], without)].map(|(assignments, allocation)| {
        (FindingKind::MergeGroupIncomplete, Some(RepairStep::Dissolve { assignments, allocations: vec![allocation] }))
    });
    assert!(steps.iter().all(|step| dissolved.contains(step)) && dissolved.len() == 2, "{dissolved:#?}");
    let allocation = RepairStep::AllocateGroup { group: NOBODY, window: hours(18, 20) };
    assert_planned(FindingKind::MergeGroupWithoutAllocation, Some(allocation), |record| {
        record.assignments = vec![assignment(1, Some(NOBODY)), assignment(2, Some(NOBODY))];
        record.allocations = vec![table_allocation(1), table_allocation(2)];
        record.answers = vec![answered("key", "confirmed", &[1, 2])];
    });
}

#[test]
fn what_cannot_be_decided_is_for_a_person() {
    assert_planned(FindingKind::DoubleBooked, None, |record| record.rivals = vec![rival(1)]);
    assert_planned(FindingKind::OtherTenant, None, |record| record.assignments[0].foreign = true);
    assert_planned(FindingKind::WindowOutsideBooking, None, |record| record.booking.window = own_window(20, 22));
    assert_planned(FindingKind::WindowLeftBehind, None, |record| record.booking.window = own_window(19, 21));
    assert_planned(FindingKind::FencedKeyUsed, None, |record| record.answers = vec![answered("key", "fenced", &[])]);
    assert_planned(FindingKind::ConfirmedWithoutTables, None, |record| {
        (record.assignments, record.allocations) = (vec![], vec![])
    });
}

#[test]
fn findings_are_asked_for_by_name_or_code() {
    let names = |names: &[Option<&str>]| wanted(Some(names.iter().map(|name| name.map(str::to_owned)).collect()));
    assert_eq!(
        names(&[Some("HD12"), Some("event_missing")]),
        Ok(vec![FindingKind::HistoryDiffers, FindingKind::EventMissing])
    );
    assert_eq!(names(&[]), Ok(vec![]));
    assert_eq!(
        names(&[Some("nothing")]).expect_err("unknown").message,
        "repair_booking does not know the finding nothing"
    );
    assert!(names(&[None]).is_err());
    assert_eq!(all().len(), FINDINGS.len());
    let mut record = agreed();
    record.allocations = vec![];
    assert_eq!(plan(&record, decide(&record), &[FindingKind::EventMissing]), []);
}

#[test]
fn the_history_says_from_where() {
    let mut record = agreed();
    assert_eq!(history_from(&record, &[]), "confirmed");
    record.booking = Booking { status: "cancelled".to_owned(), ..record.booking };
    assert_eq!(history_from(&record, &[&RepairStep::RecordHistory]), "confirmed");
    assert_eq!(history_from(&record, &[]), "cancelled");
    record.history.push(moved("cancelled", "cancelled", 17));
    assert_eq!(history_from(&record, &[&RepairStep::RecordHistory]), "confirmed");
}

#[test]
fn the_repairs_entry_is_the_last() {
    let mut record = agreed();
    assert_eq!(history_at(&record, clock(17, 30)), clock(17, 30));
    // Written by a clock that is fast: at the same moment is late enough.
    record.history.push(moved("confirmed", "checked_in", 19));
    let at = history_at(&record, clock(17, 30));
    assert_eq!(at, clock(19, 0));
    record.history.push(Moved { from: Some("checked_in".to_owned()), to: "confirmed".to_owned(), at });
    assert_eq!(decide(&record), []);
}

#[test]
fn tables_of_now_are_refreshed() {
    let mut record = agreed();
    assert_eq!(touched(&record, &[]), Vec::<Id>::new());
    assert_eq!(touched(&record, &[&RepairStep::Refresh { table: table_id(3) }]), [table_id(3)]);
    record.now = clock(19, 0);
    assert_eq!(touched(&record, &[]), [table_id(1)]);
}

/// A record with anything in it that a small restaurant can have.
fn records() -> impl Strategy<Value = BookingRecord> {
    let statuses = prop::sample::select(vec!["pending", "confirmed", "checked_in", "cancelled", "no_show"]);
    let tables = || prop::collection::btree_set(1_u128..5, 0..4);
    (statuses, tables(), tables(), tables(), tables(), 0_i64..4, any::<bool>()).prop_map(
        |(status, assignments, allocations, answer, rivals, shift, released)| {
            let mut record = agreed();
            status.clone_into(&mut record.booking.status);
            record.assignments = assignments.into_iter().map(|number| assignment(number, None)).collect();
            record.allocations = allocations.into_iter().map(table_allocation).collect();
            if let Some(allocation) = record.allocations.first_mut() {
                allocation.window = Some(hours(18 + shift, 20 + shift));
            }
            let answer: Vec<u128> = answer.into_iter().collect();
            record.answers = vec![answered("key", "confirmed", &answer)];
            record.rivals = rivals.into_iter().map(rival).collect();
            record.rivals.iter_mut().for_each(|rival| rival.released = released);
            record
        },
    )
}

proptest! {
    /// It never frees a table that the booking has, unless the booking is over, and never takes one that another has.
    #[test]
    fn no_live_booking_loses_a_table(record in records()) {
        let dropped = |step: &RepairStep| match step {
            RepairStep::DeleteAllocations(allocations) => allocations.clone(),
            _ => vec![],
        };
        for planned in plan(&record, decide(&record), &all()) {
            let Some(step) = planned.step else { continue };
            for allocation in dropped(&step) {
                let table = record.allocations.iter().find(|known| known.id == allocation).map(|known| known.resource_id);
                let seated = record.assignments.iter().any(|assignment| Some(assignment.table) == table);
                prop_assert!(record.is_over() || !seated, "{step:?}");
            }
            let (window, table, frees) = match &step {
                RepairStep::AllocateTable { window, table, frees } => (*window, *table, frees.clone()),
                RepairStep::AssignTable { window, table, .. } => (*window, *table, vec![]),
                RepairStep::MoveAllocation { window, allocation, frees } => {
                    let allocation = record.allocations.iter().find(|known| known.id == *allocation).expect("known");
                    (*window, allocation.resource_id, frees.clone())
                }
                _ => continue,
            };
            let met = |rival: &&holdfast::rules::reconcile::finding::record::Rival| {
                rival.table == table && rival.window.is_none_or(|other| other.overlaps(window))
            };
            prop_assert!(record.rivals.iter().filter(met).all(|rival| rival.released), "{step:?}");
            let known = |id: &Id| record.rivals.iter().any(|rival| rival.id == *id && rival.released);
            prop_assert!(frees.iter().all(known), "{step:?}");
        }
    }

    /// What agrees is left alone.
    #[test]
    fn a_plan_is_made_of_findings_alone(record in records()) {
        let findings = decide(&record).len();
        prop_assert!(plan(&record, decide(&record), &all()).len() <= findings);
    }
}
