//! Taking tables away: whole groups, whole claims.

use std::collections::BTreeSet;

use holdfast::rules::Id;
use holdfast::rules::booking::allocation::{Removal, remove};
use holdfast::rules::booking::table::{Allocation, Assignment, Resource};
use holdfast_rules_tests::model::groups;
use holdfast_rules_tests::{HOLD, assignment, claim, claim_of, hours, table_id};
use proptest::prelude::*;

const GROUP: Id = Id::from_u128(0x800);

fn group_of(numbers: &[u128]) -> (Vec<Assignment>, Vec<Allocation>) {
    let window = hours(18, 20);
    let rows = numbers.iter().map(|number| assignment(*number, window, Some(GROUP))).collect();
    let mut claims: Vec<Allocation> = numbers.iter().map(|number| claim(*number, window)).collect();
    claims.push(claim_of(Resource::MergeGroup, GROUP, window));
    (rows, claims)
}

fn ids(base: u128, numbers: &[u128]) -> Vec<Id> {
    numbers.iter().map(|number| Id::from_u128(base + number)).collect()
}

/// Members of one group, those that go, and whether the group ends.
type Case = (&'static [u128], &'static [u128], bool);

#[test]
fn a_group_ends_with_fewer_than_two_members() {
    let cases: &[Case] = &[
        (&[1, 2, 3], &[], false),
        (&[1, 2, 3], &[1], false),
        (&[1, 2, 3], &[1, 3], true),
        (&[1, 2], &[2], true),
        (&[1, 2], &[1, 2], true),
        (&[1, 2], &[], false),
        // As older code may have left it.
        (&[1], &[], true),
    ];
    for (members, going, ends) in cases {
        let (rows, claims) = group_of(members);
        let removal = remove(&rows, &claims, |table| going.contains(&table.as_u128()));
        let staying: Vec<u128> = members.iter().filter(|member| !going.contains(member)).copied().collect();
        let mut allocations = ids(0x200, going);
        if *ends {
            allocations.push(Id::from_u128(0x300 + GROUP.as_u128()));
        }
        let dissolved = if *ends { ids(0x100, &staying) } else { vec![] };
        assert_eq!(
            removal,
            Removal { assignments: ids(0x100, going), allocations, dissolved },
            "{members:?} {going:?}"
        );
    }
}

#[test]
fn tables_outside_a_group_come_and_go_alone() {
    let rows = [assignment(1, hours(18, 20), None), assignment(2, hours(18, 20), None)];
    let claims = [claim(1, hours(18, 20)), claim(2, hours(18, 20))];
    let removal = remove(&rows, &claims, |table| table == table_id(1));
    assert_eq!(removal, Removal { assignments: ids(0x100, &[1]), allocations: ids(0x200, &[1]), dissolved: vec![] });
}

#[test]
fn a_claim_without_its_assignment_goes_too() {
    let removal = remove(&[], &[claim(1, hours(18, 20)), claim(2, hours(18, 20))], |table| table == table_id(2));
    assert_eq!(removal, Removal { allocations: ids(0x200, &[2]), ..Removal::default() });
}

#[test]
fn resources_have_the_labels_of_the_contract() {
    let labels = [
        ("table", Some(Resource::Table)),
        ("merge_group", Some(Resource::MergeGroup)),
        ("hold", Some(Resource::Hold)),
        ("zone", None),
        ("", None),
    ];
    for (label, resource) in labels {
        assert_eq!(Resource::of_label(label), resource, "{label}");
    }
}

/// A hold's mirror goes with its hold, not with the tables.
#[test]
fn a_holds_mirror_stays() {
    let mirror = claim_of(Resource::Hold, HOLD, hours(18, 20));
    assert_eq!(remove(&[], &[mirror], |_| true), Removal::default());
}

#[test]
fn a_claim_of_a_group_without_members_goes() {
    let orphan = claim_of(Resource::MergeGroup, GROUP, hours(18, 20));
    assert_eq!(remove(&[], &[orphan], |_| false).allocations, vec![orphan.id]);
}

proptest! {
    #[test]
    fn what_is_left_is_whole(
        rows in prop::collection::vec((any::<bool>(), prop::option::of(0..3_u128)), 6),
        going in prop::collection::btree_set(1..=6_u128, 0..=6),
    ) {
        let window = hours(18, 20);
        let group = |group: u128| Id::from_u128(0x800 + group);
        let assignments: Vec<Assignment> = (1..)
            .zip(rows)
            .filter(|(_, (there, _))| *there)
            .map(|(number, (_, of))| assignment(number, window, of.map(group)))
            .collect();
        let mut claims: Vec<Allocation> = (1..=6).map(|number| claim(number, window)).collect();
        claims.extend((0..3).map(|number| claim_of(Resource::MergeGroup, group(number), window)));
        let removal = remove(&assignments, &claims, |table| going.contains(&table.as_u128()));

        let dissolved: BTreeSet<Id> = removal.dissolved.iter().copied().collect();
        let left: Vec<Assignment> = assignments
            .iter()
            .filter(|row| !removal.assignments.contains(&row.id))
            .map(|row| Assignment { merge_group: row.merge_group.filter(|_| !dissolved.contains(&row.id)), ..*row })
            .collect();
        prop_assert!(left.iter().all(|row| !going.contains(&row.table.as_u128())));
        prop_assert_eq!(left.len(), assignments.iter().filter(|row| !going.contains(&row.table.as_u128())).count());
        // No group of one; its claim stands exactly as long as the group.
        let sizes = groups(&left);
        prop_assert!(sizes.values().all(|size| *size > 1));
        for claim in claims {
            let stays = match claim.resource {
                Resource::MergeGroup => sizes.contains_key(&claim.resource_id),
                _ => !going.contains(&claim.resource_id.as_u128()),
            };
            prop_assert_eq!(!removal.allocations.contains(&claim.id), stays);
        }
        prop_assert!(dissolved.is_disjoint(&removal.assignments.iter().copied().collect()));
    }
}
