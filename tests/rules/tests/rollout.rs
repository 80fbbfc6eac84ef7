//! Who confirms, by switch, rule and share.

use std::slice::from_ref;

use holdfast::rules::Id;
use holdfast::rules::attempt::function::Function;
use holdfast::rules::rollout::{
    Legacy, Mode, Route, Rule, Trial, asks_restaurant, check, only_ours, settle, settle_within, share, wanted,
};
use holdfast_rules_tests::{BOOKING, NOBODY, RESTAURANT};

fn rule(restaurant: Option<Id>, mode: Mode, percentage: i32) -> Rule {
    Rule { restaurant, mode, percentage }
}

#[test]
fn a_share_of_a_hundred_is_spread_evenly_and_stays() {
    let mut counts = [0_u32; 100];
    for number in 0..20_000_u128 {
        counts[usize::try_from(share(Id::from_u128(number))).expect("0 to 99")] += 1;
    }
    assert!(counts.iter().all(|count| (120..=290).contains(count)), "{counts:?}");
    // Published: a booking may not change sides with an upgrade.
    assert_eq!([0_u128, 1, 0xB0].map(|number| share(Id::from_u128(number))), PUBLISHED);
}

const PUBLISHED: [i32; 3] = [59, 56, 31];

/// Is the switch on, the rules, whose booking, which, and where it goes.
type Case<'a> = (bool, &'a [Rule], Option<Id>, Option<Id>, Route);

#[test]
fn the_rule_of_the_restaurant_goes_before_that_of_all() {
    let all = rule(None, Mode::Original, 100);
    let own = rule(Some(RESTAURANT), Mode::On, 100);
    let cases: &[Case] = &[
        (true, &[], None, Some(BOOKING), Route::Ours),
        (false, &[], None, Some(BOOKING), Route::Original),
        (true, from_ref(&all), None, Some(BOOKING), Route::Original),
        (true, &[all.clone(), own.clone()], Some(RESTAURANT), Some(BOOKING), Route::Ours),
        (true, &[all.clone(), own.clone()], Some(NOBODY), Some(BOOKING), Route::Original),
        (true, from_ref(&own), None, Some(BOOKING), Route::Ours),
        (false, from_ref(&own), Some(RESTAURANT), Some(BOOKING), Route::Original),
        (true, &[rule(None, Mode::On, 0)], None, Some(BOOKING), Route::Original),
        (true, &[rule(None, Mode::On, 0)], None, None, Route::Ours),
        (true, &[rule(None, Mode::On, share(BOOKING))], None, Some(BOOKING), Route::Original),
        (true, &[rule(None, Mode::On, share(BOOKING) + 1)], None, Some(BOOKING), Route::Ours),
        (true, &[rule(None, Mode::Shadow, 100)], None, Some(BOOKING), Route::Shadow(Trial::Looked)),
        (true, &[rule(None, Mode::Shadow, 100)], None, None, Route::Shadow(Trial::Looked)),
        (false, &[rule(None, Mode::Shadow, 100)], None, Some(BOOKING), Route::Original),
        (true, &[rule(None, Mode::Shadow, share(BOOKING))], None, Some(BOOKING), Route::Original),
        (true, &[rule(None, Mode::Shadow, share(BOOKING) + 1)], None, Some(BOOKING), Route::Shadow(Trial::Looked)),
        (true, &[rule(None, Mode::Shadow, 100), own.clone()], Some(RESTAURANT), Some(BOOKING), Route::Ours),
    ];
    for (enabled, rules, restaurant, booking, route) in cases {
        assert_eq!(wanted(*enabled, rules, *restaurant, *booking), *route, "{rules:?} {restaurant:?} {booking:?}");
    }
    assert!(asks_restaurant(&[all.clone(), own]) && !asks_restaurant(&[all]));
}

#[test]
fn what_lets_go_works_where_nothing_is_kept_and_what_takes_is_refused() {
    assert_eq!(settle(Route::Ours, Function::Assign, Legacy::Never, true), Ok(Route::Ours));
    assert_eq!(settle(Route::Original, Function::Assign, Legacy::Callable, true), Ok(Route::Original));
    assert_eq!(
        settle(Route::Shadow(Trial::Looked), Function::Assign, Legacy::Callable, true),
        Ok(Route::Shadow(Trial::Looked))
    );
    for function in [Function::Unassign, Function::Transition, Function::Release, Function::Refresh] {
        assert_eq!(settle(Route::Original, function, Legacy::Never, true), Ok(Route::Ours), "{function:?}");
        assert_eq!(
            settle(Route::Shadow(Trial::Looked), function, Legacy::Never, true),
            Ok(Route::Ours),
            "{function:?}"
        );
    }
    assert!(
        settle(Route::Shadow(Trial::Looked), Function::AtomicConfirm, Legacy::Never, true).is_err(),
        "there is nothing to answer"
    );
    for (enabled, switch) in [(true, "holdfast_rollout"), (false, "holdfast.atomic_confirm_enabled")] {
        let refusal =
            settle(Route::Original, Function::ConfirmByHold, Legacy::Never, enabled).expect_err("nothing to call");
        let detail = refusal.detail.unwrap_or_default();
        assert!(detail.contains(switch) && detail.contains("confirm_hold_assignment_tx"), "{detail}");
    }
}

#[test]
fn a_share_needs_a_legacy_function_that_gives_tables() {
    let rule = |mode, percentage| [Rule { restaurant: None, mode, percentage }];
    for (rules, needs) in [
        (rule(Mode::On, 100), false),
        (rule(Mode::On, 99), true),
        (rule(Mode::Original, 100), true),
        (rule(Mode::Shadow, 100), true),
        (rule(Mode::Rehearse, 100), true),
    ] {
        assert_eq!(check(&rules, |_| Legacy::Never).is_err(), needs, "{rules:?}");
        assert_eq!(check(&rules, |_| Legacy::Gone).is_err(), needs, "{rules:?}");
        let only = |which| move |function| if function == which { Legacy::Callable } else { Legacy::Never };
        assert_eq!(check(&rules, only(Function::Unassign)).is_err(), needs, "it lets go only");
        assert_eq!(check(&rules, only(Function::AssignMerged)), Ok(()), "{rules:?}");
    }
    assert_eq!(check(&[], |_| Legacy::Never), Ok(()));
}

/// What a legacy function calls stays with legacy functions, also when one was dropped by hand.
#[test]
fn a_legacy_function_that_is_gone_is_said_to_be() {
    assert_eq!(settle_within(Function::Assign, Legacy::Never, true), Ok(Route::Ours));
    assert_eq!(settle_within(Function::Assign, Legacy::Callable, true), Ok(Route::Original));
    assert_eq!(settle_within(Function::Unassign, Legacy::Gone, true), Ok(Route::Ours), "what lets go works");
    let gone = [
        settle_within(Function::Assign, Legacy::Gone, true),
        settle(Route::Original, Function::Assign, Legacy::Gone, true),
        settle(Route::Shadow(Trial::Looked), Function::Assign, Legacy::Gone, true),
    ];
    for refusal in gone.map(|route| route.expect_err("there is nothing to call")) {
        let detail = refusal.detail.unwrap_or_default();
        assert!(detail.contains("assign_tables_atomic_v2 that attach kept to be called instead is gone"), "{detail}");
    }
}

#[test]
fn what_nobody_had_before_is_refused_wherever_ours_does_not_decide() {
    assert_eq!(only_ours(Route::Ours, true), None);
    for (route, enabled) in [(Route::Original, true), (Route::Shadow(Trial::Looked), true), (Route::Original, false)] {
        let refusal = only_ours(route, enabled).expect("an original is expected to decide");
        assert_eq!(refusal.outcome.entry().code, "HF710");
        // The rollout's table is the caller's way out; the setting is the owner's.
        assert_eq!(refusal.hint.contains("percentage"), enabled, "{refusal:?}");
    }
}

#[test]
fn a_mode_that_is_not_known_leaves_the_original_in_charge() {
    assert_eq!(
        ["on", "shadow", "rehearse", "original", "later"].map(Mode::of_label),
        [Mode::On, Mode::Shadow, Mode::Rehearse, Mode::Original, Mode::Original]
    );
}
