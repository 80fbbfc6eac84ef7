//! The decision: which reason is given first, and each of them in the words of the contract.

use holdfast::rules::Id;
use holdfast::rules::booking::table::{Blocker, Occupant, Table};
use holdfast::rules::confirm::check::in_the_way;
use holdfast::rules::confirm::check::{check_table, loaded};
use holdfast::rules::confirm::request::Request;
use holdfast::rules::confirm::resolved_request::ResolvedRequest;
use holdfast::rules::confirm::snapshot::Snapshot;
use holdfast::rules::confirm::{decide, may_hold, own_holds, select};
use holdfast::rules::hold::Hold;
use holdfast::rules::json::Json;
use holdfast::rules::refusal::Refusal;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::{
    BOOKING, HOLD, NOBODY, OTHER_BOOKING, OTHER_ZONE, RESTAURANT, ZONE, as_assign, ask_hold, ask_tables,
    assert_refused, assignment, booking, clock, edges, hold, hours, now, own_window, shown, situation_with, snapshot,
    table, table_id, table_ids,
};
use serde_json::json;

fn resolved(request: &Request, numbers: &[u128]) -> ResolvedRequest {
    ResolvedRequest::new(request, table_ids(numbers), hours(18, 20))
}

#[track_caller]
fn refused(request: &Request, numbers: &[u128], snapshot: &Snapshot) -> Refusal {
    decide(request, &resolved(request, numbers), snapshot).expect_err("refused")
}

fn changed(snapshot: Snapshot, number: u128, change: impl FnOnce(&mut Table)) -> Snapshot {
    let mut changed = snapshot;
    change(changed.tables.get_mut(&table_id(number)).expect("on the floor"));
    changed
}

#[test]
fn a_call_by_tables_stands_for_them() {
    let request = ask_tables(&[1, 2]);
    assert_eq!(select(&request, &booking(), None, now()), Ok(resolved(&request, &[1, 2])));
    let custom = Request { window: Some(hours(19, 21)), ..request };
    let expected = ResolvedRequest::new(&custom, table_ids(&[1, 2]), hours(19, 21));
    assert_eq!(select(&custom, &booking(), None, now()), Ok(expected));
    let far = Request { window: Some(hours(20, 21)), ..custom };
    assert_eq!(select(&far, &booking(), None, now()).expect_err("F16").outcome, Outcome::WindowOutsideBooking);
}

#[test]
fn a_call_by_hold_stands_for_its_tables_in_its_window() {
    let mut held = hold(&[1, 2]);
    (held.start, held.end) = (Some(clock(19, 0)), Some(clock(21, 0)));
    let request = ask_hold();
    let expected = ResolvedRequest::new(&request, table_ids(&[1, 2]), hours(19, 21));
    assert_eq!(select(&request, &booking(), Some(&held), now()), Ok(expected));
    let custom = Request { window: Some(hours(18, 19)), ..request };
    let expected = ResolvedRequest::new(&custom, table_ids(&[1, 2]), hours(18, 19));
    assert_eq!(select(&custom, &booking(), Some(&held), now()), Ok(expected));
}

/// Each reason is reached only when those before it are gone.
#[test]
fn a_hold_is_looked_at_in_order() {
    let mut request = Request { window: Some(hours(8, 9)), ..ask_hold() };
    request.expectation.policy_version = Some("7".to_owned());
    let mut booking = booking();
    booking.window.start = None;
    let refusal = select(&request, &booking, None, now()).expect_err("no hold");
    let message = format!("Hold {} not found", shown(HOLD));
    assert_refused(&refusal, Outcome::HoldNotFound, "P0002", &message, None);

    let mut held = hold(&[1]);
    held.expires_at = now();
    held.start = None;
    let outcome = |request: &Request, booking: &_, held: &_| {
        select(request, booking, Some(held), now()).expect_err("refused").outcome
    };
    assert_eq!(outcome(&request, &booking, &held), Outcome::HoldExpired);
    held.expires_at = clock(17, 30);
    assert_eq!(outcome(&request, &booking, &held), Outcome::PolicyVersionChanged);
    held.metadata = json!({"policyVersion": "7"}).into();
    assert_eq!(outcome(&request, &booking, &held), Outcome::HoldWindowMissing);
    held.start = Some(clock(8, 0));
    held.end = Some(clock(9, 0));
    assert_eq!(outcome(&request, &booking, &held), Outcome::BookingWindowMissing);
    booking.window = own_window(18, 20);
    // The hold is for another time than the booking, whatever the caller says.
    let at_six = Request { window: Some(hours(18, 20)), ..request.clone() };
    assert_eq!(outcome(&at_six, &booking, &held), Outcome::WindowOutsideBooking);
    held.start = Some(clock(18, 0));
    held.end = Some(clock(20, 0));
    assert_eq!(outcome(&request, &booking, &held), Outcome::WindowOutsideBooking);
    assert_eq!(select(&at_six, &booking, Some(&held), now()), Ok(resolved(&at_six, &[1])));
}

#[test]
fn unknown_tables_are_named() {
    let floor = snapshot().tables;
    let found = loaded(BOOKING, &table_ids(&[2, 1]), &floor).expect("on the floor");
    assert_eq!(found.iter().map(|table| table.id).collect::<Vec<Id>>(), table_ids(&[2, 1]));
    let refusal = loaded(BOOKING, &table_ids(&[1, 8, 9]), &floor).expect_err("unknown");
    let message = format!("Unable to load all requested tables for booking {}", shown(BOOKING));
    let detail = format!("Not found: {}, {}", shown(table_id(8)), shown(table_id(9)));
    assert_refused(&refusal, Outcome::TablesNotFound, "P0002", &message, Some(&detail));
}

/// Everything is wrong with the table; it is mended from the first reason on.
#[test]
fn a_table_is_looked_at_in_order() {
    let mut broken = table(1);
    broken.restaurant = NOBODY;
    broken.zone = None;
    broken.active = false;
    broken.out_of_service = true;
    let id = shown(broken.id);
    type Mend = fn(&mut Table);
    let reasons: [(Outcome, &str, String, Mend); 4] = [
        (Outcome::TableOfOtherRestaurant, "23503", format!("Table {id} belongs to a different restaurant"), |table| {
            table.restaurant = RESTAURANT
        }),
        (Outcome::TableWithoutZone, "23514", format!("Table {id} is not assigned to a zone"), |table| {
            table.zone = Some(ZONE);
        }),
        (Outcome::TableInactive, "23514", format!("Table {id} is inactive"), |table| table.active = true),
        (Outcome::TableOutOfService, "23514", format!("Table {id} is out of service"), |table| {
            table.out_of_service = false;
        }),
    ];
    for (outcome, sqlstate, message, mend) in reasons {
        let refusal = check_table(&broken, RESTAURANT).expect_err("broken");
        assert_refused(&refusal, outcome, sqlstate, &message, None);
        mend(&mut broken);
    }
    assert_eq!(check_table(&broken, RESTAURANT), Ok(()));
}

/// Everything that can be wrong is wrong; each reason is mended once it was given.
#[test]
fn a_decision_gives_its_reasons_in_the_declared_order() {
    let request = Request { require_adjacency: true, ..ask_hold() };
    let mut held = hold(&[1, 2, 7]);
    held.metadata = json!({"selection": {"tableIds": []}}).into();
    let mut all = situation_with(held);
    all.booking.status = "completed".to_owned();
    all.booking.party_size = 99;
    all.booking.zone_lock = Some(NOBODY);
    all.edges.clear();
    let second = all.tables.get_mut(&table_id(2)).expect("on the floor");
    second.zone = Some(OTHER_ZONE);
    second.active = false;
    second.mobility = "fixed".to_owned();
    all.blockers = vec![Blocker::Allocation { id: NOBODY, table: table_id(1), released: false }];

    let second = |change: fn(&mut Table), all: &mut Snapshot| change(all.tables.get_mut(&table_id(2)).expect("there"));
    let outcome = |all: &Snapshot| refused(&request, &[1, 2, 7], all).outcome;
    assert_eq!(outcome(&all), Outcome::StatusConflict);
    all.booking.status = "pending".to_owned();
    assert_eq!(outcome(&all), Outcome::TablesNotFound);
    all.tables.insert(table_id(7), table(7));
    assert_eq!(outcome(&all), Outcome::TableInactive);
    second(|table| table.active = true, &mut all);
    assert_eq!(outcome(&all), Outcome::TablesInDifferentZones);
    second(|table| table.zone = Some(ZONE), &mut all);
    assert_eq!(outcome(&all), Outcome::ZoneLocked);
    all.booking.zone_lock = None;
    assert_eq!(outcome(&all), Outcome::TableNotMovable);
    second(|table| table.mobility = "movable".to_owned(), &mut all);
    assert_eq!(outcome(&all), Outcome::TablesNotAdjacent);
    all.edges = edges(&[(1, 2), (1, 7)]);
    assert_eq!(outcome(&all), Outcome::PartyTooLarge);
    all.booking.party_size = 12;
    assert_eq!(outcome(&all), Outcome::AdjacencySnapshotChanged);
    all.hold.as_mut().expect("named").metadata = json!({}).into();
    assert_eq!(outcome(&all), Outcome::AllocationConflict);
    all.blockers.clear();
    assert!(decide(&request, &resolved(&request, &[1, 2, 7]), &all).is_ok());
}

#[test]
fn the_set_stands_in_one_zone() {
    let request = ask_tables(&[1, 2]);
    let split = changed(snapshot(), 2, |table| table.zone = Some(OTHER_ZONE));
    let message =
        format!("All tables must belong to the same zone (found {}, expected {})", shown(OTHER_ZONE), shown(ZONE));
    assert_refused(&refused(&request, &[1, 2], &split), Outcome::TablesInDifferentZones, "23514", &message, None);
    assert!(decide(&request, &resolved(&request, &[1]), &split).is_ok());
}

#[test]
fn an_assign_stays_in_the_zone_of_what_the_booking_has() {
    let mut elsewhere = changed(snapshot(), 3, |table| table.zone = Some(OTHER_ZONE));
    elsewhere.assignments = vec![assignment(1, hours(18, 20), None), assignment(3, hours(18, 20), None)];
    let assign = as_assign(ask_tables(&[2]));
    let message = format!("Booking {} already has assignments in a different zone", shown(BOOKING));
    assert_refused(&refused(&assign, &[2], &elsewhere), Outcome::OtherZoneAssigned, "23514", &message, None);
    // A confirm replaces what is there, so its zone does not matter; nor does a table that is gone.
    let confirm = ask_tables(&[2]);
    assert!(decide(&confirm, &resolved(&confirm, &[2]), &elsewhere).is_ok());
    elsewhere.tables.remove(&table_id(3));
    assert!(decide(&assign, &resolved(&assign, &[2]), &elsewhere).is_ok());
}

#[test]
fn a_locked_booking_stays_in_its_zone() {
    let request = ask_tables(&[1]);
    let mut locked = snapshot();
    locked.booking.zone_lock = Some(OTHER_ZONE);
    let (lock, zone) = (shown(OTHER_ZONE), shown(ZONE));
    let message = format!("Booking {} locked to zone {lock}, cannot assign zone {zone}", shown(BOOKING));
    assert_refused(&refused(&request, &[1], &locked), Outcome::ZoneLocked, "23514", &message, None);
    locked.booking.zone_lock = Some(ZONE);
    assert!(decide(&request, &resolved(&request, &[1]), &locked).is_ok());
}

#[test]
fn joined_tables_are_movable_and_a_single_one_need_not_be() {
    let fixed = changed(snapshot(), 2, |table| table.mobility = "fixed".to_owned());
    let request = ask_tables(&[1, 2]);
    let message = format!("Merged assignments require movable tables ({} is fixed)", shown(table_id(2)));
    assert_refused(&refused(&request, &[1, 2], &fixed), Outcome::TableNotMovable, "23514", &message, None);
    assert!(decide(&request, &resolved(&request, &[2]), &fixed).is_ok());
}

#[test]
fn adjacency_is_checked_where_the_caller_or_the_hold_asks_for_it() {
    let mut apart = situation_with(hold(&[1, 3]));
    let free = ask_hold();
    assert!(decide(&free, &resolved(&free, &[1, 3]), &apart).is_ok());
    let strict = Request { require_adjacency: true, ..ask_hold() };
    let message = format!("Table {} is not adjacent to the selected set", shown(table_id(3)));
    assert_refused(&refused(&strict, &[1, 3], &apart), Outcome::TablesNotAdjacent, "23514", &message, None);
    apart.hold.as_mut().expect("named").metadata = json!({"requireAdjacency": true}).into();
    assert_eq!(refused(&free, &[1, 3], &apart).outcome, Outcome::TablesNotAdjacent);
    apart.edges = edges(&[(1, 3)]);
    assert!(decide(&free, &resolved(&free, &[1, 3]), &apart).is_ok());
}

/// An assign may add the last of several tables; only a confirm has the whole party.
#[test]
fn capacity_is_a_confirms_concern() {
    let mut large = snapshot();
    large.booking.party_size = 12;
    let request = ask_tables(&[1]);
    assert_eq!(refused(&request, &[1], &large).outcome, Outcome::PartyTooLarge);
    let assign = as_assign(request);
    assert!(decide(&assign, &resolved(&assign, &[1]), &large).is_ok());
}

#[test]
fn others_are_named_in_order() {
    let of_hold = Blocker::Hold { hold: HOLD, table: table_id(1) };
    let allocation = |released| Blocker::Allocation { id: NOBODY, table: table_id(2), released };
    let assigned = |released| Blocker::Assignment {
        id: Id::from_u128(0x7a3),
        table: table_id(3),
        owner: OTHER_BOOKING,
        window: hours(18, 20),
        released,
    };
    let found = |blockers: &[Blocker]| in_the_way(&Snapshot { blockers: blockers.to_vec(), ..snapshot() });
    let check = |blockers: &[Blocker]| found(blockers).into_iter().next().expect("blocked").refusal;
    let booking = shown(BOOKING);

    let refusal = check(&[assigned(false), allocation(false), of_hold]);
    let message = format!("Hold conflict prevents assignment for booking {booking}");
    let detail = format!("Hold {} overlaps requested window", shown(HOLD));
    assert_refused(&refusal, Outcome::HoldConflict, "P0001", &message, Some(&detail));
    assert_eq!(refusal.hint, "Retry after hold expiration or confirm existing hold.");

    let refusal = check(&[assigned(false), allocation(true), allocation(false)]);
    let detail = format!("Resource {} overlaps requested window for booking {booking}", shown(table_id(2)));
    assert_refused(&refusal, Outcome::AllocationConflict, "P0001", "allocations_no_overlap", Some(&detail));

    let refusal = check(&[allocation(true), assigned(true), assigned(false)]);
    let message = format!("assign_tables_atomic_v2 assignment overlap for table {}", shown(table_id(3)));
    let window = "[2027-05-01T18:00:00Z, 2027-05-01T20:00:00Z)";
    let detail =
        format!("Table {} is assigned to booking {} in window {window}", shown(table_id(3)), shown(OTHER_BOOKING));
    assert_refused(&refusal, Outcome::AssignmentConflict, "P0001", &message, Some(&detail));

    assert_eq!(found(&[allocation(true), assigned(true)]), []);
    assert_eq!(found(&[]), []);
}

/// Who has the table and until when: for a person behind the contract's words, for a program at the end of the hint.
#[test]
fn who_has_the_table_is_named() {
    let (of_hold, claim) = (HOLD, Id::from_u128(0x7a4));
    let mut taken = snapshot();
    taken.blockers = vec![
        Blocker::Hold { hold: of_hold, table: table_id(1) },
        Blocker::Allocation { id: claim, table: table_id(2), released: false },
    ];
    let occupant = Occupant { booking: Some(OTHER_BOOKING), window: Some(hours(18, 20)), until: None };
    taken.occupants.insert(of_hold, Occupant { booking: None, until: Some(clock(18, 30)), ..occupant });
    taken.occupants.insert(claim, occupant);
    let found: Vec<Refusal> = in_the_way(&taken).into_iter().map(|objection| objection.refusal).collect();
    let json = |hint: &str| -> serde_json::Value {
        serde_json::from_str(&hint[hint.find('{').expect("JSON")..]).expect("one object")
    };
    let detail = format!(
        "Hold {} overlaps requested window: no booking in particular has table {} until 2027-05-01T18:30:00Z",
        shown(HOLD),
        shown(table_id(1))
    );
    assert_eq!(found[0].detail.as_deref(), Some(detail.as_str()));
    assert!(found[0].hint.starts_with("Retry after hold expiration or confirm existing hold. {"), "{:?}", found[0]);
    assert_eq!(json(&found[0].hint)["holdId"], shown(HOLD));
    assert_eq!(json(&found[0].hint)["until"], "2027-05-01T18:30:00Z");
    let detail = format!(
        "Resource {table} overlaps requested window for booking {}: booking {} has table {table} until 2027-05-01T20:00:00Z",
        shown(BOOKING),
        shown(OTHER_BOOKING),
        table = shown(table_id(2))
    );
    assert_eq!(found[1].detail.as_deref(), Some(detail.as_str()));
    assert_eq!(json(&found[1].hint)["bookingId"], shown(OTHER_BOOKING));
    assert_eq!(json(&found[1].hint)["holdId"], serde_json::Value::Null);
}

/// What the locked row says now counts, not what it said before the wait (K20).
#[test]
fn own_holds_are_those_that_still_are() {
    let mine = Hold { booking: Some(BOOKING), ..hold(&[1]) };
    let judged = |hold: Hold, named: Option<Id>| own_holds(BOOKING, named, &[(hold.id, hold)].into()).len();
    assert_eq!(judged(mine.clone(), None), 1);
    for status in ["cancelled", "expired", "confirmed"] {
        assert_eq!(judged(Hold { status: status.to_owned(), ..mine.clone() }, None), 0, "{status}");
    }
    assert_eq!(judged(Hold { booking: Some(OTHER_BOOKING), ..mine.clone() }, Some(mine.id)), 0, "given away");
    let nobodys = Hold { booking: None, ..mine.clone() };
    assert_eq!(judged(nobodys.clone(), Some(mine.id)), 1);
    assert_eq!(judged(nobodys, None), 0);
}

#[test]
fn tables_are_held_under_the_checks_of_a_confirm() {
    let held = |numbers: &[u128], metadata: Option<serde_json::Value>, floor: &Snapshot| {
        let wanted = Hold { metadata: metadata.map(Json::from).unwrap_or_default(), ..hold(numbers) };
        may_hold(&wanted, hours(18, 20), floor)
    };
    let mut floor = snapshot();
    floor.statuses.current_holds_tables = true;
    assert_eq!(held(&[1, 2], None, &floor), Ok(()));
    let outcome = |numbers: &[u128], metadata: Option<serde_json::Value>, floor: &Snapshot| {
        held(numbers, metadata, floor).expect_err("refused").outcome
    };
    assert_eq!(outcome(&[1, 9], None, &floor), Outcome::TablesNotFound);
    assert_eq!(outcome(&[1], None, &changed(floor.clone(), 1, |table| table.active = false)), Outcome::TableInactive);
    let split = changed(floor.clone(), 2, |table| table.zone = Some(OTHER_ZONE));
    assert_eq!(outcome(&[1, 2], None, &split), Outcome::TablesInDifferentZones);
    let fixed = changed(floor.clone(), 2, |table| table.mobility = "fixed".to_owned());
    assert_eq!(outcome(&[1, 2], None, &fixed), Outcome::TableNotMovable);
    let mut blocked = floor.clone();
    blocked.blockers = vec![Blocker::Hold { hold: NOBODY, table: table_id(1) }];
    assert_eq!(outcome(&[1], None, &blocked), Outcome::HoldConflict);
    // A hold that no confirm could use.
    let mut party = floor.clone();
    party.booking.party_size = 99;
    assert_eq!(outcome(&[1, 2], None, &party), Outcome::PartyTooLarge);
    let mut over = floor.clone();
    over.statuses.current_holds_tables = false;
    assert_eq!(outcome(&[1], None, &over), Outcome::StatusConflict);
    // Who is not known yet has no party and no status.
    let mut nobody = over;
    nobody.booking.id = Id::nil();
    nobody.booking.party_size = 0;
    nobody.policy.enforce_min_party = true;
    assert_eq!(held(&[1], None, &nobody), Ok(()));
    // Apart is fine unless the hold itself says that it must not be.
    for metadata in
        [None, Some(json!({})), Some(json!({"requireAdjacency": false})), Some(json!({"requireAdjacency": "true"}))]
    {
        assert_eq!(held(&[1, 3], metadata, &floor), Ok(()));
    }
    assert_eq!(outcome(&[1, 3], Some(json!({"requireAdjacency": true})), &floor), Outcome::TablesNotAdjacent);
    // What the booking has in another zone may be replaced by the confirm to come.
    floor.assignments = vec![assignment(5, hours(18, 20), None)];
    let elsewhere = changed(floor, 5, |table| table.zone = Some(OTHER_ZONE));
    assert_eq!(held(&[1, 2], None, &elsewhere), Ok(()));
}
