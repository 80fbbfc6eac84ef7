//! From a failure to the server's error report. Nothing else raises. [unsafe]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::{PgLogLevel, PgSqlErrorCode};

use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};

// Exported by the server; pgrx keeps them out of its bindings.
unsafe extern "C-unwind" {
    fn errcode(sqlstate: c_int) -> c_int;
    fn err_generic_string(field: c_int, text: *const c_char) -> c_int;
    fn set_errcontext_domain(domain: *const c_char) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
}

/// What pgrx's report cannot carry, waiting for the report to pass by.
struct Missing {
    sqlstate: c_int,
    context: Option<CString>,
    fields: Vec<(u8, CString)>,
}

thread_local! {
    static MISSING: RefCell<Option<Missing>> = const { RefCell::new(None) };
}

/// An error of the server's that passes through Rust gets a backtrace into its DETAIL, where the server's environment asks for
/// backtraces. Callers read DETAIL. The library asks once, and keeps the answer: here it is no.
pub fn leave_out_backtraces() {
    const NAME: &str = "RUST_LIB_BACKTRACE";
    let before = std::env::var_os(NAME);
    // SAFETY: the process has one thread, and its environment is as it was afterwards.
    unsafe { std::env::set_var(NAME, "0") };
    let _ = std::backtrace::Backtrace::capture();
    // SAFETY: as above.
    unsafe { before.map_or_else(|| std::env::remove_var(NAME), |before| std::env::set_var(NAME, before)) };
}

/// The answer; a failure is raised.
pub fn or_raise<T>(answer: Result<T, Failure>) -> T {
    answer.unwrap_or_else(|failure| raise(failure))
}

/// Raises a failure as the caller is to read it.
fn raise(failure: Failure) -> ! {
    let error = match failure {
        Failure::Refused(refusal) | Failure::Undone(refusal) => of_refusal(refusal),
        Failure::Server(error) => *error,
    };
    let fields = [
        (pg_sys::PG_DIAG_SCHEMA_NAME, &error.schema),
        (pg_sys::PG_DIAG_TABLE_NAME, &error.table),
        (pg_sys::PG_DIAG_COLUMN_NAME, &error.column),
        (pg_sys::PG_DIAG_DATATYPE_NAME, &error.datatype),
        (pg_sys::PG_DIAG_CONSTRAINT_NAME, &error.constraint),
    ];
    let fields = fields.into_iter().filter_map(|(field, text)| Some((field, c_string(text.as_deref()?)?)));
    let missing = Missing {
        sqlstate: error.sqlstate,
        context: error.context.as_deref().and_then(c_string),
        fields: fields.collect(),
    };
    MISSING.set(Some(missing));
    add_what_is_missing();
    let mut report = ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.message, "holdfast");
    if let Some(detail) = error.detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = error.hint {
        report = report.set_hint(hint);
    }
    report.report(PgLogLevel::ERROR);
    unreachable!("an error report does not return")
}

fn of_refusal(refusal: Refusal) -> ServerError {
    ServerError {
        sqlstate: sqlstate_pack(refusal.outcome.entry().sqlstate),
        message: refusal.message,
        detail: refusal.detail,
        hint: Some(refusal.hint),
        ..ServerError::default()
    }
}

fn c_string(text: &str) -> Option<CString> {
    CString::new(text).ok()
}

/// Puts a callback on the server's error context stack. The report that pgrx makes of our panic runs it, and it
/// sets what pgrx's own types have no room for: any SQLSTATE, and the diagnostic fields.
fn add_what_is_missing() {
    static mut CALLBACK: pg_sys::ErrorContextCallback = pg_sys::ErrorContextCallback {
        previous: std::ptr::null_mut(),
        callback: Some(decorate),
        arg: std::ptr::null_mut(),
    };
    // SAFETY: one thread; the static outlives the report, and whoever catches the error restores the stack that
    // it had before. A callback that is on top already is not linked to itself.
    unsafe {
        let callback = &raw mut CALLBACK;
        if pg_sys::error_context_stack != callback {
            (*callback).previous = pg_sys::error_context_stack;
            pg_sys::error_context_stack = callback;
        }
    }
}

/// Runs inside errfinish, for the error on top of the server's stack.
unsafe extern "C-unwind" fn decorate(_: *mut c_void) {
    let Some(missing) = MISSING.take() else { return };
    const TEXT: &CStr = c"%s";
    // SAFETY: these functions edit the current report and copy what they are given.
    unsafe {
        errcode(missing.sqlstate);
        for (field, text) in &missing.fields {
            err_generic_string(c_int::from(*field), text.as_ptr());
        }
        if let Some(context) = &missing.context {
            set_errcontext_domain(std::ptr::null());
            errcontext_msg(TEXT.as_ptr(), context.as_ptr());
        }
    }
}
