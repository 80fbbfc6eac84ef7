//! Writes attempts that were refused or failed to the server's log, each once, and so many in a second at most. [unsafe]
//!
//! It is written before the error is raised, and is no part of the transaction. Of an attempt that is cut off with its
//! session the line waits until the process ends: while a transaction is taken back nothing may be raised.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_int};

use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, pg_shmem_init};

use super::{label_set, session};
use crate::rules::refusal::failure::sqlstate_pack;
use crate::rules::trace::attempt_log::{self, LoggedAttempts, Place};
use crate::rules::trace::span::Span;
use crate::settings;
use crate::shared_memory::Shared;
use crate::shared_memory::rate::Rate;

// Exported by the server; the bindings leave them out, for they are halves of a macro.
unsafe extern "C-unwind" {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errcode(sqlstate: c_int) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

// SAFETY: atomics only, without a pointer in them: every process sees the same memory in the same way.
unsafe impl PGRXSharedMemory for Rate {}

// SAFETY: the name is ours alone.
static RATE: Shared<Rate> = unsafe { Shared::new(c"holdfast attempt log") };

/// So many lines of one transaction wait until they can be written.
const WAITING: usize = 64;

struct LogLine {
    text: String,
    sqlstate: i32,
}

thread_local! {
    static WAITS: RefCell<Vec<LogLine>> = const { RefCell::new(Vec::new()) };
    static IS_READY: Cell<bool> = const { Cell::new(false) };
}

/// Asks for the shared memory, in the postmaster.
#[allow(unexpected_cfgs, reason = "pgrx's macro asks for a version that we do not support")]
pub fn register() {
    pg_shmem_init!(RATE = Rate::new());
}

/// Is any attempt written?
pub fn is_on() -> bool {
    settings::logged_attempts() != LoggedAttempts::Off
}

/// An attempt begins: whatever is needed to write of it later is found while the server may be asked.
pub fn begins() {
    if !is_on() {
        return;
    }
    if !IS_READY.replace(true) {
        session::note_database_name();
        // SAFETY: the function is the library's own, which lives as long as the process.
        unsafe { pg_sys::on_proc_exit(Some(process_ends), pg_sys::Datum::from(0)) };
    }
    write_waiting();
}

/// An attempt ended, and an error may be raised of it next.
pub fn ended(span: &Span) {
    if let Some(line) = line(span) {
        write(&line);
    }
}

/// An attempt ended where nothing may be raised.
pub fn ended_silently(span: &Span) {
    if let Some(line) = line(span) {
        let _ = WAITS.try_with(|waits| {
            waits.try_borrow_mut().map(|mut waits| {
                if waits.len() < WAITING {
                    waits.push(line);
                }
            })
        });
    }
}

fn line(span: &Span) -> Option<LogLine> {
    if !attempt_log::is_logged(settings::logged_attempts(), span.outcome) {
        return None;
    }
    let second = u32::try_from(span.ended.0.div_euclid(1_000_000).rem_euclid(1 << 32)).unwrap_or_default();
    let most = u32::try_from(settings::log_attempts_per_second()).unwrap_or_default();
    let suppressed = RATE.get()?.permit(second, most)?;
    let place = Place {
        database: session::database_name().unwrap_or_else(|| span.database.to_string()),
        schema: label_set::schema_name(span.schema, span.function, span.path)
            .unwrap_or_else(|| span.schema.to_string()),
    };
    let text = attempt_log::line(span, &place, suppressed);
    Some(LogLine { text, sqlstate: sqlstate_pack(&attempt_log::sqlstate(span)) })
}

fn write_waiting() {
    let waiting = WAITS.try_with(|waits| waits.try_borrow_mut().map(|mut waits| std::mem::take(&mut *waits)));
    waiting.ok().and_then(Result::ok).unwrap_or_default().iter().for_each(write);
}

/// The statement is left out: it may say what a guest wrote. So is the context, and no client is told.
fn write(line: &LogLine) {
    const TEXT: &CStr = c"%s";
    const FILE: &CStr = c"attempt_log.rs";
    const FUNCTION: &CStr = c"holdfast";
    let Ok(text) = CString::new(line.text.as_str()) else { return };
    // SAFETY: as the server's macro does it; each function copies what it is given. While interrupts are held, a report
    // below an error raises nothing of its own.
    unsafe {
        pg_sys::InterruptHoldoffCount += 1;
        if errstart(pg_sys::LOG_SERVER_ONLY as c_int, std::ptr::null()) {
            errcode(line.sqlstate);
            pg_sys::errmsg_internal(TEXT.as_ptr(), text.as_ptr());
            pg_sys::errhidestmt(true);
            pg_sys::errhidecontext(true);
            errfinish(FILE.as_ptr(), 0, FUNCTION.as_ptr());
        }
        pg_sys::InterruptHoldoffCount -= 1;
    }
}

/// The last moment, at which the server itself says that a session ended.
#[pg_guard]
unsafe extern "C-unwind" fn process_ends(_code: c_int, _argument: pg_sys::Datum) {
    write_waiting();
}
