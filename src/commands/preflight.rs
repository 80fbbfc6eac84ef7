//! Would this confirm succeed now? Every check with every objection, without a lock and without a write.

use super::confirm::replay;
use super::rollout;
use crate::rules::Id;
use crate::rules::check::{self, Objection};
use crate::rules::confirm::{self, Situation};
use crate::rules::failure::Failure;
use crate::rules::hold::Hold;
use crate::rules::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};
use crate::rules::request::{Arguments, Asked, Named, Request, Selection};
use crate::rules::rollout::{Function, Route};
use crate::rules::table::{Assignment, Occupant};
use crate::rules::window::Window;
use crate::store::Store;
use crate::store::situation::Question;

const LEGACY: &str = "A legacy function answers this call; what follows is what holdfast would say.";

/// One check, or one of its objections.
pub struct Checked {
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

impl Checked {
    fn of(name: &'static str, result: Result<(), Refusal>) -> Checked {
        Checked { name, refusal: result.err(), blocker: None, note: None }
    }
}

/// What a confirm would come to, if every check is passed.
pub enum Would {
    /// The key is bound to this answer.
    Replay(Vec<Assignment>),
    Confirm(Request, Box<Situation>),
}

/// The rows of the explanation, in the order in which a confirm would look.
pub fn explain(store: &Store, arguments: Arguments) -> Result<Vec<Checked>, Failure> {
    Ok(look(store, arguments)?.0)
}

/// The same for a call of the contract, which may be a legacy function's to answer.
pub fn explain_routed(store: &Store, arguments: Arguments) -> Result<Vec<Checked>, Failure> {
    let function = match arguments.named {
        Named::Hold(_) => Function::ConfirmByHold,
        Named::Tables(_) => Function::ConfirmByTables,
    };
    let first = match rollout::decider(store, function, arguments.booking) {
        Ok(Route::Ours) => None,
        Ok(Route::Original | Route::Shadow(_)) => {
            Some(Checked { note: Some(LEGACY), ..Checked::of("rollout", Ok(())) })
        }
        Err(Failure::Refused(refusal)) => Some(Checked::of("rollout", Err(refusal))),
        Err(failure) => return Err(failure),
    };
    Ok(first.into_iter().chain(explain(store, arguments)?).collect())
}

/// Every check, and what would be done. None: a check before it is not passed.
pub(super) fn look(store: &Store, arguments: Arguments) -> Result<(Vec<Checked>, Option<Would>), Failure> {
    let asked = match arguments.check() {
        Ok(asked) => asked,
        Err(refusal) => return Ok((vec![Checked::of("arguments", Err(refusal))], None)),
    };
    let mut rows = vec![Checked::of("arguments", Ok(()))];
    let Some(booking) = store.booking_look(asked.booking)? else {
        rows.push(Checked::of("booking_exists", Err(refusal::booking_not_found(Some(asked.booking)))));
        return Ok((rows, None));
    };
    rows.push(Checked::of("booking_exists", Ok(())));
    // A key that was answered decides alone.
    match replay(store, &asked) {
        Ok(None) => rows.push(Checked::of("key", Ok(()))),
        Ok(Some(answer)) => return Ok((with(rows, Checked::of("key", Ok(()))), Some(Would::Replay(answer.rows)))),
        Err(Failure::Refused(refusal)) => return Ok((with(rows, Checked::of("key", Err(refusal))), None)),
        Err(failure) => return Err(failure),
    }
    let named = match asked.selection {
        Selection::Hold(hold) => Some(hold),
        Selection::Tables(_) => None,
    };
    let mut holds = store.hold_look(Some(asked.booking), named)?;
    let tables = store.tables_look(Some(asked.booking), named, asked_tables(&asked))?;
    let now = store.clock();
    let own_holds = confirm::own_holds(asked.booking, named, &holds);
    let hold: Option<Hold> =
        named.and_then(|id| holds.remove(&id)).map(|hold| Hold { members: tables.members, ..hold });
    let (checks, request) = check::selection(&asked, &booking, hold.as_ref(), now);
    rows.extend(checks.into_iter().map(|(name, result)| Checked::of(name, result)));
    let Some(request) = request else { return Ok((rows, None)) };
    let situation = store.situation_read(Question {
        booking: &booking,
        target: asked.target.as_deref(),
        tables: &request.tables,
        window: request.window,
        now,
        edges_wanted: true,
        hold,
        own_holds,
        locked: tables.tables,
    })?;
    rows.extend(judged(&asked, &request, &situation));
    Ok((rows, Some(Would::Confirm(request, Box::new(situation)))))
}

fn with(mut rows: Vec<Checked>, row: Checked) -> Vec<Checked> {
    rows.push(row);
    rows
}

fn asked_tables(asked: &Asked) -> &[Id] {
    match &asked.selection {
        Selection::Tables(tables) => tables,
        Selection::Hold(_) => &[],
    }
}

/// A check that is passed is one row; one that is not, a row for each objection.
fn judged(asked: &Asked, request: &Request, situation: &Situation) -> Vec<Checked> {
    let rows = |(name, objections): (&'static str, Vec<Objection>)| {
        if objections.is_empty() {
            return vec![Checked::of(name, Ok(()))];
        }
        let row = |objection: Objection| {
            let blocker = objection.blocker.map(|(id, table)| {
                let Occupant { booking, window, .. } = situation.occupants.get(&id).copied().unwrap_or_default();
                let hold = (objection.refusal.outcome == Outcome::HoldConflict).then_some(id);
                Blocking { table, booking, hold, window }
            });
            Checked { name, refusal: Some(objection.refusal), blocker, note: None }
        };
        objections.into_iter().map(row).collect()
    };
    check::all(asked, request, situation).into_iter().flat_map(rows).collect()
}
