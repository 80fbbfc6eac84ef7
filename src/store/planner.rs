//! Our statements probe by indexes, whatever the planner believes of the tables. [unsafe]
//!
//! A plan made while they were empty is kept, and would read them whole until somebody analyses them.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys;

// Declared here because the binding of this name carries pgrx's guard, which would lose fields of an error.
unsafe extern "C-unwind" {
    fn standard_planner(
        parse: *mut pg_sys::Query,
        text: *const c_char,
        options: c_int,
        parameters: pg_sys::ParamListInfo,
    ) -> *mut pg_sys::PlannedStmt;
}

/// How the source of a statement of ours goes on after its first word; see `Statement::source`.
const MARK: &[u8] = b"/* holdfast.";

/// Statements that look at whole tables by design, and may read them in the order of the disk.
const WHOLE: &[&[u8]] = &[b"audit_read", b"probed_indexes", b"catalogue_", b"agenda_", b"idempotency_conflicts"];

thread_local! {
    /// What the session had set: sequential scans, hash joins, merge joins.
    static SAVED: Cell<Option<[bool; 3]>> = const { Cell::new(None) };
    /// The hook of whoever came before.
    static NEXT: Cell<pg_sys::planner_hook_type> = const { Cell::new(None) };
}

/// Once a backend.
pub fn install() {
    // SAFETY: a backend has one thread, and the hook is a plain pointer of it.
    unsafe {
        NEXT.set(pg_sys::planner_hook);
        pg_sys::planner_hook = Some(plan);
    }
}

/// Puts back what the session had set, where an error left the planner.
pub fn restore() {
    let Some([scans, hashes, merges]) = SAVED.take() else { return };
    // SAFETY: plain flags of this backend.
    unsafe {
        pg_sys::enable_seqscan = scans;
        pg_sys::enable_hashjoin = hashes;
        pg_sys::enable_mergejoin = merges;
    }
}

/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn probes(text: *const c_char) -> bool {
    if text.is_null() {
        return false;
    }
    // SAFETY: as above.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    let Some(rest) = text.iter().position(|byte| *byte == b' ').and_then(|end| text[end + 1..].strip_prefix(MARK))
    else {
        return false;
    };
    !WHOLE.iter().any(|name| rest.starts_with(name))
}

/// Owns nothing that needs dropping: an error of the server jumps over it.
///
/// # Safety
/// Called by the server alone.
unsafe extern "C-unwind" fn plan(
    parse: *mut pg_sys::Query,
    text: *const c_char,
    options: c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: the arguments are the server's; the switches are plain flags that the planner reads.
    unsafe {
        let ours = SAVED.get().is_none() && probes(text);
        if ours {
            SAVED.set(Some([pg_sys::enable_seqscan, pg_sys::enable_hashjoin, pg_sys::enable_mergejoin]));
            pg_sys::enable_seqscan = false;
            pg_sys::enable_hashjoin = false;
            pg_sys::enable_mergejoin = false;
        }
        let planned = match NEXT.get() {
            Some(next) => next(parse, text, options, parameters),
            None => standard_planner(parse, text, options, parameters),
        };
        if ours {
            restore();
            // Before 18 a node that is switched off costs as much as a plan worth compiling; ours never are.
            (*planned).jitFlags = pg_sys::PGJIT_NONE as c_int;
        }
        planned
    }
}
