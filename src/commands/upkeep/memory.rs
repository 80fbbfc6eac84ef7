//! What is remembered of a schema between two runs, in its slot.

use std::sync::atomic::Ordering::Relaxed;

use crate::rules::booking::window::Instant;
use crate::rules::upkeep::agenda::Agenda;
use crate::rules::upkeep::schema_memory::SchemaMemory;
use crate::worker_slots::schema::SchemaSlot;

/// That something changed is taken note of once.
pub fn recall(slot: &SchemaSlot) -> SchemaMemory {
    SchemaMemory { changed: slot.changed.swap(false, Relaxed), ..seen(slot) }
}

/// The same for somebody who only looks.
pub fn seen(slot: &SchemaSlot) -> SchemaMemory {
    SchemaMemory {
        changed: slot.changed.load(Relaxed),
        commits: slot.commits.load(Relaxed),
        unscanned: slot.unscanned.load(Relaxed),
        notify_at: Instant(slot.notify_at.load(Relaxed)),
        scan_at: Instant(slot.scan_at.load(Relaxed)),
        ended_at: Instant(slot.ended_at.load(Relaxed)),
        told: slot.told.load(Relaxed),
        scans: slot.scans.load(Relaxed),
        fruitless: slot.fruitless.load(Relaxed),
    }
}

/// All but whether something changed, which others say.
pub fn keep(slot: &SchemaSlot, memory: &SchemaMemory) {
    slot.commits.store(memory.commits, Relaxed);
    slot.unscanned.store(memory.unscanned, Relaxed);
    slot.notify_at.store(memory.notify_at.0, Relaxed);
    slot.scan_at.store(memory.scan_at.0, Relaxed);
    slot.ended_at.store(memory.ended_at.0, Relaxed);
    slot.told.store(memory.told, Relaxed);
    slot.scans.store(memory.scans, Relaxed);
    slot.fruitless.store(memory.fruitless, Relaxed);
}

/// The agenda that was kept, unless somebody called since.
pub fn agenda(slot: &SchemaSlot) -> Option<Agenda> {
    let known = slot.knows_agenda.load(Relaxed) && !slot.called.load(Relaxed);
    let instants = || slot.agenda.each_ref().map(|instant| Instant(instant.load(Relaxed)));
    known.then(|| Agenda::from_kept(instants(), slot.has_live.load(Relaxed)))
}

/// Keeps an agenda until somebody calls.
pub fn keep_agenda(slot: &SchemaSlot, agenda: &Agenda) {
    let (instants, has_live) = agenda.kept();
    slot.agenda.iter().zip(instants).for_each(|(kept, instant)| kept.store(instant.0, Relaxed));
    slot.has_live.store(has_live, Relaxed);
    slot.knows_agenda.store(true, Relaxed);
}
