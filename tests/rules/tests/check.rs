//! The list of checks: a decision gives the first objection, an explanation gives them all.

use holdfast::rules::booking::table::Blocker;
use holdfast::rules::confirm::check::{all, first, selection};
use holdfast::rules::confirm::request::Request;
use holdfast::rules::confirm::resolved_request::ResolvedRequest;
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::confirm::{decide, select};
use holdfast::rules::refusal::Refusal;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{
    BOOKING, HOLD, NOBODY, OTHER_BOOKING, OTHER_ZONE, as_assign, ask_hold, ask_tables, booking, clock, hold, hours,
    now, own_window, situation_with, snapshot, table_id, table_ids,
};

fn outcomes(request: &Request, snapshot: &Snapshot) -> Vec<Outcome> {
    let resolved = ResolvedRequest::new(request, table_ids(&[1, 2]), hours(18, 20));
    let found = all(request, &resolved, snapshot);
    let objections: Vec<Refusal> =
        found.into_iter().flat_map(|(_, objections)| objections).map(|objection| objection.refusal).collect();
    assert_eq!(first(request, &resolved, snapshot).err(), objections.first().cloned());
    assert_eq!(decide(request, &resolved, snapshot).err(), objections.first().cloned());
    objections.into_iter().map(|refusal| refusal.outcome).collect()
}

#[test]
fn all_objections_are_given_and_the_first_decides() {
    let request = ask_tables(&[1, 2]);
    assert_eq!(outcomes(&request, &snapshot()), []);
    let mut everything = situation_with(hold(&[1, 3]));
    everything.statuses.target_is_confirmable = false;
    everything.booking.party_size = 50;
    everything.booking.zone_lock = Some(OTHER_ZONE);
    everything.edges = [].into();
    for number in [1, 2] {
        let table = everything.tables.get_mut(&table_id(number)).expect("on the floor");
        (table.active, table.mobility) = (false, "fixed".to_owned());
    }
    everything.hold.as_mut().expect("named").metadata =
        serde_json::json!({"selection": {"tableIds": []}, "requireAdjacency": true}).into();
    let window = hours(18, 20);
    everything.blockers = vec![
        Blocker::Assignment { id: NOBODY, table: table_id(2), owner: OTHER_BOOKING, window, released: false },
        Blocker::Allocation { id: NOBODY, table: table_id(2), released: false },
        Blocker::Allocation { id: NOBODY, table: table_id(1), released: true },
        Blocker::Hold { hold: HOLD, table: table_id(1) },
    ];
    assert_eq!(
        outcomes(&request, &everything),
        [
            Outcome::TargetNotConfirmable,
            Outcome::TableInactive,
            Outcome::TableInactive,
            Outcome::ZoneLocked,
            Outcome::TableNotMovable,
            Outcome::TablesNotAdjacent,
            Outcome::PartyTooLarge,
            Outcome::AdjacencySnapshotChanged,
            Outcome::HoldConflict,
            Outcome::AllocationConflict,
            Outcome::AssignmentConflict,
        ]
    );
    // An assign does not ask how many guests fit.
    let assign = as_assign(request);
    everything.statuses.current_holds_tables = true;
    assert!(!outcomes(&assign, &everything).contains(&Outcome::PartyTooLarge));
}

/// The checks of a hold go on after the first that fails, as long as there is something to look at.
#[test]
fn a_hold_is_looked_at_from_every_side() {
    let mut bad = hold(&[1]);
    (bad.booking, bad.restaurant, bad.expires_at) = (Some(OTHER_BOOKING), NOBODY, clock(1, 0));
    let mut far = booking();
    far.window = own_window(8, 9);
    let (checks, resolved) = selection(&ask_hold(), &far, Some(&bad), now());
    let failed: Vec<Outcome> =
        checks.iter().filter_map(|(_, result)| result.as_ref().err()).map(|r| r.outcome).collect();
    assert_eq!(
        failed,
        [
            Outcome::HoldOfOtherBooking,
            Outcome::HoldOfOtherRestaurant,
            Outcome::HoldExpired,
            Outcome::WindowOutsideBooking
        ]
    );
    assert!(resolved.is_some());
    assert_eq!(select(&ask_hold(), &far, Some(&bad), now()).expect_err("refused").outcome, failed[0]);
    (bad.booking, bad.start) = (Some(BOOKING), None);
    assert_eq!(selection(&ask_hold(), &far, Some(&bad), now()).1, None);
    assert_eq!(selection(&ask_hold(), &far, None, now()).0.len(), 1);
}

#[test]
fn only_what_a_person_put_out_of_service_is_so_at_any_time() {
    use holdfast::rules::booking::table::is_out_of_service;
    assert!(is_out_of_service(true, false, false), "a person said so");
    assert!(!is_out_of_service(true, true, false), "a refresh set it, for a maintenance that is over");
    assert!(!is_out_of_service(true, false, true), "a maintenance explains it");
    assert!(!is_out_of_service(false, false, true));
}
