//! A rehearsal: the whole contract on the schema's own data, in a subtransaction that is rolled back. What no list foresees
//! (a trigger, a constraint, a policy, a right) speaks here, and not when guests call.

use pgrx::pg_sys;

use crate::rules::Id;
use crate::rules::adopt::rehearsal::{self, Act, GROUND, LEGACY, OURS, RehearsalStep, StepResult};
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};
use crate::store::rehearsal::{Caller, Ground};
use crate::store::rights::{self, Work};
use crate::store::{Store, forget};
use crate::telemetry;

/// A step by its name, and what it says about the schema.
pub type RehearsalRow = (&'static str, StepResult);

/// How long a step waits for somebody else's lock before it says nothing.
const PATIENCE: &str = "set local lock_timeout = '2s'";

/// Rehearses, and leaves nothing behind.
pub fn rehearse(schema: pg_sys::Oid, booking: Option<Id>, role: Option<&str>) -> Result<Vec<RehearsalRow>, Failure> {
    // Who may act as whom is the caller's affair, not that of the owner of the bookings.
    let caller = Store::open(schema)?.rehearsal_caller(role)?;
    let caller =
        caller.ok_or_else(|| refusal::argument_invalid(format!("No role is called {}", role.unwrap_or("?"))))?;
    if !caller.allowed {
        let message = format!("A rehearsal as {} takes a member of that role", caller.name);
        return Err(refusal::argument_invalid(message).into());
    }
    let rows = rights::for_schema(schema, Work::Writing, || {
        let store = Store::open(schema)?;
        let uncounted = telemetry::Uncounted::begin();
        let mut rows = store.taken_back(|store| ours(store, &caller, booking))?;
        if rows.len() > 1 && store.keeps_any() {
            rows.extend(store.taken_back(|store| legacy(store, &caller, booking))?);
        }
        drop(uncounted);
        Ok(rows)
    });
    // What it saw of the schema need not be what commits.
    forget(schema);
    rows
}

/// Refuses a schema against which a rehearsal speaks.
pub fn insist(schema: pg_sys::Oid) -> Result<(), Failure> {
    let objections = rehearsal::objections(&rehearse(schema, None, None)?);
    if objections.is_empty() {
        return Ok(());
    }
    let quoted = Store::open(schema)?.quoted_schema().to_owned();
    let message = format!("Schema {quoted} speaks against holdfast in a rehearsal");
    let hint = "Mend what DETAIL lists, then attach again; holdfast.attach(…, p_rehearse => false) attaches in spite of it, \
                and holdfast.rehearse shows every step.";
    Err(Failure::Undone(
        Refusal::new(Outcome::NotAttached, message)
            .detail(objections.join("\n"))
            .hint(format!("{}: {hint}", Outcome::NotAttached.entry().code)),
    ))
}

fn ours(store: &Store, caller: &Caller, booking: Option<Id>) -> Result<Vec<RehearsalRow>, Failure> {
    match ground(store, booking) {
        Ok(Ok(ground)) => Ok(play(store, caller, &ground, OURS, Store::rehearsal_call)),
        Ok(Err(why)) => Ok(vec![(GROUND.name, why)]),
        // Whoever may not look at the tables cannot write them either.
        Err(failure @ Failure::Server(_)) if !failure.is_cancel() => {
            Ok(vec![(GROUND.name, rehearsal::decide(&GROUND, &Err(failure), caller.rights()))])
        }
        Err(failure) => Err(failure),
    }
}

fn legacy(store: &Store, caller: &Caller, booking: Option<Id>) -> Result<Vec<RehearsalRow>, Failure> {
    Ok(ground(store, booking)?
        .map_or_else(|_| Vec::new(), |ground| play(store, caller, &ground, LEGACY, Store::rehearsal_call_legacy)))
}

/// A booking and a table, found or made. What cannot be made is said.
fn ground(store: &Store, booking: Option<Id>) -> Result<Result<Ground, StepResult>, Failure> {
    store.ddl(PATIENCE)?;
    let nothing = |why: &str| StepResult::said(Some(true), format!("nothing to rehearse on: {why}"));
    let Some((target, cancelled)) = store.in_savepoint(Store::rehearsal_rules)? else {
        return Ok(Err(nothing("holdfast_booking_statuses has no target of a confirm")));
    };
    let found = match (store.in_savepoint(|store| store.rehearsal_find(booking))?, booking) {
        (Some(found), _) => Ok(Some(found)),
        (None, Some(booking)) => {
            let message = format!("Booking {booking} has tables, no window, or no table that is free for it");
            return Err(refusal::argument_invalid(message).into());
        }
        (None, None) => store.in_savepoint(Store::rehearsal_make),
    };
    Ok(match found {
        Ok(Some((booking, table, start, end))) => {
            let second = store.in_savepoint(|store| store.rehearsal_second(table, start, end))?;
            Ok(Ground { booking, table, second, start, end, target, cancelled })
        }
        Ok(None) => Err(nothing("there is no booking that may be confirmed, and none can be made")),
        Err(failure) if failure.is_cancel() => return Err(failure),
        Err(Failure::Server(error)) => Err(nothing(&format!("no booking can be made: {}", error.message))),
        Err(failure) => return Err(failure),
    })
}

/// Why a step has nothing to call.
fn without_ground(act: Act, ground: &Ground) -> Option<&'static str> {
    match act {
        Act::Cancel if ground.cancelled.is_none() => Some("no status of holdfast_booking_statuses frees tables"),
        Act::ConfirmJoined { .. } if ground.second.is_none() => Some("no second table is free that may be joined"),
        _ => None,
    }
}

type Calls = fn(&Store, &Caller, &Ground, Act, Option<Id>) -> Result<Vec<Option<String>>, Failure>;

/// One step after the other; what leans on a step that did not pass is not tried.
fn play(store: &Store, caller: &Caller, ground: &Ground, steps: &[RehearsalStep], call: Calls) -> Vec<RehearsalRow> {
    let mut rows: Vec<RehearsalRow> = Vec::new();
    let mut hold = None;
    for step in steps {
        let passed = |name: &str| rows.iter().any(|(done, row)| *done == name && row.passed == Some(true));
        if let Some(needed) = step.needs.filter(|needed| !passed(needed)) {
            rows.push((step.name, StepResult::said(None, format!("not tried: {needed} did not pass"))));
            continue;
        }
        if let Some(why) = without_ground(step.act, ground) {
            rows.push((step.name, StepResult::said(None, format!("not tried: {why}"))));
            continue;
        }
        let answer = call(store, caller, ground, step.act, hold);
        let judged = rehearsal::decide(step, &answer, caller.rights());
        if let (Act::Hold | Act::HoldForNobody, Ok(held), None | Some(true)) = (step.act, &answer, judged.passed)
            && (hold.is_none() || step.act == Act::HoldForNobody)
        {
            hold = held.first().and_then(|id| id.as_deref()?.parse().ok());
        }
        rows.push((step.name, judged));
    }
    rows
}
