//! What a decision writes: worked examples.

use holdfast::rules::Id;
use holdfast::rules::booking::table::{Blocker, Resource};
use holdfast::rules::confirm::request::Request;
use holdfast::rules::confirm::resolved_request::ResolvedRequest;
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::confirm::{Changes, decide, is_only_unbound};
use holdfast::rules::hold::HoldEnd;
use holdfast_rules_tests::{
    HOLD, OTHER_BOOKING, as_assign, ask_hold, ask_tables, assignment, claim, claim_of, clock, hold, hours, own_hold,
    situation_with, snapshot, table_id, table_ids,
};

const GROUP: Id = Id::from_u128(0x800);
const OTHER_HOLD: Id = Id::from_u128(0xD1);
const THIRD_HOLD: Id = Id::from_u128(0xD2);

#[track_caller]
fn changes(request: &Request, numbers: &[u128], snapshot: &Snapshot) -> Changes {
    let resolved = ResolvedRequest::new(request, table_ids(numbers), request.window.unwrap_or(hours(18, 20)));
    decide(request, &resolved, snapshot).expect("in order")
}

fn ids(base: u128, numbers: &[u128]) -> Vec<Id> {
    numbers.iter().map(|number| Id::from_u128(base + number)).collect()
}

#[test]
fn the_first_confirm_adds_its_tables() {
    let expected = Changes { add: table_ids(&[1, 2]), moves: true, ..Changes::default() };
    assert_eq!(changes(&ask_tables(&[1, 2]), &[1, 2], &snapshot()), expected);
    let expected = Changes { moves: false, ..expected };
    assert_eq!(changes(&as_assign(ask_tables(&[1, 2])), &[1, 2], &snapshot()), expected);
}

/// Table 1 and 2 joined, each claimed.
fn joined() -> Snapshot {
    let window = hours(18, 20);
    Snapshot {
        assignments: vec![assignment(2, window, Some(GROUP)), assignment(1, window, Some(GROUP))],
        allocations: vec![claim(1, window), claim(2, window), claim_of(Resource::MergeGroup, GROUP, window)],
        ..snapshot()
    }
}

#[test]
fn what_stands_already_is_kept() {
    let mut floor = joined();
    let kept = vec![floor.assignments[1], floor.assignments[0]];
    let expected = Changes { kept, moves: true, ..Changes::default() };
    assert_eq!(changes(&ask_tables(&[1, 2]), &[1, 2], &floor), expected);
    let nothing = Changes { moves: false, ..expected };
    assert_eq!(changes(&as_assign(ask_tables(&[1, 2])), &[1, 2], &floor), nothing);
    floor.booking.status = "confirmed".to_owned();
    assert_eq!(changes(&ask_tables(&[1, 2]), &[1, 2], &floor), nothing);
    let mut single = snapshot();
    single.assignments = vec![assignment(1, hours(18, 20), None)];
    single.allocations = vec![claim(1, hours(18, 20))];
    let expected = Changes { kept: single.assignments.clone(), moves: true, ..Changes::default() };
    assert_eq!(changes(&ask_tables(&[1]), &[1], &single), expected);
}

/// A confirm that replaces tables is one for the history, also where the status stays.
#[test]
fn the_booking_moves_where_its_status_or_its_tables_change() {
    let moves = |request: &Request, status: &str| {
        let mut floor = joined();
        floor.booking.status = status.to_owned();
        changes(request, &[3], &floor).moves
    };
    assert!(moves(&ask_tables(&[3]), "pending"));
    assert!(moves(&ask_tables(&[3]), "confirmed"));
    let without_target = Request { target: None, ..ask_tables(&[3]) };
    assert!(!moves(&without_target, "pending"));
    assert!(!moves(&as_assign(ask_tables(&[3])), "pending"));
}

/// Each of these is almost what was asked for, and is written anew.
#[test]
fn what_stands_otherwise_is_replaced_by_a_confirm() {
    let mut rescheduled = joined();
    rescheduled.assignments[0].window = Some(hours(19, 21));
    let mut windowless = joined();
    windowless.assignments[0].window = None;
    let mut apart = joined();
    apart.assignments.iter_mut().for_each(|row| row.merge_group = None);
    let mut two_groups = joined();
    two_groups.assignments[0].merge_group = Some(HOLD);
    let mut unclaimed = joined();
    unclaimed.allocations.remove(1);
    let mut claimed_for_another_time = joined();
    claimed_for_another_time.allocations[1].window = Some(hours(19, 21));
    let mut claimed_as_a_group = joined();
    claimed_as_a_group.allocations[1].resource = Resource::MergeGroup;
    for floor in [rescheduled, windowless, apart, two_groups, unclaimed, claimed_for_another_time, claimed_as_a_group] {
        let changes = changes(&ask_tables(&[1, 2]), &[1, 2], &floor);
        assert_eq!(changes.add, table_ids(&[1, 2]), "{floor:?}");
        assert_eq!(changes.kept, vec![]);
        assert_eq!(changes.drop_assignments, ids(0x100, &[2, 1]));
        let claims: Vec<Id> = floor.allocations.iter().map(|claim| claim.id).collect();
        assert_eq!(changes.drop_allocations, claims);
        assert!(changes.dissolve.is_empty());
    }
}

/// A confirm sets the tables, so nothing else of the booking stays: not a table without a claim, nor a claim
/// without a table or group.
#[test]
fn what_stands_beside_is_cleared_by_a_confirm() {
    let window = hours(18, 20);
    let mut unclaimed = joined();
    unclaimed.assignments.push(assignment(3, window, None));
    let mut orphan = joined();
    orphan.allocations.push(claim(3, window));
    let mut groupless = joined();
    groupless.allocations.push(claim_of(Resource::MergeGroup, Id::from_u128(0x801), window));
    for floor in [unclaimed, orphan, groupless] {
        let confirm = changes(&ask_tables(&[1, 2]), &[1, 2], &floor);
        assert_eq!(confirm.add, table_ids(&[1, 2]), "{floor:?}");
        assert_eq!(confirm.drop_assignments.len(), floor.assignments.len());
        assert_eq!(confirm.drop_allocations.len(), floor.allocations.len());
        // An assign has nothing to say about it.
        assert_eq!(changes(&as_assign(ask_tables(&[1, 2])), &[1, 2], &floor).kept.len(), 2);
    }
    // The mirror of another hold is the hold's.
    let mut held = joined();
    held.allocations.push(claim_of(Resource::Hold, OTHER_HOLD, window));
    assert_eq!(changes(&ask_tables(&[1, 2]), &[1, 2], &held).kept.len(), 2);
}

#[test]
fn a_member_of_a_group_does_not_stand_alone() {
    let floor = joined();
    let confirm = changes(&ask_tables(&[1]), &[1], &floor);
    assert_eq!((confirm.add, confirm.drop_assignments), (table_ids(&[1]), ids(0x100, &[2, 1])));
    let assign = changes(&as_assign(ask_tables(&[1])), &[1], &floor);
    assert_eq!(assign.add, table_ids(&[1]));
    assert_eq!(assign.drop_assignments, ids(0x100, &[1]));
    assert_eq!(assign.dissolve, ids(0x100, &[2]));
    assert_eq!(assign.drop_allocations, [ids(0x200, &[1]), ids(0x300, &[0x800])].concat());
}

/// F6: a confirm sets, an assign adds.
#[test]
fn a_confirm_replaces_and_an_assign_adds() {
    let floor = joined();
    let confirm = changes(&ask_tables(&[3]), &[3], &floor);
    assert_eq!(confirm.add, table_ids(&[3]));
    assert_eq!(confirm.drop_assignments, ids(0x100, &[2, 1]));
    assert_eq!(confirm.drop_allocations, [ids(0x200, &[1, 2]), ids(0x300, &[0x800])].concat());
    let assign = changes(&as_assign(ask_tables(&[3])), &[3], &floor);
    assert_eq!(assign, Changes { add: table_ids(&[3]), ..Changes::default() });
}

/// F9: what a booking that is over left behind is freed, once each.
#[test]
fn released_claims_of_others_are_freed() {
    let freed = |id, number| Blocker::Allocation { id: Id::from_u128(id), table: table_id(number), released: true };
    let left = Blocker::Assignment {
        id: Id::from_u128(0x7a1),
        table: table_id(1),
        owner: OTHER_BOOKING,
        window: hours(18, 20),
        released: true,
    };
    let floor = Snapshot { blockers: vec![freed(0x702, 1), freed(0x701, 2), freed(0x702, 1), left], ..snapshot() };
    let changes = changes(&ask_tables(&[1, 2]), &[1, 2], &floor);
    assert_eq!((changes.add, changes.drop_allocations), (table_ids(&[1, 2]), ids(0x700, &[1, 2])));
    assert!(changes.drop_assignments.is_empty(), "who sat where stays on record");
    let floor = Snapshot { assignments_exclude: true, ..floor };
    let changes = self::changes(&ask_tables(&[1, 2]), &[1, 2], &floor);
    assert_eq!(changes.drop_assignments, [Id::from_u128(0x7a1)], "unless it would block");
}

/// Ends of the holds of a situation with holds on {1, 2}, {3} and {1} past its deadline.
fn ends(request: &Request, numbers: &[u128]) -> Vec<(Id, HoldEnd)> {
    let mut floor = situation_with(hold(&[1, 2]));
    floor.own_holds.insert(OTHER_HOLD, own_hold(&[3], clock(17, 1)));
    floor.own_holds.insert(THIRD_HOLD, own_hold(&[1], clock(17, 0)));
    changes(request, numbers, &floor).close_holds
}

/// F25.
#[test]
fn a_confirm_leaves_no_hold_open() {
    let (confirmed, cancelled, expired) = (HoldEnd::Confirmed, HoldEnd::Cancelled, HoldEnd::Expired);
    let by_hold = [(HOLD, confirmed), (OTHER_HOLD, cancelled), (THIRD_HOLD, expired)];
    assert_eq!(ends(&ask_hold(), &[1, 2]), by_hold);
    let by_tables = [(HOLD, confirmed), (OTHER_HOLD, cancelled), (THIRD_HOLD, expired)];
    assert_eq!(ends(&ask_tables(&[1, 2]), &[1, 2]), by_tables);
    let of_one = [(HOLD, cancelled), (OTHER_HOLD, cancelled), (THIRD_HOLD, expired)];
    assert_eq!(ends(&ask_tables(&[1]), &[1]), of_one);
    let of_three = [(HOLD, confirmed), (OTHER_HOLD, confirmed), (THIRD_HOLD, expired)];
    assert_eq!(ends(&ask_tables(&[1, 2, 3]), &[1, 2, 3]), of_three);
}

#[test]
fn an_assign_consumes_the_holds_whose_tables_it_took() {
    let assign = |numbers: &[u128]| as_assign(ask_tables(numbers));
    assert_eq!(ends(&assign(&[1, 2]), &[1, 2]), [(HOLD, HoldEnd::Confirmed), (THIRD_HOLD, HoldEnd::Expired)]);
    assert_eq!(ends(&assign(&[2]), &[2]), []);
    assert_eq!(ends(&assign(&[3]), &[3]), [(OTHER_HOLD, HoldEnd::Confirmed)]);
    // By hold: that one, whatever else it would cover.
    assert_eq!(ends(&as_assign(ask_hold()), &[1, 2]), [(HOLD, HoldEnd::Confirmed)]);
}

#[test]
fn mirrors_go_with_their_holds() {
    let window = hours(18, 20);
    let mut floor = situation_with(hold(&[1]));
    floor.own_holds.insert(OTHER_HOLD, own_hold(&[3], clock(18, 0)));
    floor.allocations = vec![
        claim_of(Resource::Hold, HOLD, window),
        claim_of(Resource::Hold, OTHER_HOLD, window),
        claim_of(Resource::Hold, THIRD_HOLD, window),
    ];
    floor.mirrors = vec![Id::from_u128(0x777)];
    let confirm = changes(&ask_hold(), &[1], &floor);
    assert_eq!(confirm.drop_allocations, [ids(0x300, &[0xD0, 0xD1]), ids(0x700, &[0x77])].concat());
    let assign = changes(&as_assign(ask_tables(&[1])), &[1], &Snapshot { mirrors: vec![], ..floor });
    assert_eq!(assign.drop_allocations, ids(0x300, &[0xD0]));
}

#[test]
fn tables_are_touched_whose_window_is_running() {
    let touched = |window, standing, floor_now| {
        let floor = Snapshot { assignments: vec![assignment(4, standing, None)], now: floor_now, ..snapshot() };
        changes(&Request { window: Some(window), ..ask_tables(&[1, 2]) }, &[1, 2], &floor).touched
    };
    assert!(touched(hours(18, 20), hours(18, 20), clock(17, 0)).is_empty());
    assert_eq!(touched(hours(18, 20), hours(18, 20), clock(18, 0)), table_ids(&[1, 2, 4]));
    assert_eq!(touched(hours(18, 20), hours(16, 19), clock(17, 0)), table_ids(&[4]));
    assert_eq!(touched(hours(17, 20), hours(18, 20), clock(17, 0)), table_ids(&[1, 2]));
    assert!(touched(hours(18, 20), hours(18, 20), clock(20, 0)).is_empty());
}

/// What was written is counted part by part; the ledger's entry may be another call's.
#[test]
fn each_part_of_a_write_is_expected() {
    let changes = Changes {
        add: table_ids(&[1, 2]),
        drop_assignments: table_ids(&[3]),
        drop_allocations: table_ids(&[4, 5]),
        dissolve: table_ids(&[6, 7, 8]),
        close_holds: vec![(HOLD, HoldEnd::Confirmed)],
        moves: true,
        ..Changes::default()
    };
    let request = ask_tables(&[1, 2]);
    assert_eq!(changes.expected(&request, true), [1, 2, 3, 2, 1, 1, 1, 1, 1, 1]);
    assert_eq!(changes.expected(&request, false), [1, 2, 3, 2, 1, 1, 1, 1, 1, 0]);
    assert_eq!(changes.expected(&as_assign(ask_tables(&[1, 2])), true), [1, 2, 3, 2, 1, 1, 1, 1, 1, 0]);
    let without_key = Request { key: None, ..ask_tables(&[1]) };
    let one = Changes { add: table_ids(&[1]), ..Changes::default() };
    assert_eq!(one.expected(&without_key, true), [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let expected = changes.expected(&request, true);
    for at in 0..expected.len() {
        let mut counts = expected.clone();
        counts[at] -= 1;
        assert_eq!(is_only_unbound(&expected, &counts), at == 8, "{at}");
    }
    assert!(!is_only_unbound(&expected, &[]));
}
