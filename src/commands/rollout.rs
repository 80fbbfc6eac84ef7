//! The kill switch: a call of the contract goes to us or to the function that the application had before.

use pgrx::pg_sys;

use super::confirm::confirm;
use super::transition::TransitionArguments;
use super::{Call, CallEnd, Refusals};
use super::{release, shadow, table_status, transition, unassign};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::booking::table::Assignment;
use crate::rules::confirm::request::Arguments;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::rollout::{self, Mode, Route, Rule};
use crate::settings;
use crate::store::{Landed, Store, relation_changed, schema_of_relation};

/// What the switch and the rows say.
fn wanted(store: &Store, booking: Option<Id>) -> Result<Route, Failure> {
    let (rules, enabled) = (store.rollout(), settings::atomic_confirm_enabled());
    if enabled && rules.is_empty() || store.only_ours() {
        return Ok(Route::Ours);
    }
    let restaurant = match booking {
        Some(booking) if enabled && rollout::asks_restaurant(rules) => store.booking_restaurant(booking)?,
        _ => None,
    };
    Ok(rollout::wanted(enabled, rules, restaurant, booking))
}

/// Who would do it, asked from outside.
pub(super) fn decider(store: &Store, function: Function, booking: Option<Id>) -> Result<Route, Failure> {
    match wanted(store, booking)? {
        Route::Ours => Ok(Route::Ours),
        wanted => Ok(rollout::settle(wanted, function, store.kept(function), settings::atomic_confirm_enabled())?),
    }
}

/// Who does it. An original that calls a function of the contract goes on with originals, and only its own caller is
/// judged.
fn route(store: &Store, function: Function, booking: Option<Id>) -> Result<Route, Failure> {
    let route = if store.in_legacy() {
        rollout::settle_within(function, store.kept(function), settings::atomic_confirm_enabled())?
    } else {
        decider(store, function, booking)?
    };
    if route == Route::Ours {
        store.check_whole()?;
    }
    Ok(route)
}

/// For calls that nobody had before: refused wherever ours does not decide.
pub fn must_be_ours(store: &Store, booking: Option<Id>) -> Result<Option<Refusal>, Failure> {
    Ok(rollout::only_ours(wanted(store, booking)?, settings::atomic_confirm_enabled()))
}

/// Confirms and assigns of the contract, which raise what they refuse.
pub fn confirmed(store: &Store, function: Function, arguments: Arguments) -> Result<Vec<Assignment>, Failure> {
    match route(store, function, arguments.booking) {
        Ok(Route::Ours) => Ok(confirm(store, function, arguments, Refusals::Raised)?.rows),
        Ok(Route::Original) => store.legacy_confirm(function, &arguments),
        Ok(Route::Shadow(trial)) => shadow::confirmed(store, function, &arguments, trial),
        Err(failure) => turned_away(store, function, &arguments, failure),
    }
}

/// Nobody does it: switched off, or a table is gone. Counted and kept like any other refusal.
fn turned_away<T>(store: &Store, function: Function, arguments: &Arguments, failure: Failure) -> Result<T, Failure> {
    let outcome = failure.outcome();
    Call::begin(store, function).run(
        |_| CallEnd::Answered(outcome, None),
        |call| {
            call.describe(arguments);
            Err(failure)
        },
    )
}

pub fn unassigned(store: &Store, booking: Option<Id>, tables: Option<Vec<Id>>) -> Result<Vec<Id>, Failure> {
    match route(store, Function::Unassign, booking)? {
        Route::Ours => unassign::unassign(store, booking, tables),
        Route::Original | Route::Shadow(_) => store.legacy_unassign(booking, tables.as_deref()),
    }
}

pub fn transitioned(store: &Store, wanted: &TransitionArguments) -> Result<Landed, Failure> {
    match route(store, Function::Transition, wanted.booking)? {
        Route::Ours => transition::transition(store, wanted),
        Route::Original => store.legacy_transition(&wanted.as_given()),
        Route::Shadow(trial) => shadow::transitioned(store, wanted, trial),
    }
}

/// Was the hold live?
pub fn released(store: &Store, hold: Option<Id>, actor: Option<Id>) -> Result<bool, Failure> {
    match route(store, Function::Release, None)? {
        Route::Ours => Ok(release::release(store, hold, actor)? == Outcome::Released),
        Route::Original | Route::Shadow(_) => store.legacy_release(hold, actor),
    }
}

pub fn refreshed(store: &Store, table: Option<Id>) -> Result<(), Failure> {
    match route(store, Function::Refresh, None)? {
        Route::Ours => table_status::refresh(store, table),
        Route::Original | Route::Shadow(_) => store.legacy_refresh(table),
    }
}

/// A row of a rollout is written: is there what it leaves bookings to?
pub fn check(relation: pg_sys::Oid, mode: Option<&str>, percentage: Option<i32>) -> Result<(), Failure> {
    let (Some(mode), Some(percentage)) = (mode, percentage) else { return Ok(()) };
    let store = Store::open_anyhow(schema_of_relation(relation))?;
    let rule = Rule { restaurant: None, mode: Mode::of_label(mode), percentage };
    let checked = rollout::check(&[rule], |function| store.kept(function));
    // Read in the middle of the statement that wrote the row: where it is refused, nobody says that the row is gone again.
    store.doubt();
    Ok(checked?)
}

/// Rows of a rollout changed: every session looks at them again.
pub fn changed(rollout: pg_sys::Oid) {
    relation_changed(rollout);
}
