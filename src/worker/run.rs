//! One run of a schema: every task that is due, in bounded batches, until all is done or time is up.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use pgrx::prelude::*;

use super::session::{activity, database, is_over, now, report};
use super::{counts, transaction};
use crate::commands::upkeep::{
    AttachedSchema, agenda, is_subscriber, memory, next_expiry, read_ahead, task_once, urgent_agenda,
};
use crate::commands::{Store, Work, in_schema};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::upkeep::agenda::{Agenda, Reread};
use crate::rules::upkeep::pace;
use crate::rules::upkeep::retention::BATCH;
use crate::rules::upkeep::schema_memory::SchemaMemory;
use crate::rules::upkeep::task::{TASKS, Task};
use crate::settings;
use crate::worker_slots::schema::{BEGUN, BEGUN_BADLY, SchemaSlot, TABLES};
use crate::worker_slots::{self, DatabaseSlot, tasks};

/// The slot of a schema: in shared memory, or of this process alone when there is none left.
enum RunSlot {
    Shared(&'static SchemaSlot),
    Own(Box<SchemaSlot>),
}

/// An attached schema, as this process knows it.
pub struct Schema {
    found: AttachedSchema,
    held: RunSlot,
    /// The owner said that nothing is done here.
    excluded: bool,
    /// Does the launcher see what others write here?
    counted: bool,
}

impl Schema {
    pub fn place(
        database: u32,
        found: AttachedSchema,
        before: &[Schema],
        tables: &HashMap<u32, Vec<u32>>,
        excluded: bool,
    ) -> Schema {
        let number = found.oid.to_u32();
        let held = worker_slots::take_slot(database, number).map_or_else(|| own(number, before), RunSlot::Shared);
        let tables = tables.get(&number).map(Vec::as_slice).unwrap_or_default();
        let all = !tables.contains(&0) && tables.len() <= TABLES;
        let counted = all && matches!(held, RunSlot::Shared(_)) && counts::counted();
        let schema = Schema { found, held, excluded, counted };
        let slot = schema.slot();
        for (at, counted) in slot.tables.iter().enumerate() {
            counted.store(tables.get(at).copied().unwrap_or_default(), Relaxed);
        }
        if slot.skipped.swap(excluded, Relaxed) != excluded {
            slot.changed.store(true, Relaxed);
            slot.due_at.store(Instant::NEVER.0, Relaxed);
        }
        schema
    }

    fn slot(&self) -> &SchemaSlot {
        match &self.held {
            RunSlot::Shared(slot) => slot,
            RunSlot::Own(slot) => slot,
        }
    }

    pub fn is_placed(&self) -> bool {
        matches!(self.held, RunSlot::Shared(_))
    }

    pub fn oid(&self) -> u32 {
        self.found.oid.to_u32()
    }

    /// When what somebody waits for is due.
    pub fn due_at(&self) -> Instant {
        Instant(self.slot().due_at.load(Relaxed))
    }

    /// From when on what somebody waits for is late.
    pub fn late_from(&self) -> Instant {
        pace::late_from(self.due_at(), self.slot().called.load(Relaxed))
    }

    /// From when on the rest of a run waits.
    pub fn later_at(&self) -> Instant {
        Instant(self.slot().later_at.load(Relaxed))
    }

    /// When somebody is to come.
    pub fn next_at(&self) -> Instant {
        Instant(self.slot().next_at())
    }

    /// Did what is urgent fail, and has the rest of the run not had its turn?
    pub fn is_owed(&self) -> bool {
        self.slot().begun.load(Relaxed) == BEGUN_BADLY
    }

    /// What somebody waits for.
    pub fn begin(&self, place: &DatabaseSlot, until: Instant) {
        let slot = self.slot();
        slot.due_at.store(i64::MAX, Relaxed);
        if self.excluded {
            slot.later_at.store(i64::MAX, Relaxed);
            return;
        }
        slot.skipped.store(false, Relaxed);
        slot.running.store(true, Relaxed);
        let kept = self.agenda_kept();
        slot.called.store(false, Relaxed);
        let mut memory = memory::recall(slot).begun();
        let ended = self.tasks(place, until, true, &mut memory, kept);
        let now = now();
        let next = match ended {
            Ok(RunEnd { later: true, next }) => {
                slot.begun.store(BEGUN, Relaxed);
                next
            }
            Ok(RunEnd { next, .. }) => {
                slot.begun.store(0, Relaxed);
                slot.failures.store(0, Relaxed);
                next
            }
            Err(error) => self.failed(place, &error, now, true),
        };
        match slot.begun.load(Relaxed) {
            0 => slot.later_at.store(i64::MAX, Relaxed),
            // What waits already goes on waiting.
            _ if slot.later_at.load(Relaxed) == i64::MAX => slot.later_at.store(now.0, Relaxed),
            _ => {}
        }
        self.ended(&memory);
        slot.due_at.fetch_min(next.0, Relaxed);
        slot.running.store(false, Relaxed);
    }

    /// What else is due; true: something is left.
    pub fn finish(&self, place: &DatabaseSlot, until: Instant) -> bool {
        let slot = self.slot();
        slot.running.store(true, Relaxed);
        let mut memory = memory::recall(slot);
        let ended = self.tasks(place, until, false, &mut memory, self.agenda_kept());
        let now = now();
        let mut left = false;
        let mut later_at = i64::MAX;
        match ended {
            // What failed before is tried again after a while, and not at once because the rest went well.
            Ok(_) if slot.begun.load(Relaxed) == BEGUN_BADLY => {}
            Ok(RunEnd { next, .. }) => {
                slot.failures.store(0, Relaxed);
                left = next <= now;
                slot.due_at.fetch_min(next.0, Relaxed);
            }
            // What somebody waits for does not wait for that.
            Err(error) => later_at = self.failed(place, &error, now, false).0,
        }
        slot.begun.store(if later_at == i64::MAX { 0 } else { BEGUN }, Relaxed);
        slot.later_at.store(later_at, Relaxed);
        self.ended(&memory);
        // Whoever wrote after what is urgent was done waits for it still.
        if slot.called.load(Relaxed) {
            slot.call(now.0);
        }
        slot.running.store(false, Relaxed);
        left
    }

    fn ended(&self, memory: &SchemaMemory) {
        let slot = self.slot();
        memory::keep(slot, memory);
        if memory.changed || !self.counted {
            slot.changed.store(true, Relaxed);
        }
        slot.runs.fetch_add(1, Relaxed);
    }

    /// When it is tried again.
    fn failed(&self, place: &DatabaseSlot, error: &ServerError, now: Instant, urgent: bool) -> Instant {
        let slot = self.slot();
        slot.changed.store(true, Relaxed);
        // It is gone, or not attached any more: then it has no slot either once the schemas are read again.
        if error.sqlstate == detached() && slot.failures.swap(1, Relaxed) == 0 {
            place.wanted.store(true, Relaxed);
            return now;
        }
        if urgent {
            slot.begun.store(BEGUN_BADLY, Relaxed);
        }
        let task = TASKS.get((place.task.load(Relaxed) as usize).wrapping_sub(1)).map_or("", |task| task.name());
        report(place, error, &format!("{task} in schema {}", self.found.name));
        pace::after_failure(now, slot.failures.fetch_add(1, Relaxed) + 1)
    }

    fn tasks(
        &self,
        place: &DatabaseSlot,
        until: Instant,
        urgent: bool,
        memory: &mut SchemaMemory,
        kept: Option<Agenda>,
    ) -> Result<RunEnd, Box<ServerError>> {
        // Until this has come to its end, nothing is known.
        self.slot().knows_agenda.store(false, Relaxed);
        if self.slot().runs.load(Relaxed) == 0 {
            self.transaction(read_ahead)?;
        }
        let began = now();
        let due = match kept {
            Some(kept) => Agenda { is_subscriber: self.transaction(is_subscriber)?, ..kept },
            // Whoever wrote may have left anything to be done: the rest of the run reads what.
            None if urgent && memory.changed => self.transaction(urgent_agenda)?,
            None => self.transaction(agenda)?,
        };
        if due.is_subscriber {
            self.slot().skipped.store(true, Relaxed);
            memory.changed = false;
            return Ok(RunEnd { later: false, next: pace::skipped(began) });
        }
        let is_due = |task: Task, memory: &SchemaMemory| due.at(task, memory) <= began;
        let (mut now_due, mut reread) = (due, Reread::Nothing);
        let (mut worked, mut more, mut failed) = (false, false, None);
        for (number, task) in TASKS.iter().enumerate().filter(|(_, task)| task.is_urgent() == urgent) {
            // Whoever listens is told at once of what has just been written.
            let told = *task == Task::NotifyOutbox && worked && memory.notify_at <= began;
            if !is_due(*task, memory) && !told {
                continue;
            }
            if is_over(until) {
                more = true;
                break;
            }
            place.task.store(number as u32 + 1, Relaxed);
            match self.task(place, *task, until) {
                Ok(ran) => {
                    worked |= ran.done > 0;
                    more |= ran.unfinished;
                    reread = reread.max(now_due.ran(*task, now(), ran.done));
                    memory.ran(*task, now(), ran.done, ran.more, settings::worker_interval());
                }
                Err(error) => failed = failed.or(Some((number, error))),
            }
        }
        if let Some((number, error)) = failed {
            place.task.store(number as u32 + 1, Relaxed);
            return Err(error);
        }
        if urgent && memory.changed {
            let now_due = if worked && !more { self.transaction(urgent_agenda)? } else { now_due };
            let next = if more { now() } else { now_due.next_urgent(memory, now()) };
            return Ok(RunEnd { later: true, next });
        }
        if urgent && TASKS.iter().any(|task| !task.is_urgent() && is_due(*task, memory)) {
            let next = if more { now() } else { self.read_again(now_due, reread)?.next_urgent(memory, now()) };
            return Ok(RunEnd { later: true, next });
        }
        memory.changed &= more;
        memory.fruitless = if worked { 0 } else { memory.fruitless.saturating_add(1) };
        let (now, quiet) = (now(), pace::quiet(now(), self.counted));
        let next = if more { now } else { self.read_again(now_due, reread)?.next(memory, now, quiet) };
        Ok(RunEnd { later: false, next })
    }

    /// What is due is known from the last time, unless somebody wrote, or could have without our knowing.
    fn agenda_kept(&self) -> Option<Agenda> {
        memory::agenda(self.slot()).filter(|_| self.counted)
    }

    /// The agenda after tasks that ran, kept for the next time.
    fn read_again(&self, due: Agenda, reread: Reread) -> Result<Agenda, Box<ServerError>> {
        let due = match reread {
            Reread::Nothing => due,
            Reread::Holds => Agenda { expire: self.transaction(next_expiry)?, ..due },
            Reread::All => self.transaction(agenda)?,
        };
        memory::keep_agenda(self.slot(), &due);
        Ok(due)
    }
}

/// What a run came to.
struct RunEnd {
    /// What is urgent was done, and the rest is to come.
    later: bool,
    /// When what is to come next is due: what is urgent, if the rest is still to come.
    next: Instant,
}

/// What a task came to in a run.
#[derive(Default)]
struct Ran {
    done: i64,
    /// The last batch was full.
    more: bool,
    /// Its time was over before its work.
    unfinished: bool,
}

impl Schema {
    fn transaction<T>(&self, work: impl FnOnce(&Store) -> Result<T, Failure>) -> Result<T, Box<ServerError>> {
        self.transaction_then(work, || ())
    }

    fn transaction_then<T>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure>,
        ended: impl FnOnce(),
    ) -> Result<T, Box<ServerError>> {
        transaction::run_then(Some(self.found.owner), || in_schema(self.found.oid, Work::Writing, work), ended)
    }

    /// What the transaction that has just ended wrote calls nobody.
    fn note_own(&self) {
        let slot = self.slot();
        slot.own.fetch_add(counts::own(slot.tables.iter().map(|table| table.load(Relaxed))), Relaxed);
    }

    fn task(&self, place: &DatabaseSlot, task: Task, until: Instant) -> Result<Ran, Box<ServerError>> {
        let ran = self.batches(place, task, until);
        tasks::note(self.slot(), task as usize, |counts| match &ran {
            Ok(_) => counts.ran(now().0),
            Err(error) => counts.failed(error.sqlstate, now().0),
        });
        ran
    }

    /// Batch after batch, each in a transaction of its own. One that fails leaves the rest of the task for later.
    fn batches(&self, place: &DatabaseSlot, task: Task, until: Instant) -> Result<Ran, Box<ServerError>> {
        activity(
            pgrx::pg_sys::BackendState::STATE_RUNNING,
            &format!("holdfast: {} in schema {}", task.name(), self.found.name),
        );
        let mut ran = Ran::default();
        loop {
            let ended = || {
                if task.leaves_nothing() {
                    self.note_own()
                }
            };
            let swept = self.transaction_then(|store| task_once(store, task, BATCH), ended)?;
            place.done[task as usize].fetch_add(swept.done, Relaxed);
            ran.done += swept.done;
            ran.more = swept.more;
            if let Some(error) = &swept.error {
                self.quarantined(place, error, task);
            }
            if task.is_patient() || !swept.more {
                return Ok(ran);
            }
            if is_over(until) {
                ran.unfinished = true;
                return Ok(ran);
            }
        }
    }

    /// One booking or hold failed, and the rest went on.
    fn quarantined(&self, place: &DatabaseSlot, error: &str, task: Task) {
        place.errors.fetch_add(1, Relaxed);
        let sqlstate = sqlstate_pack(error.get(..5).unwrap_or_default());
        place.last_error.store(sqlstate, Relaxed);
        tasks::note(self.slot(), task as usize, |counts| counts.erred(sqlstate, now().0));
        log!(
            "holdfast worker: database {}, {} in schema {}, quarantined: {error}",
            database(),
            task.name(),
            self.found.name
        );
    }
}

/// The slot that this process had for the schema before, or one of its own.
fn own(number: u32, before: &[Schema]) -> RunSlot {
    let slot = SchemaSlot::free();
    if let Some(known) = before.iter().find(|schema| schema.oid() == number) {
        slot.due_at.store(known.slot().due_at.load(Relaxed), Relaxed);
        slot.later_at.store(known.slot().later_at.load(Relaxed), Relaxed);
        slot.runs.store(known.slot().runs.load(Relaxed), Relaxed);
    }
    RunSlot::Own(Box::new(slot))
}

fn detached() -> i32 {
    sqlstate_pack(Outcome::NotAttached.entry().sqlstate)
}
