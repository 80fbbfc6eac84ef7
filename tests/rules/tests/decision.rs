//! What holds for every decision, on any floor: a thousand evenings each.

use std::collections::BTreeSet;

use holdfast::rules::Id;
use holdfast::rules::booking::table::{Assignment, Blocker, Resource};
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::{Intent, Selection};
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::confirm::{Changes, decide, select};
use holdfast::rules::hold::HoldEnd;
use holdfast_rules_tests::evening::{Evening, blockers, evenings, is_blocked};
use holdfast_rules_tests::model::{After, apply, groups};
use holdfast_rules_tests::{as_assign, now, table_id};
use proptest::prelude::*;

fn decided(evening: &Evening) -> Option<(Changes, After)> {
    let Evening { request, resolved, snapshot } = evening;
    let changes = decide(request, resolved, snapshot).ok()?;
    let after = apply(snapshot, resolved, &changes);
    Some((changes, after))
}

fn unique(ids: impl IntoIterator<Item = Id>) -> bool {
    let mut seen = BTreeSet::new();
    ids.into_iter().all(|id| seen.insert(id))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// G2, whatever else is in order: nobody is pushed aside.
    #[test]
    fn no_change_while_somebody_stands_in_the_way(evening in evenings(), blockers in blockers()) {
        let blocked = is_blocked(&blockers);
        let evening = Evening { snapshot: Snapshot { blockers, ..evening.snapshot }, ..evening };
        if blocked {
            prop_assert!(decided(&evening).is_none());
        }
        // Those who are gone stand in nobody's way.
        let alone = Evening { snapshot: Snapshot { blockers: vec![], ..evening.snapshot.clone() }, ..evening.clone() };
        prop_assert_eq!(decided(&evening).is_some(), decided(&alone).is_some() && !blocked);
    }

    /// Every asked table stands in the asked window; a confirm leaves no other, an assign takes none away.
    #[test]
    fn the_tables_are_those_that_were_asked_for(evening in evenings()) {
        let Evening { request, resolved, snapshot } = &evening;
        if let Some((changes, after)) = decided(&evening) {
            let wanted: BTreeSet<Id> = resolved.tables.iter().copied().collect();
            for row in after.assignments.iter().filter(|row| wanted.contains(&row.table)) {
                prop_assert_eq!(row.window, Some(resolved.window));
            }
            prop_assert!(unique(after.assignments.iter().map(|row| row.table)));
            let mut expected = wanted.clone();
            if request.intent == Intent::Assign {
                expected.extend(snapshot.assignments.iter().map(|row| row.table));
            }
            prop_assert_eq!(after.tables(), expected);
            // All new or all as they were, and the answer is in order.
            let kept: Vec<Id> = changes.kept.iter().map(|row| row.table).collect();
            prop_assert!(changes.add == resolved.tables && kept.is_empty() || changes.add.is_empty() && kept == resolved.tables);
        }
    }

    /// Other rows of an assign stay as they are, except that they may lose their group.
    #[test]
    fn an_assign_leaves_other_rows_alone(evening in evenings()) {
        let evening = Evening { request: as_assign(evening.request), ..evening };
        if let Some((_, after)) = decided(&evening) {
            let other = |row: &&Assignment| !evening.resolved.tables.contains(&row.table);
            for before in evening.snapshot.assignments.iter().filter(other) {
                let row = after.assignments.iter().find(|row| row.id == before.id).expect("stays");
                prop_assert_eq!(Assignment { merge_group: before.merge_group, ..*row }, *before);
                prop_assert!(row.merge_group.is_none() || row.merge_group == before.merge_group);
            }
        }
    }

    /// The rows of the answer share one group when they are several, and have none when it is one. Nothing that is
    /// written leaves a group of one.
    #[test]
    fn no_group_of_one_remains(evening in evenings()) {
        let Evening { request, resolved, snapshot } = &evening;
        if let Some((changes, after)) = decided(&evening) {
            let answer = after.assignments.iter().filter(|row| resolved.tables.contains(&row.table));
            let of_answer: BTreeSet<Option<Id>> = answer.map(|row| row.merge_group).collect();
            prop_assert_eq!(of_answer.len(), 1);
            prop_assert_eq!(of_answer.iter().all(Option::is_some), resolved.tables.len() > 1);
            let alone: Vec<Id> = after.groups().into_iter().filter(|(_, size)| *size < 2).map(|(id, _)| id).collect();
            if request.intent == Intent::Confirm || !changes.add.is_empty() {
                prop_assert!(alone.is_empty(), "{:?}", alone);
            } else {
                // Nothing was written: what older code left alone stays alone.
                let before = groups(&snapshot.assignments);
                prop_assert!(alone.iter().all(|group| before[group] == 1));
            }
        }
    }

    /// F25 and G7: after a confirm every hold of the booking is closed; an assign closes only what it took.
    #[test]
    fn no_own_hold_stays_open_after_a_confirm(evening in evenings()) {
        let Evening { request, resolved, snapshot } = &evening;
        if let Some((changes, after)) = decided(&evening) {
            prop_assert!(unique(changes.close_holds.iter().map(|(id, _)| *id)));
            for (id, hold) in &snapshot.own_holds {
                let named = request.selection == Selection::Hold(*id);
                let covered = hold.members.iter().all(|table| resolved.tables.contains(table));
                match (request.intent, after.ends.get(id)) {
                    (Intent::Confirm, None) => prop_assert!(false, "{} stays open", id),
                    (Intent::Assign, end) if named => prop_assert_eq!(end, Some(&HoldEnd::Confirmed)),
                    (Intent::Assign, Some(_)) => prop_assert!(covered),
                    _ => {}
                }
                if named {
                    prop_assert_eq!(after.ends.get(id), Some(&HoldEnd::Confirmed));
                } else if after.ends.get(id) == Some(&HoldEnd::Confirmed) {
                    prop_assert!(hold.expires_at > snapshot.now && covered);
                } else if after.ends.get(id) == Some(&HoldEnd::Expired) {
                    prop_assert!(hold.expires_at <= snapshot.now);
                }
            }
            // A mirror stands exactly as long as its hold.
            for claim in after.allocations.iter().filter(|claim| claim.resource == Resource::Hold) {
                prop_assert!(after.open_holds.contains(&claim.resource_id));
            }
        }
    }

    /// G7: each table of the answer has its one claim, and after a confirm no claim is without a table.
    #[test]
    fn claims_are_those_of_the_tables(evening in evenings()) {
        let Evening { request, resolved, .. } = &evening;
        if let Some((_, after)) = decided(&evening) {
            for table in &resolved.tables {
                let claims = after.claims_of(*table);
                prop_assert_eq!(claims.len(), 1);
                prop_assert_eq!(claims[0].window, Some(resolved.window));
            }
            if request.intent == Intent::Confirm {
                let tables = after.tables();
                let sizes = after.groups();
                for claim in &after.allocations {
                    match claim.resource {
                        Resource::Table => prop_assert!(tables.contains(&claim.resource_id), "{:?} is an orphan", claim),
                        Resource::MergeGroup => prop_assert!(sizes.contains_key(&claim.resource_id), "{:?}", claim),
                        Resource::Hold => {}
                    }
                }
            }
        }
    }

    /// What is dropped exists, is dropped once, and is the booking's own or was released: row counts are asserted.
    /// Assignments of others are a record, and go only where they would block.
    #[test]
    fn only_own_or_released_rows_are_dropped(evening in evenings()) {
        let Evening { snapshot, .. } = &evening;
        if let Some((changes, _)) = decided(&evening) {
            let own: BTreeSet<Id> = snapshot.assignments.iter().map(|row| row.id).collect();
            let claims: BTreeSet<Id> = snapshot.allocations.iter().map(|claim| claim.id).collect();
            let (mut seats, mut released) = (BTreeSet::new(), BTreeSet::new());
            for blocker in &snapshot.blockers {
                match blocker {
                    Blocker::Allocation { id, released: true, .. } => released.insert(*id),
                    Blocker::Assignment { id, released: true, .. } => seats.insert(*id),
                    _ => false,
                };
            }
            prop_assert!(changes.dissolve.iter().all(|id| own.contains(id)));
            prop_assert!(unique(changes.drop_assignments.iter().chain(&changes.dissolve).copied()));
            let of_others: BTreeSet<Id> =
                changes.drop_assignments.iter().filter(|id| !own.contains(id)).copied().collect();
            prop_assert_eq!(of_others, if snapshot.assignments_exclude { seats } else { BTreeSet::new() });
            prop_assert!(unique(changes.drop_allocations.iter().copied()));
            prop_assert!(changes.drop_allocations.iter().all(|id| claims.contains(id) || released.contains(id)));
            prop_assert!(released.iter().all(|id| changes.drop_allocations.contains(id)));
        }
    }

    /// The same again, under another key: nothing is left to do.
    #[test]
    fn a_second_confirm_keeps_everything(evening in evenings()) {
        if let Some((_, after)) = decided(&evening) {
            let mut booking = evening.snapshot.booking.clone();
            booking.status = evening.request.target.clone().unwrap_or(booking.status);
            let again = Snapshot {
                booking,
                assignments: after.assignments.clone(),
                allocations: after.allocations.clone(),
                own_holds: [].into(),
                hold: None,
                blockers: vec![],
                ..evening.snapshot.clone()
            };
            let changes = decide(&evening.request, &evening.resolved, &again).expect("as before");
            prop_assert_eq!(changes.kept.len(), evening.resolved.tables.len());
            let nothing = Changes { kept: changes.kept.clone(), touched: changes.touched.clone(), ..Changes::default() };
            prop_assert_eq!(changes, nothing);
        }
    }

    /// Another day leaves a table's status of now alone.
    #[test]
    fn only_running_windows_touch_a_table(evening in evenings()) {
        let Evening { resolved, snapshot, .. } = &evening;
        if let Some((changes, after)) = decided(&evening) {
            prop_assert!(changes.touched.is_sorted() && unique(changes.touched.iter().copied()));
            let rows = || snapshot.assignments.iter().chain(&after.assignments);
            for table in (1..=6).map(table_id) {
                let running = rows().any(|row| {
                    row.table == table && row.window.is_some_and(|window| window.contains(snapshot.now))
                });
                prop_assert_eq!(changes.touched.contains(&table), running, "{} {:?}", table, resolved.window);
            }
        }
    }

    /// G6 from end to end: at and after its deadline, a hold leads to no request, so to no decision.
    #[test]
    fn an_expired_hold_leads_nowhere(evening in evenings(), late in 0..i64::MAX) {
        if let Some(hold) = &evening.snapshot.hold {
            let booking = &evening.snapshot.booking;
            let at = Instant(hold.expires_at.0.saturating_add(late));
            prop_assert!(select(&evening.request, booking, Some(hold), at).is_err());
            prop_assert!(hold.is_live(now()));
        }
    }
}
