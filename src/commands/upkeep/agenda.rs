//! Reads a schema's agenda: from what instant on each task has something to do. By index, and nothing is written.

use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;
use crate::rules::upkeep::agenda::Agenda;
use crate::rules::upkeep::retention;
use crate::settings;
use crate::store::Store;

/// When the next hold runs out.
pub fn next_expiry(store: &Store) -> Result<Option<Instant>, Failure> {
    store.hold_next(store.clock())
}

/// Is it another server that does the upkeep?
pub fn is_subscriber(store: &Store) -> Result<bool, Failure> {
    store.is_subscriber()
}

/// From what instant on somebody waits for something; of the rest nothing is said. Reads by index and writes nothing.
pub fn urgent(store: &Store) -> Result<Agenda, Failure> {
    if store.is_subscriber()? {
        return Ok(Agenda { is_subscriber: true, ..Agenda::default() });
    }
    store.agenda_urgent(store.clock())
}

/// From what instant on each task has something to do. Reads by index and writes nothing.
pub fn of(store: &Store) -> Result<Agenda, Failure> {
    let urgent = urgent(store)?;
    if urgent.is_subscriber {
        return Ok(urgent);
    }
    let now = store.clock();
    let mut agenda = store.agenda_ages(urgent)?;
    let kept = |since: &mut Option<Instant>, days: i32| {
        *since = since.map(|at| at.after_seconds(retention::seconds(days)));
    };
    agenda.disagreements = if store.has_disagreements() { store.disagreements_oldest()? } else { None };
    kept(&mut agenda.outbox, settings::outbox_retention_days());
    for since in [&mut agenda.ledger, &mut agenda.attempts, &mut agenda.ended_holds, &mut agenda.disagreements] {
        kept(since, settings::ledger_retention_days());
    }
    let scans = if store.scans_bookings() && store.has_verified() { store.agenda_scans(now)? } else { None };
    agenda.commits = Some(scans.as_ref().map_or(Instant::NEVER, |scans| scans.commits));
    agenda.has_live = scans.as_ref().is_some_and(|scans| scans.has_live);
    if settings::reconcile_interval() > 0 {
        agenda.live = Some(scans.as_ref().map_or(Instant::NEVER, |scans| scans.live));
    }
    let minutes = settings::full_scan_interval();
    if minutes > 0 {
        let next = |began: Option<Instant>| began.map(|at| at.after_seconds(60 * i64::from(minutes)));
        agenda.bookings = scans.and_then(|scans| Some(scans.batch?.max(next(scans.passed).unwrap_or(Instant::NEVER))));
    }
    Ok(agenda)
}
