//! Server functions that can raise, called so that their error comes back whole. [unsafe]
//!
//! pgrx's own guard turns an error into a panic that has lost custom SQLSTATEs, constraint and table names.
//! An application's trigger error has to reach the caller unchanged, so these few calls have a guard of their own.

use std::ffi::{CStr, c_char, c_int, c_long};

use cee_scape::{SigJmpBufFields, call_with_sigsetjmp};
use pgrx::pg_sys;

use super::hooks::{self, Announced, Reached};
use crate::rules::refusal::failure::{ServerError, sqlstate_pack, unseen_reference};

// Declared here because the bindings of these names carry pgrx's guard.
unsafe extern "C-unwind" {
    fn SPI_prepare_cursor(
        src: *const c_char,
        nargs: c_int,
        argtypes: *mut pg_sys::Oid,
        cursor_options: c_int,
    ) -> pg_sys::SPIPlanPtr;
    fn SPI_execute(src: *const c_char, read_only: bool, tcount: c_long) -> c_int;
    fn SPI_execute_snapshot(
        plan: pg_sys::SPIPlanPtr,
        values: *mut pg_sys::Datum,
        nulls: *const c_char,
        snapshot: pg_sys::Snapshot,
        crosscheck_snapshot: pg_sys::Snapshot,
        read_only: bool,
        fire_triggers: bool,
        tcount: c_long,
    ) -> c_int;
    fn AfterTriggerEndQuery(state: *mut pg_sys::EState);
}

/// Runs `call`; an error raised in it is copied, flushed from the server's stack and returned.
///
/// Meanwhile the callers' lines are not added to an error's context: they are when it is raised again, and would stand
/// there once more for each call of ours that the error passes.
///
/// # Safety
/// `call` must only call into the server: it is left by a long jump, so it may own nothing that needs dropping.
pub(super) unsafe fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Box<ServerError>> {
    // SAFETY: the same dance as PG_TRY: jump target and context stack are put back on both ways out, and the
    // memory context before anything is allocated. A backend has one thread, so nobody else sees the statics.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        let exception_stack = pg_sys::PG_exception_stack;
        let context_stack = pg_sys::error_context_stack;
        let mut result = None;
        let jumped = call_with_sigsetjmp(false, |target| {
            pg_sys::PG_exception_stack = std::ptr::from_ref::<SigJmpBufFields>(target).cast_mut().cast();
            pg_sys::error_context_stack = std::ptr::null_mut();
            result = Some(call());
            0
        });
        pg_sys::PG_exception_stack = exception_stack;
        pg_sys::error_context_stack = context_stack;
        match result {
            Some(result) if jumped == 0 => Ok(result),
            _ => {
                pg_sys::CurrentMemoryContext = memory;
                Err(take_error())
            }
        }
    }
}

/// Takes the error on top of the server's stack.
///
/// # Safety
/// Only right after a jump, in a memory context that outlives the error's.
unsafe fn take_error() -> Box<ServerError> {
    // SAFETY: CopyErrorData returns a copy in the current context; its strings are NUL-terminated or null.
    unsafe {
        let copy = pg_sys::CopyErrorData();
        pg_sys::FlushErrorState();
        let error = Box::new(ServerError {
            sqlstate: (*copy).sqlerrcode,
            message: text((*copy).message).unwrap_or_default(),
            detail: text((*copy).detail),
            hint: text((*copy).hint),
            context: text((*copy).context),
            schema: text((*copy).schema_name),
            table: text((*copy).table_name),
            column: text((*copy).column_name),
            datatype: text((*copy).datatype_name),
            constraint: text((*copy).constraint_name),
        });
        pg_sys::FreeErrorData(copy);
        error
    }
}

/// # Safety
/// `chars` is null or NUL-terminated.
unsafe fn text(chars: *const c_char) -> Option<String> {
    // SAFETY: as above.
    (!chars.is_null()).then(|| unsafe { CStr::from_ptr(chars) }.to_string_lossy().into_owned())
}

/// # Safety
/// SPI is connected; `types` lives through the call.
pub unsafe fn prepare(source: &CStr, types: &mut [pg_sys::Oid]) -> Result<pg_sys::SPIPlanPtr, Box<ServerError>> {
    // A plan for every argument alike: planning again at each call costs more than it saves.
    let options = pg_sys::CURSOR_OPT_GENERIC_PLAN as c_int;
    // SAFETY: the call owns nothing; the array is only read.
    unsafe { guarded(|| SPI_prepare_cursor(source.as_ptr(), types.len() as c_int, types.as_mut_ptr(), options)) }
}

/// # Safety
/// SPI is connected.
pub unsafe fn execute(source: &CStr) -> Result<c_int, Box<ServerError>> {
    // SAFETY: the call owns nothing.
    unsafe { guarded(|| SPI_execute(source.as_ptr(), false, 0)) }
}

/// Changes a setting in the level of settings that is open.
pub fn set(name: &CStr, value: &CStr) -> Result<(), Box<ServerError>> {
    // SAFETY: the call owns nothing; both live through it.
    unsafe { guarded(|| hooks::set(name.as_ptr(), value.as_ptr())) }
}

/// An error of a statement as its caller is to read it: what only the transaction's old snapshot made of it is said so.
pub fn as_seen(error: Box<ServerError>) -> Box<ServerError> {
    // SAFETY: a number of this backend.
    let is_old = unsafe { pg_sys::XactIsoLevel } >= pg_sys::XACT_REPEATABLE_READ as c_int;
    if is_old { Box::new(unseen_reference(*error)) } else { error }
}

/// What a statement sees above READ COMMITTED; at it, both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotMode {
    /// The latest that is committed: what is decided on.
    Latest,
    /// What the transaction itself sees, and every function that it calls.
    Transaction,
}

/// # Safety
/// SPI is connected; `plan` is alive and takes `values.len()` arguments of the datums' types.
pub unsafe fn execute_plan(
    plan: pg_sys::SPIPlanPtr,
    values: &mut [pg_sys::Datum],
    nulls: &[c_char],
    snapshot_mode: SnapshotMode,
    fires_triggers: bool,
    statement: Announced,
) -> Result<c_int, (Reached, Box<ServerError>)> {
    let around = hooks::announce(statement);
    // SAFETY: the call owns nothing. Snapshots are those of the foreign keys' own checks: above READ COMMITTED
    // what is decided on is read with the latest one, and writing a row that the transaction's own snapshot does
    // not see ends in 40001.
    let ran = unsafe {
        guarded(|| {
            let (latest, own) = if is_latest(snapshot_mode) {
                pg_sys::CommandCounterIncrement();
                let own = pg_sys::GetTransactionSnapshot();
                (pg_sys::GetLatestSnapshot(), own)
            } else {
                (std::ptr::null_mut(), std::ptr::null_mut())
            };
            SPI_execute_snapshot(plan, values.as_mut_ptr(), nulls.as_ptr(), latest, own, false, fires_triggers, 0)
        })
    };
    let reached = hooks::ended(around, ran.is_ok());
    ran.map_err(|error| (reached, error))
}

/// Does this differ from what the transaction itself sees?
fn is_latest(snapshot_mode: SnapshotMode) -> bool {
    // SAFETY: a number of this backend.
    let is_old = unsafe { pg_sys::XactIsoLevel } >= pg_sys::XACT_REPEATABLE_READ as c_int;
    is_old && snapshot_mode == SnapshotMode::Latest
}

/// AFTER triggers of statements that do not fire their own wait for `fire_triggers`, or for the transaction to be rolled back.
pub fn hold_triggers() {
    // SAFETY: counts a level of queries, which the end of the transaction or savepoint resets.
    unsafe { pg_sys::AfterTriggerBeginQuery() }
}

/// Fires the AFTER triggers that wait, under the application's path, as at the end of one statement.
///
/// # Safety
/// SPI is connected; triggers were held, and nothing has been since that was not fired.
pub unsafe fn fire_triggers(snapshot_mode: SnapshotMode, path: &CStr) -> Result<(), Box<ServerError>> {
    let around = hooks::enter();
    // SAFETY: the call owns nothing. Triggers see what was written: the snapshot is one of now, as that of a statement.
    let fired = unsafe {
        guarded(|| {
            hooks::open_path(path);
            pg_sys::CommandCounterIncrement();
            pg_sys::PushActiveSnapshot(if is_latest(snapshot_mode) {
                pg_sys::GetLatestSnapshot()
            } else {
                pg_sys::GetTransactionSnapshot()
            });
            AfterTriggerEndQuery(std::ptr::null_mut());
            pg_sys::PopActiveSnapshot();
        })
    };
    hooks::ended(around, fired.is_ok());
    fired
}

/// A statement of ours that could not be run: what SPI answered.
pub fn internal(name: &str, code: i32) -> Box<ServerError> {
    unread(name, format!("SPI answered {code}"))
}

pub fn without_column(name: &str, column: &str) -> Box<ServerError> {
    unread(name, format!("Its rows have no column {column}"))
}

pub fn unread(name: &str, detail: String) -> Box<ServerError> {
    Box::new(ServerError {
        sqlstate: sqlstate_pack("XX000"),
        message: format!("Statement {name} could not be run"),
        detail: Some(detail),
        ..ServerError::default()
    })
}
