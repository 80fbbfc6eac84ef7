//! Would this confirm succeed now? Every check with every objection, without a lock and without a write.

use super::confirm::replay;
use super::rollout;
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::booking::table::{Assignment, Occupant};
use crate::rules::booking::window::Window;
use crate::rules::confirm;
use crate::rules::confirm::check::{self, Objection};
use crate::rules::confirm::request::{Arguments, Named, Request};
use crate::rules::confirm::resolved_request::ResolvedRequest;
use crate::rules::confirm::snapshot::Snapshot;
use crate::rules::hold::Hold;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};
use crate::rules::rollout::Route;
use crate::store::Store;
use crate::store::snapshot::Question;

const LEGACY: &str = "A legacy function answers this call; calls with a deadline and automatic ones, which nobody had before, are \
     refused (HF710). What follows is what holdfast would say.";

/// One check, or one of its objections.
pub struct PreflightCheck {
    pub name: &'static str,
    pub refusal: Option<Refusal>,
    pub blocker: Option<Blocking>,
    /// What there is to know although it is passed.
    pub note: Option<&'static str>,
}

/// Who stands in the way.
pub struct Blocking {
    pub table: Id,
    pub booking: Option<Id>,
    pub hold: Option<Id>,
    pub window: Option<Window>,
}

impl PreflightCheck {
    fn of(name: &'static str, result: Result<(), Refusal>) -> PreflightCheck {
        PreflightCheck { name, refusal: result.err(), blocker: None, note: None }
    }
}

/// What a confirm would come to, if every check is passed.
pub enum Would {
    /// The key is bound to this answer.
    Replay(Vec<Assignment>),
    Confirm(ResolvedRequest, Box<Snapshot>),
}

/// The rows of the explanation, in the order in which a confirm would look.
pub fn explain(store: &Store, arguments: Arguments) -> Result<Vec<PreflightCheck>, Failure> {
    Ok(look(store, arguments)?.0)
}

/// The same for a call of the contract, which may be a legacy function's to answer.
pub fn explain_routed(store: &Store, arguments: Arguments) -> Result<Vec<PreflightCheck>, Failure> {
    let function = match arguments.named {
        Named::Hold(_) => Function::ConfirmByHold,
        Named::Tables(_) => Function::ConfirmByTables,
    };
    let first = match rollout::decider(store, function, arguments.booking) {
        Ok(Route::Ours) => None,
        Ok(Route::Original | Route::Shadow(_)) => {
            Some(PreflightCheck { note: Some(LEGACY), ..PreflightCheck::of("rollout", Ok(())) })
        }
        Err(Failure::Refused(refusal)) => Some(PreflightCheck::of("rollout", Err(refusal))),
        Err(failure) => return Err(failure),
    };
    Ok(first.into_iter().chain(explain(store, arguments)?).collect())
}

/// Every check, and what would be done. None: a check before it is not passed.
pub(super) fn look(store: &Store, arguments: Arguments) -> Result<(Vec<PreflightCheck>, Option<Would>), Failure> {
    let request = match arguments.check() {
        Ok(request) => request,
        Err(refusal) => return Ok((vec![PreflightCheck::of("arguments", Err(refusal))], None)),
    };
    let mut rows = vec![PreflightCheck::of("arguments", Ok(()))];
    let Some(booking) = store.booking_read(request.booking)? else {
        rows.push(PreflightCheck::of("booking_exists", Err(refusal::booking_not_found(Some(request.booking)))));
        return Ok((rows, None));
    };
    rows.push(PreflightCheck::of("booking_exists", Ok(())));
    // A key that was answered decides alone.
    match replay(store, &request) {
        Ok(None) => rows.push(PreflightCheck::of("key", Ok(()))),
        Ok(Some(answer)) => {
            return Ok((with(rows, PreflightCheck::of("key", Ok(()))), Some(Would::Replay(answer.rows))));
        }
        Err(Failure::Refused(refusal)) => return Ok((with(rows, PreflightCheck::of("key", Err(refusal))), None)),
        Err(failure) => return Err(failure),
    }
    let named = request.selection.hold();
    let mut holds = store.holds_read(Some(request.booking), named)?;
    let tables = store.tables_read(Some(request.booking), named, request.selection.tables())?;
    let now = store.clock();
    let own_holds = confirm::own_holds(request.booking, named, &holds);
    let hold: Option<Hold> =
        named.and_then(|id| holds.remove(&id)).map(|hold| Hold { members: tables.members, ..hold });
    let (checks, resolved) = check::selection(&request, &booking, hold.as_ref(), now);
    rows.extend(checks.into_iter().map(|(name, result)| PreflightCheck::of(name, result)));
    let Some(resolved) = resolved else { return Ok((rows, None)) };
    let snapshot = store.snapshot_read(Question {
        booking: &booking,
        target: request.target.as_deref(),
        tables: &resolved.tables,
        window: resolved.window,
        now,
        edges_wanted: true,
        hold,
        own_holds,
        locked: tables.tables,
    })?;
    rows.extend(judged(&request, &resolved, &snapshot));
    Ok((rows, Some(Would::Confirm(resolved, Box::new(snapshot)))))
}

fn with(mut rows: Vec<PreflightCheck>, row: PreflightCheck) -> Vec<PreflightCheck> {
    rows.push(row);
    rows
}

/// A check that is passed is one row; one that is not, a row for each objection.
fn judged(request: &Request, resolved: &ResolvedRequest, snapshot: &Snapshot) -> Vec<PreflightCheck> {
    let rows = |(name, objections): (&'static str, Vec<Objection>)| {
        if objections.is_empty() {
            return vec![PreflightCheck::of(name, Ok(()))];
        }
        let row = |objection: Objection| {
            let blocker = objection.blocker.map(|(id, table)| {
                let Occupant { booking, window, .. } = snapshot.occupants.get(&id).copied().unwrap_or_default();
                let hold = (objection.refusal.outcome == Outcome::HoldConflict).then_some(id);
                Blocking { table, booking, hold, window }
            });
            PreflightCheck { name, refusal: Some(objection.refusal), blocker, note: None }
        };
        objections.into_iter().map(row).collect()
    };
    check::all(request, resolved, snapshot).into_iter().flat_map(rows).collect()
}
