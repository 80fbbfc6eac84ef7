//! Records an attempt: what it is at, what it came to, and how its transaction ended. [unsafe]
//!
//! Nothing of it is in the transaction, so nothing is lost by a rollback. A session that is ended writes what ran.

use std::cell::{Cell, RefCell};

use pgrx::pg_sys;

use super::session::{database, now, part};
use super::{UNCOUNTED, attempt_log, in_flight, spans, trace_ids};
use crate::rules::Id;
use crate::rules::attempt::by_part::{ByPart, Part};
use crate::rules::attempt::function::{Function, Path};
use crate::rules::attempt::phase::Phase;
use crate::rules::booking::window::Instant;
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{BlockedBy, Refusal};
use crate::rules::trace::context::TraceContext;
use crate::rules::trace::lock_holder::gave_up_waiting;
use crate::rules::trace::span::{Span, TransactionEnd};
use crate::settings;
use crate::shared_memory::ring::RingEntry;

/// One that is written, and does not say yet how its transaction ended.
struct Unsettled {
    entry: RingEntry,
    /// The schema whose services want to read of it, if it is rolled back.
    observed_in: Option<u32>,
}

impl Unsettled {
    fn settle(&self, end: TransactionEnd, transaction: u64) {
        let is_there = spans::settle(self.entry, end, transaction);
        match self.observed_in.filter(|_| end == TransactionEnd::RolledBack) {
            Some(schema) if is_there => with(&UNTOLD, |untold| {
                if !untold.contains(&schema) {
                    untold.push(schema);
                }
            }),
            Some(_) => spans::count_unobserved(1),
            None => {}
        }
    }
}

thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// The attempts that run, the innermost last.
    static RUNNING: RefCell<Vec<(u64, Span)>> = const { RefCell::new(Vec::new()) };
    /// Schemas whose services are to be told of what rolled back.
    static UNTOLD: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static UNSETTLED: RefCell<ByPart<Unsettled>> = const { RefCell::new(ByPart::new()) };
}

/// What an attempt is about, as far as its arguments say.
#[derive(Default)]
pub struct AttemptSubject<'a> {
    pub booking: Option<Id>,
    pub hold: Option<Id>,
    pub key: Option<&'a str>,
    pub metadata: Option<&'a Json>,
}

/// Why an attempt ended as it did.
pub enum Why<'a> {
    Done,
    Refused(&'a Refusal),
    Failed(&'a Failure),
}

impl Why<'_> {
    #[must_use]
    pub fn of(refusal: Option<&Refusal>) -> Why<'_> {
        refusal.map_or(Why::Done, Why::Refused)
    }
}

/// One attempt, from its beginning until it ended.
pub struct Recording {
    /// None: it ended, or nothing is recorded.
    number: Option<u64>,
}

impl Recording {
    #[must_use]
    pub fn begin(schema: u32, function: Function, path: Path, began: Instant) -> Recording {
        if UNCOUNTED.get() || !in_flight::is_on() {
            return Recording::none();
        }
        attempt_log::begins();
        let mut span = Span::begun(function, path, began);
        span.schema = schema;
        // SAFETY: set when the backend started.
        (span.database, span.pid) = (database(), unsafe { pg_sys::MyProcPid });
        let number = LAST.get() + 1;
        LAST.set(number);
        in_flight::show(&span);
        with(&RUNNING, |running| running.push((number, span)));
        Recording { number: Some(number) }
    }

    /// Of one that nobody asks for.
    #[must_use]
    pub fn none() -> Recording {
        Recording { number: None }
    }

    fn change(&self, work: impl FnOnce(&mut Span)) {
        let Some(number) = self.number else { return };
        with(&RUNNING, |running| {
            if let Some((_, span)) = running.iter_mut().rev().find(|(of, _)| *of == number) {
                work(span);
            }
        });
    }

    pub fn describe(&self, subject: &AttemptSubject) {
        self.change(|span| {
            (span.booking, span.hold) = (subject.booking, subject.hold);
            span.remember_key(subject.key);
            if span.id == 0 {
                let (trace, id) = trace_ids::new();
                let context = trace_context(subject.metadata);
                (span.trace, span.parent) = context.map_or((trace, 0), |context| (context.trace, context.parent));
                span.id = id;
            }
            in_flight::show(span);
        });
    }

    /// Which item of a list it is, and of how many: shown with what it is about.
    pub fn is_item(&self, place: u32, of: u32) {
        self.change(|span| span.item = (place, of));
    }

    /// Services want to read of it, also if it is rolled back.
    pub fn is_observed(&self) {
        self.change(|span| span.is_observed = true);
    }

    pub fn is_at(&self, restaurant: Id) {
        self.change(|span| span.restaurant = Some(restaurant));
    }

    /// How far it got, and when.
    pub fn reach(&self, phase: Phase, now: Instant) {
        self.change(|span| {
            span.reach(phase, now);
            in_flight::reach(span);
        });
    }

    /// It ended. One that wrote stays in flight until its transaction ends.
    pub fn end(mut self, outcome: Outcome, replayed: bool, wrote: bool, why: &Why) {
        if let Some(span) = self.close(outcome, replayed, wrote, why) {
            attempt_log::ended(&span);
        }
    }

    fn close(&mut self, outcome: Outcome, replayed: bool, wrote: bool, why: &Why) -> Option<Span> {
        let number = self.number.take()?;
        let mut closed = None;
        with(&RUNNING, |running| {
            let Some(at) = running.iter().rposition(|(of, _)| *of == number) else { return };
            let (_, mut span) = running.remove(at);
            span.replayed = replayed;
            match why {
                Why::Done => {}
                Why::Refused(refusal) => span.refused(refusal),
                Why::Failed(failure) => span.failed(failure),
            }
            if wrote {
                in_flight::written(Span { phase: Phase::Done, since: now(), ..span.clone() }, part());
            }
            if let Some(written) = write(&mut span, outcome) {
                settle_later(written);
            }
            show(running);
            closed = Some(span);
        });
        closed
    }
}

/// An attempt that is left by a panic.
impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(span) = self.close(Outcome::Failed, false, false, &Why::Done) {
            attempt_log::ended_silently(&span);
        }
    }
}

/// Shows what is in flight: the innermost that runs, else what wrote before.
fn show(running: &[(u64, Span)]) {
    running.last().map_or_else(in_flight::rest, |(_, span)| in_flight::show(span));
}

fn write(span: &mut Span, outcome: Outcome) -> Option<Unsettled> {
    let is_kept = span.is_kept() && spans::room() > 0;
    if !is_kept && !attempt_log::is_on() {
        return None;
    }
    if span.id == 0 {
        (span.trace, span.id) = trace_ids::new();
    }
    if is_kept
        && gave_up_waiting(span.phase, outcome)
        && let Some(holder) = in_flight::lock_holder_for(span)
    {
        span.blocker = holder.pid;
        span.blocked_by = BlockedBy { booking: holder.booking, hold: holder.hold, until: None };
    }
    if !settings::span_keys() {
        span.forget_key();
    }
    span.end(outcome, now());
    if !is_kept {
        return None;
    }
    let entry = spans::write(span)?;
    Some(Unsettled { entry, observed_in: span.is_observed.then_some(span.schema) })
}

fn settle_later(written: Unsettled) {
    with(&UNSETTLED, |unsettled| {
        // The ring came round by this transaction alone: the older half is dropped long since.
        if unsettled.len() > spans::room() {
            unsettled.forget_first(unsettled.len() / 2);
        }
        unsettled.push(part(), written);
    });
}

fn trace_context(metadata: Option<&Json>) -> Option<TraceContext> {
    let setting = || Some(settings::traceparent()?.to_string_lossy().into_owned());
    TraceContext::choose(metadata, setting, trace_ids::request_headers)
}

/// Whoever is called while a transaction ends must not panic.
fn with<T>(list: &'static std::thread::LocalKey<RefCell<T>>, work: impl FnOnce(&mut T)) {
    let _ = list.try_with(|list| list.try_borrow_mut().map(|mut list| work(&mut list)));
}

/// The transaction ended: every attempt of it says how.
pub fn transaction_ends(event: pg_sys::XactEvent::Type) {
    let end = match event {
        pg_sys::XactEvent::XACT_EVENT_COMMIT => TransactionEnd::Committed,
        pg_sys::XactEvent::XACT_EVENT_ABORT => TransactionEnd::RolledBack,
        pg_sys::XactEvent::XACT_EVENT_PREPARE => TransactionEnd::Prepared,
        _ => return,
    };
    if !in_flight::is_on() {
        return;
    }
    // SAFETY: reads the transaction's state, which still has its number here.
    let transaction = unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value;
    with(&RUNNING, |running| {
        for (_, span) in running.drain(..) {
            let mut span = cut_off(span);
            if let Some(written) = write(&mut span, Outcome::Failed) {
                written.settle(end, transaction);
            }
            attempt_log::ended_silently(&span);
        }
    });
    with(&UNSETTLED, |unsettled| unsettled.drain().for_each(|written| written.settle(end, transaction)));
    in_flight::forget();
}

/// The schemas whose services the worker is to tell of what rolled back, each once.
pub fn take_untold() -> Vec<u32> {
    UNTOLD
        .try_with(|untold| untold.try_borrow_mut().map(|mut untold| std::mem::take(&mut *untold)).ok())
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// The session ended, and nobody could say why.
fn cut_off(span: Span) -> Span {
    // SAFETY: a flag of the process's own.
    let ends = unsafe { pg_sys::proc_exit_inprogress };
    Span { message: ends.then(|| "The session ended before the attempt did".to_owned()), ..span }
}

/// A part of the transaction ended: it is now part of the one around it, or its attempts are undone.
pub fn part_ends(event: pg_sys::SubXactEvent::Type, part: Part, around: Part) {
    match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => in_flight::part_committed(part, around),
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB if in_flight::part_aborted(part) => {
            with(&RUNNING, |running| show(running));
        }
        _ => {}
    }
    with(&UNSETTLED, |unsettled| match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => unsettled.part_committed(part, around),
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => {
            unsettled.part_aborted(part).for_each(|written| written.settle(TransactionEnd::RolledBack, 0));
        }
        _ => {}
    });
}
