//! The hold: whose it is, until when it stands, and how long a new one may live.

use holdfast::rules::Id;
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::Expectation;
use holdfast::rules::hold::request::deadline;
use holdfast::rules::hold::{Hold, HoldEnd, HoldPolicy, TTL_MAX_SECONDS, TTL_SECONDS};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::evening::calls;
use holdfast_rules_tests::{
    BOOKING, HOLD, NOBODY, OTHER_BOOKING, RESTAURANT, ask_hold, assert_refused, booking, clock, hold, hours, now, shown,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn with(change: impl FnOnce(&mut Hold)) -> Hold {
    let mut changed = hold(&[1]);
    change(&mut changed);
    changed
}

#[test]
fn a_hold_in_order_may_be_confirmed() {
    assert_eq!(hold(&[1]).check(BOOKING, RESTAURANT, now()), Ok(()));
    // F10: an anonymous hold does not block its own confirmation.
    assert_eq!(with(|hold| hold.booking = None).check(BOOKING, RESTAURANT, now()), Ok(()));
}

#[test]
fn each_reason_against_a_hold_has_the_words_of_the_contract() {
    let id = shown(HOLD);
    let expired = format!("Hold {id} expired at 2027-05-01T17:30:00Z");
    let cases = [
        (
            with(|hold| hold.booking = Some(OTHER_BOOKING)),
            (Outcome::HoldOfOtherBooking, "P0001"),
            format!("Hold {id} belongs to booking {} (expected {})", shown(OTHER_BOOKING), shown(BOOKING)),
        ),
        (
            with(|hold| hold.restaurant = NOBODY),
            (Outcome::HoldOfOtherRestaurant, "23503"),
            format!("Hold {id} belongs to a different restaurant"),
        ),
        (with(|hold| hold.status = "expired".to_owned()), (Outcome::HoldExpired, "P0001"), expired),
        (
            with(|hold| hold.expires_at = clock(17, 0)),
            (Outcome::HoldExpired, "P0001"),
            format!("Hold {id} expired at 2027-05-01T17:00:00Z"),
        ),
        // F17: consumed or handed back.
        (
            with(|hold| hold.status = "cancelled".to_owned()),
            (Outcome::HoldNotFound, "P0002"),
            format!("Hold {id} not found"),
        ),
        (
            with(|hold| hold.status = "confirmed".to_owned()),
            (Outcome::HoldNotFound, "P0002"),
            format!("Hold {id} not found"),
        ),
        (
            with(|hold| hold.members.clear()),
            (Outcome::HoldWithoutTables, "P0001"),
            format!("Hold {id} has no table members"),
        ),
    ];
    for (hold, (outcome, sqlstate), message) in cases {
        let refusal = hold.check(BOOKING, RESTAURANT, now()).expect_err("refused");
        assert_refused(&refusal, outcome, sqlstate, &message, None);
    }
}

/// Each check is reached only when those before it passed.
#[test]
fn the_reasons_are_asked_in_order() {
    let mut hold = hold(&[]);
    hold.booking = Some(OTHER_BOOKING);
    hold.restaurant = NOBODY;
    hold.status = "cancelled".to_owned();
    let outcome = |hold: &Hold| hold.check(BOOKING, RESTAURANT, now()).expect_err("refused").outcome;
    assert_eq!(outcome(&hold), Outcome::HoldOfOtherBooking);
    hold.booking = None;
    assert_eq!(outcome(&hold), Outcome::HoldOfOtherRestaurant);
    hold.restaurant = RESTAURANT;
    assert_eq!(outcome(&hold), Outcome::HoldNotFound);
    hold.status = "expired".to_owned();
    assert_eq!(outcome(&hold), Outcome::HoldExpired);
    hold.status = "active".to_owned();
    assert_eq!(outcome(&hold), Outcome::HoldWithoutTables);
}

#[test]
fn a_hold_is_live_until_its_deadline_and_dead_at_it() {
    let hold = hold(&[1]);
    assert!(hold.is_live(Instant(hold.expires_at.0 - 1)));
    assert!(!hold.is_live(hold.expires_at));
    assert!(!hold.is_live(Instant(hold.expires_at.0 + 1)));
    assert!(with(|hold| hold.expires_at = Instant::FOREVER).is_live(now()));
    assert!(!with(|hold| hold.expires_at = Instant::NEVER).is_live(now()));
}

#[test]
fn a_hold_has_a_window() {
    assert_eq!(hold(&[1]).window(), Ok(hours(18, 20)));
    for missing in [with(|hold| hold.start = None), with(|hold| hold.end = None)] {
        let refusal = missing.window().expect_err("missing");
        let message = format!("Hold {} missing scheduling window", shown(HOLD));
        assert_refused(&refusal, Outcome::HoldWindowMissing, "22000", &message, None);
    }
    let refusal = with(|hold| hold.end = hold.start).window().expect_err("empty");
    let message = format!("Hold {} has invalid window", shown(HOLD));
    let detail = "Start 2027-05-01T18:00:00Z, end 2027-05-01T18:00:00Z";
    assert_refused(&refusal, Outcome::HoldWindowInvalid, "22000", &message, Some(detail));
}

#[test]
fn adjacency_is_required_only_where_the_metadata_says_so() {
    let requires = |metadata: Value| with(|hold| hold.metadata = metadata.into()).requires_adjacency();
    assert!(requires(json!({"requireAdjacency": true})));
    for metadata in [
        json!({"requireAdjacency": false}),
        json!({"requireAdjacency": null}),
        json!({"requireAdjacency": "true"}),
        json!({}),
        json!(null),
        json!([]),
    ] {
        assert!(!requires(metadata));
    }
}

/// Metadata, expected policy version, and what the refusal says that it is.
type Case = (Value, Option<&'static str>, Option<&'static str>);

#[test]
fn a_policy_version_is_compared_as_text_and_missing_is_another() {
    let cases: &[Case] = &[
        (json!({"policyVersion": "7"}), None, None),
        (json!({"policyVersion": "7"}), Some("7"), None),
        (json!({"policyVersion": 7}), Some("7"), None),
        (json!({"policyVersion": true}), Some("true"), None),
        (json!({"policyVersion": "7"}), Some("8"), Some("7")),
        (json!({"policyVersion": 7}), Some("8"), Some("7")),
        (json!({"policyVersion": null}), Some("7"), Some("<NULL>")),
        (json!({}), Some("7"), Some("<NULL>")),
        (json!(null), Some("7"), Some("<NULL>")),
        (json!({}), None, None),
    ];
    for (metadata, expected, found) in cases {
        let expectation = Expectation { policy_version: expected.map(str::to_owned), adjacency_hash: None };
        let checked = with(|hold| hold.metadata = metadata.clone().into()).check_expectation(&expectation);
        match (checked, found) {
            (Ok(()), None) => {}
            (Err(refusal), Some(found)) => {
                let expected = expected.expect("nothing expected, nothing refused");
                let message =
                    format!("Policy version changed (hold {}, expected {expected}, actual {found})", shown(HOLD));
                assert_refused(&refusal, Outcome::PolicyVersionChanged, "P0003", &message, None);
            }
            (checked, _) => panic!("{metadata}: {checked:?}"),
        }
    }
}

fn metadata_with_hash(hash: &Value) -> Value {
    json!({"selection": {"snapshot": {"adjacency": {"hash": hash, "edges": []}}}})
}

#[test]
fn a_snapshot_hash_is_compared_and_missing_is_another() {
    let cases: &[Case] = &[
        (metadata_with_hash(&json!("abc")), None, None),
        (metadata_with_hash(&json!("abc")), Some("abc"), None),
        (metadata_with_hash(&json!("abd")), Some("abc"), Some("abd")),
        (metadata_with_hash(&json!(null)), Some("abc"), Some("none")),
        (json!({"selection": {"snapshot": {"adjacency": null}}}), Some("abc"), Some("none")),
        (json!({"selection": {"snapshot": null}}), Some("abc"), Some("none")),
        (json!({}), Some("abc"), Some("none")),
        (json!({}), None, None),
    ];
    for (metadata, expected, found) in cases {
        let expectation = Expectation { policy_version: None, adjacency_hash: expected.map(str::to_owned) };
        let checked = with(|hold| hold.metadata = metadata.clone().into()).check_expectation(&expectation);
        match (checked, found) {
            (Ok(()), None) => {}
            (Err(refusal), Some(found)) => {
                let message = format!("Adjacency snapshot changed for hold {}", shown(HOLD));
                let detail = format!("Expected snapshot abc, the hold has {found}");
                assert_refused(&refusal, Outcome::AdjacencySnapshotChanged, "P0003", &message, Some(&detail));
            }
            (checked, _) => panic!("{metadata}: {checked:?}"),
        }
    }
}

#[test]
fn ends_have_the_labels_of_the_enum() {
    assert_eq!(HoldEnd::Confirmed.label(), "confirmed");
    assert_eq!(HoldEnd::Cancelled.label(), "cancelled");
    assert_eq!(HoldEnd::Expired.label(), "expired");
}

#[test]
fn a_new_hold_lives_three_minutes_unless_its_taker_says_otherwise() {
    assert_eq!(TTL_SECONDS, 180);
    assert_eq!(TTL_MAX_SECONDS, 604_800);
    let policy = HoldPolicy::default();
    for seconds in [1, 180, 604_800] {
        assert_eq!(deadline("hold_tables", seconds, now(), policy), Ok(now().after_seconds(i64::from(seconds))));
    }
    for seconds in [0, -1, i32::MIN, 604_801, i32::MAX] {
        let refusal = deadline("hold_tables", seconds, now(), policy).expect_err("no lifetime");
        let message = format!("hold_tables requires a lifetime of 1 to 604800 seconds, not {seconds}");
        assert_refused(&refusal, Outcome::ArgumentInvalid, "22023", &message, None);
    }
    let short = HoldPolicy { longest_seconds: 60, ..policy };
    let refusal = deadline("extend_hold", 61, now(), short).expect_err("longer than the owner allows");
    assert_eq!(refusal.message, "extend_hold requires a lifetime of 1 to 60 seconds, not 61");
}

fn any_hold() -> impl Strategy<Value = Hold> {
    let owner = prop_oneof![Just(Some(BOOKING)), Just(None), Just(Some(OTHER_BOOKING))];
    let restaurant = prop_oneof![4 => Just(RESTAURANT), 1 => Just(NOBODY)];
    let status = prop_oneof![4 => Just("active"), 1 => Just("expired"), 1 => Just("confirmed"), 1 => Just("cancelled")];
    let instants = || prop_oneof![Just(clock(18, 0)), Just(clock(20, 0)), any::<i64>().prop_map(Instant)];
    (owner, restaurant, status, instants(), prop::option::of(instants()), prop::option::of(instants()), 0..3_usize)
        .prop_map(|(booking, restaurant, status, expires_at, start, end, members)| Hold {
            booking,
            restaurant,
            status: status.to_owned(),
            expires_at,
            start,
            end,
            members: [1, 2].into_iter().take(members).map(Id::from_u128).collect(),
            ..hold(&[])
        })
}

proptest! {
    /// G6, whatever else: at its deadline and from then on, no hold passes.
    #[test]
    fn from_its_deadline_on_no_hold_passes(hold in any_hold(), late in 0..i64::MAX, (request, _) in calls()) {
        let at = Instant(hold.expires_at.0.saturating_add(late));
        prop_assert!(hold.check(BOOKING, RESTAURANT, at).is_err());
        let request = holdfast::rules::confirm::request::Request { selection: ask_hold().selection, ..request };
        prop_assert!(holdfast::rules::confirm::select(&request, &booking(), Some(&hold), at).is_err());
    }

    /// What passes is active, ours, of this restaurant, with tables, and before its deadline.
    #[test]
    fn only_a_hold_in_order_passes(hold in any_hold(), now in any::<i64>().prop_map(Instant)) {
        let in_order = hold.status == "active"
            && hold.booking.is_none_or(|owner| owner == BOOKING)
            && hold.restaurant == RESTAURANT
            && !hold.members.is_empty()
            && now < hold.expires_at;
        prop_assert_eq!(hold.check(BOOKING, RESTAURANT, now).is_ok(), in_order);
    }

    /// F17: what the caller expects is there, or it is a refusal.
    #[test]
    fn an_expectation_without_its_other_side_is_never_met(
        policy in prop::option::of("[a-z0-9]{0,8}"), hash in prop::option::of("[a-f0-9]{0,8}"),
    ) {
        let expected = Expectation { policy_version: policy, adjacency_hash: hash };
        let none = expected == Expectation::default();
        for metadata in [json!(null), json!({}), json!([]), json!({"policyVersion": null, "selection": {}})] {
            prop_assert_eq!(with(|hold| hold.metadata = metadata.into()).check_expectation(&expected).is_ok(), none);
        }
    }
}
