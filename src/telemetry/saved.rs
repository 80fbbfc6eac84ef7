//! Keeps the numbers over a clean stop of the server, in a file. [unsafe]
//!
//! It is written when the server has ended, read at the next start, and gone from then on, so that a crash finds none. An
//! immediate stop is a crash: what was not on disk yet comes not back, so its numbers do not, either.

use std::collections::HashMap;
use std::ffi::c_int;
use std::fs;
use std::io::{ErrorKind, Write};
use std::mem::offset_of;
use std::path::Path;
use std::sync::OnceLock;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::counters::{Counters, counters};
use super::label_set;
use crate::rules::statistics::saved::{Promised, Saved};

/// In the data directory, where the processes of the server work.
const FILE: &str = "pg_stat/holdfast.stat";
const UNFINISHED: &str = "pg_stat/holdfast.stat.tmp";
/// Here the server writes how far it got.
const CONTROL: &str = "global/pg_control";

/// What was to be called when shared memory is made, before we came.
static BEFORE: OnceLock<pg_sys::shmem_startup_hook_type> = OnceLock::new();

/// Comes after those that ask for shared memory: what is called last knows that it is there.
pub fn register() {
    // SAFETY: the postmaster is alone, and preloads the library once.
    unsafe {
        if BEFORE.set(pg_sys::shmem_startup_hook).is_ok() {
            pg_sys::shmem_startup_hook = Some(memory_is_made);
        }
    }
}

/// In the postmaster, when it starts and after each crash.
#[pg_guard]
unsafe extern "C-unwind" fn memory_is_made() {
    if let Some(Some(before)) = BEFORE.get() {
        // SAFETY: called as the server calls it.
        unsafe { before() };
    }
    // SAFETY: reads a flag of the process; the server calls the function once, when the postmaster gives its memory up.
    unsafe {
        if pg_sys::IsUnderPostmaster {
            return;
        }
        pg_sys::on_shmem_exit(Some(server_ends), pg_sys::Datum::from(0));
    }
    if let Some(counters) = counters() {
        restore(counters);
    }
}

/// The last process ends; after a crash, and when the server could not start, with a code.
#[pg_guard]
unsafe extern "C-unwind" fn server_ends(code: c_int, _argument: pg_sys::Datum) {
    let Some(counters) = counters().filter(|_| code == 0) else { return };
    if is_shut_down() {
        keep(counters);
    } else {
        log!("holdfast keeps no numbers: the server did not stop cleanly, and recovers when it starts");
    }
}

/// Is everything on disk? The code of an immediate stop does not tell.
fn is_shut_down() -> bool {
    use pg_sys::DBState::{DB_SHUTDOWNED, DB_SHUTDOWNED_IN_RECOVERY, Type};
    const AT: usize = offset_of!(pg_sys::ControlFileData, state);
    let state =
        fs::read(CONTROL).ok().and_then(|bytes| bytes.get(AT..)?.first_chunk().copied().map(Type::from_ne_bytes));
    matches!(state, Some(DB_SHUTDOWNED | DB_SHUTDOWNED_IN_RECOVERY))
}

fn restore(counters: &Counters) {
    let text = match fs::read_to_string(FILE) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return log!("holdfast counts from zero: the server did not stop cleanly before, or never counted");
        }
        text => text,
    };
    // A file that stays would be read again after a crash.
    let text = text.and_then(|text| remove().map(|()| text)).map_err(|error| error.to_string());
    match text.and_then(|text| Saved::of_text(&text).map_err(str::to_owned)) {
        Ok(saved) => fill(counters, &saved),
        Err(why) => log!("holdfast counts from zero: {FILE} is of no use: {why}"),
    }
}

fn fill(counters: &Counters, saved: &Saved) {
    let numbers: Vec<u32> = saved
        .label_sets
        .iter()
        .map(|(labels, counts)| {
            let database = if labels.database == 0 { None } else { counters.number_of(labels.database) };
            let number = label_set::take(database, labels.schema, labels.function, labels.path);
            if let Some(label_set) = label_set::at(number) {
                label_set.restore(&labels.schema_name, counts);
            }
            number
        })
        .collect();
    for (transaction, promised) in &saved.prepared {
        if let Some(number) = numbers.get(promised.label_set) {
            counters.prepared.note(*transaction, Promised { label_set: *number as usize, ..*promised });
        }
    }
    counters.restore_epoch(saved.epoch);
}

/// Nobody counts any more. What is in flight now was cut off without a word, as in a crash.
fn keep(counters: &Counters) {
    let read = label_set::read();
    if read.iter().any(|(_, _, counts)| counts.in_flight > 0) {
        return log!("holdfast keeps no numbers: calls were cut off when the server stopped");
    }
    let places: HashMap<usize, usize> =
        read.iter().enumerate().map(|(at, (number, ..))| (*number as usize, at)).collect();
    let prepared = counters.prepared.waiting().filter_map(|(transaction, promised)| {
        Some((transaction, Promised { label_set: *places.get(&promised.label_set)?, ..promised }))
    });
    let saved = Saved {
        epoch: counters.epoch(),
        prepared: prepared.collect(),
        label_sets: read.into_iter().map(|(_, labels, counts)| (labels, counts)).collect(),
    };
    if let Err(error) = write(&saved.to_text()) {
        log!("holdfast keeps no numbers: {FILE} cannot be written: {error}");
    }
}

fn write(text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(UNFINISHED)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(UNFINISHED, FILE)?;
    sync_folder()
}

fn remove() -> std::io::Result<()> {
    fs::remove_file(FILE)?;
    sync_folder()
}

/// A name that is there or gone is so after a loss of power, too.
fn sync_folder() -> std::io::Result<()> {
    fs::File::open(Path::new(FILE).parent().unwrap_or(Path::new(".")))?.sync_all()
}
