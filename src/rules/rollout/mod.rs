//! Who confirms: holdfast, or the functions that the application had before.

pub mod shadow;

use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::outcome::Outcome;

/// Every function that gives tables to a booking.
const TAKING: [Function; 6] = [
    Function::ConfirmByTables,
    Function::ConfirmByHold,
    Function::AtomicConfirm,
    Function::Assign,
    Function::AssignSingle,
    Function::AssignMerged,
];

/// Their names: a row that leaves bookings to legacy functions needs one of them.
pub fn giving() -> impl Iterator<Item = &'static str> {
    TAKING.iter().map(|function| function.name())
}

/// What a row of the rollout says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// holdfast for a share of the bookings, the application's own functions for the rest.
    On,
    /// The application's own functions, for all bookings.
    Original,
    /// The same, and holdfast judges a share of them beside, without writing.
    Shadow,
    /// The same, and holdfast does it for real before, and takes that back.
    Rehearse,
}

impl Mode {
    /// A label that a later release may have written is not ours to guess: the original goes on.
    #[must_use]
    pub fn of_label(label: &str) -> Mode {
        match label {
            "on" => Mode::On,
            "shadow" => Mode::Shadow,
            "rehearse" => Mode::Rehearse,
            _ => Mode::Original,
        }
    }
}

/// One row of the rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// None: every restaurant without a rule of its own.
    pub restaurant: Option<Id>,
    pub mode: Mode,
    /// Of a hundred bookings.
    pub percentage: i32,
}

/// Is there a legacy function that a call can go to instead?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legacy {
    Callable,
    /// The application had none that the contract's call works on.
    Never,
    /// Attach kept it, and somebody dropped it since.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Ours,
    Original,
    /// The original decides and answers; ours says beside it what it would have done.
    Shadow(Trial),
}

/// How ours finds out what it would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// It looks, and takes no lock.
    Looked,
    /// It does it, triggers and constraints included, and takes it back.
    Real,
}

/// Does the answer depend on the restaurant?
#[must_use]
pub fn asks_restaurant(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| rule.restaurant.is_some())
}

/// Where a booking stands among a hundred: the same on every server, at every time. FNV-1a, and the finalizer of
/// SplitMix, which spreads ids that were made in a row.
#[must_use]
pub fn share(booking: Id) -> i32 {
    let fnv = booking
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i32::try_from((mixed ^ (mixed >> 31)) % 100).unwrap_or_default()
}

/// What the switch and the rules say. A call without a booking (a hold is handed back) follows the mode alone.
#[must_use]
pub fn wanted(enabled: bool, rules: &[Rule], restaurant: Option<Id>, booking: Option<Id>) -> Route {
    if !enabled {
        return Route::Original;
    }
    let own = rules.iter().find(|rule| rule.restaurant.is_some() && rule.restaurant == restaurant);
    let Some(rule) = own.or_else(|| rules.iter().find(|rule| rule.restaurant.is_none())) else { return Route::Ours };
    let in_share = booking.is_none_or(|booking| share(booking) < rule.percentage);
    match rule.mode {
        Mode::On if in_share => Route::Ours,
        Mode::Shadow if in_share => Route::Shadow(Trial::Looked),
        Mode::Rehearse if in_share => Route::Shadow(Trial::Real),
        _ => Route::Original,
    }
}

/// Rows that leave bookings to legacy functions need such functions: without one that gives tables, every confirm of
/// these bookings would be refused.
pub fn check(rules: &[Rule], kept: impl Fn(Function) -> Legacy) -> Result<(), Refusal> {
    let needy = rules.iter().find(|rule| rule.mode != Mode::On || rule.percentage < 100);
    let Some(rule) = needy.filter(|_| TAKING.iter().all(|function| kept(*function) != Legacy::Callable)) else {
        return Ok(());
    };
    let (says, rest) = match rule.mode {
        Mode::On => (format!("percentage {}", rule.percentage), "the rest of the bookings"),
        Mode::Original => ("mode original".to_owned(), "the bookings"),
        Mode::Shadow => ("mode shadow".to_owned(), "the bookings"),
        Mode::Rehearse => ("mode rehearse".to_owned(), "the bookings"),
    };
    let message = "holdfast_rollout leaves bookings to legacy functions, and the schema keeps none";
    Err(Refusal::new(Outcome::ArgumentInvalid, message)
        .detail(format!(
            "With {says}, a legacy function has to confirm {rest}, and attach found none that gives tables"
        ))
        .hint(format!(
            "{}: Leave mode on and percentage 100, or delete the row.",
            Outcome::ArgumentInvalid.entry().code
        )))
}

/// Where a call goes: what lets go of tables works in any case, by our own function where nothing else is kept.
pub fn settle(wanted: Route, function: Function, kept: Legacy, enabled: bool) -> Result<Route, Refusal> {
    match (wanted, kept) {
        (Route::Ours, _) | (_, Legacy::Callable) => Ok(wanted),
        (_, Legacy::Never | Legacy::Gone) if !function.takes_tables() => Ok(Route::Ours),
        (_, Legacy::Never) => {
            Err(disabled(&format!("the schema keeps no {} of its own to call instead", function.name()), enabled))
        }
        (_, Legacy::Gone) => Err(disabled(&gone(function), enabled)),
    }
}

/// A legacy function goes on with legacy functions; what the application never had is ours.
pub fn settle_within(function: Function, kept: Legacy, enabled: bool) -> Result<Route, Refusal> {
    match kept {
        Legacy::Never => Ok(Route::Ours),
        Legacy::Callable | Legacy::Gone => settle(Route::Original, function, kept, enabled),
    }
}

fn gone(function: Function) -> String {
    format!("the legacy function {} that attach kept to be called instead is gone", function.name())
}

/// For a call that the application did not have before: nothing else could do it as its caller expects.
#[must_use]
pub fn only_ours(wanted: Route, enabled: bool) -> Option<Refusal> {
    (wanted != Route::Ours).then(|| disabled("the application had no such call before", enabled))
}

fn disabled(why: &str, enabled: bool) -> Refusal {
    let by = if enabled { "holdfast_rollout" } else { "holdfast.atomic_confirm_enabled" };
    let refusal = Refusal::new(Outcome::AtomicConfirmDisabled, "Atomic confirm is switched off")
        .detail(format!("Switched off by {by}, and {why}"));
    if !enabled {
        return refusal;
    }
    refusal.hint(format!(
        "{}: This booking is with the legacy functions: call the old name, or give it to holdfast by a row of its restaurant, a larger percentage, or mode on.",
        Outcome::AtomicConfirmDisabled.entry().code
    ))
}
