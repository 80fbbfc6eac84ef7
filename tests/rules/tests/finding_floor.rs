//! What does not agree about the floor under a booking, its neighbours, its answers and its holds.

use holdfast::rules::Id;
use holdfast::rules::booking::table::Resource;
use holdfast::rules::booking::window::Window;
use holdfast::rules::reconcile::finding::catalogue::FindingKind;
use holdfast::rules::reconcile::finding::record::{Basis, BookingRecord, OpenHold, Rival, TableState};
use holdfast_rules_tests::record::{assignment, claim_on, open_hold, rival, state, table_allocation};
use holdfast_rules_tests::{HOLD, NOBODY, OTHER_ZONE, clock, hours, own_window, table_id};

use crate::finding::assert_found;

/// Another booking has table 1 from eight to ten, and takes place then.
fn neighbour(record: &mut BookingRecord) {
    record.neighbours = vec![Rival { is_allocation: false, window: Some(hours(20, 22)), ..rival(1) }];
}

#[test]
fn bookings_that_overlap_at_a_table_are_found_whatever_it_is_assigned_for() {
    assert_found(&[], neighbour);
    assert_found(&[FindingKind::WindowLeftBehind, FindingKind::BookingsOverlap], |record| {
        neighbour(record);
        record.booking.window = own_window(18, 21);
    });
    // The window was asked for: the booking is at its table then and no longer.
    assert_found(&[FindingKind::WindowDiffersFromBooking], |record| {
        neighbour(record);
        record.booking.window = own_window(18, 21);
        record.answers[0].basis = Some(Basis::Request);
    });
    assert_found(&[FindingKind::WindowLeftBehind], |record| {
        neighbour(record);
        record.booking.window = own_window(18, 21);
        record.now = clock(21, 0);
    });
}

#[test]
fn the_tables_of_a_live_booking_are_to_be_used() {
    let with_table = |table: TableState| {
        move |record: &mut BookingRecord| {
            record.tables.insert(table_id(1), table);
        }
    };
    assert_found(&[FindingKind::TableInactive], with_table(TableState { active: false, ..state() }));
    assert_found(&[FindingKind::TableOutOfService], with_table(TableState { out_of_service: true, ..state() }));
    assert_found(&[FindingKind::TablesInTwoZones], with_table(TableState { zone: None, ..state() }));
    assert_found(&[FindingKind::PartyExceedsTables], with_table(TableState { seats: 1, ..state() }));
    assert_found(&[], |record| {
        record.tables.insert(table_id(1), TableState { seats: 1, ..state() });
        record.extra_seats = 1;
    });
    // What is past is past.
    assert_found(&[], |record| {
        record.tables.insert(table_id(1), TableState { active: false, ..state() });
        record.now = clock(20, 0);
    });
}

/// Tables 1 and 2, one group.
fn two(record: &mut BookingRecord) {
    let group = Some(Id::from_u128(0x77));
    record.assignments = vec![assignment(1, group), assignment(2, group)];
    record.allocations =
        vec![table_allocation(1), table_allocation(2), claim_on(Resource::MergeGroup, Id::from_u128(0x77))];
    record.tables.insert(table_id(2), state());
    record.answers[0].tables = vec![table_id(1), table_id(2)];
}

#[test]
fn tables_that_were_to_stand_together_do() {
    assert_found(&[], two);
    assert_found(&[FindingKind::TablesInTwoZones], |record| {
        two(record);
        record.tables.insert(table_id(2), TableState { zone: Some(OTHER_ZONE), ..state() });
    });
    assert_found(&[FindingKind::TablesNotAdjacent], |record| {
        two(record);
        record.answers[0].adjacent = true;
    });
    assert_found(&[], |record| {
        two(record);
        record.answers[0].adjacent = true;
        record.edges = [(table_id(1), table_id(2))].into();
    });
}

#[test]
fn what_an_answer_gave_names_its_key_and_its_claim() {
    assert_found(&[FindingKind::KeyLost], |record| record.assignments[0].key = None);
    assert_found(&[FindingKind::AllocationLost], |record| record.assignments[0].allocation = Some(NOBODY));
    assert_found(&[FindingKind::AllocationLost], |record| record.assignments[0].allocation = None);
    assert_found(&[], |record| {
        record.assignments[0].allocation = None;
        record.answers[0].ours = false;
    });
    assert_found(&[FindingKind::HoldConsumedTwice], |record| record.answers[0].hold_shared = true);
}

#[test]
fn a_hold_has_tables_and_an_end() {
    let held = |hold: OpenHold| {
        move |record: &mut BookingRecord| {
            record.holds = vec![hold];
            record.answers[0].hold = None;
            record.allocations.push(claim_on(Resource::Hold, HOLD));
        }
    };
    assert_found(&[FindingKind::HoldWithoutTables], held(open_hold(&[])));
    assert_found(
        &[FindingKind::HoldDeadlineAbsurd],
        held(OpenHold { expires_at: clock(18 + 8 * 24, 0), ..open_hold(&[2]) }),
    );
    // As long as its own window, where an application ties the two.
    let late = Window::new(clock(240, 0), clock(242, 0));
    assert_found(&[], held(OpenHold { expires_at: clock(242, 0), window: late, ..open_hold(&[2]) }));
}
