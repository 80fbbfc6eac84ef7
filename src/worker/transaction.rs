//! A transaction of the worker: with the rights of one role, and an error that ends it alone. [unsafe]

use std::panic::AssertUnwindSafe;

use pgrx::prelude::*;

use super::session::now;
use crate::commands::Identity;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use crate::rules::upkeep::pace::{GRACE_MS, TRANSACTION_MS};
use crate::timer;

/// Runs `work` in a transaction of its own as `role` (None: as ourselves), within a limit in time: the server sets no
/// statement_timeout for a background worker. Work that catches its cancel is ended with the process a little later: the
/// launcher then leaves that schema alone for a while. The role stays until after the commit, where deferred triggers run, and
/// cannot be changed by what they run.
pub fn run<T>(role: Option<pg_sys::Oid>, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Box<ServerError>> {
    run_then(role, work, || ())
}

/// The same; `ended` before the server is told which rows were written.
pub fn run_then<T>(
    role: Option<pg_sys::Oid>,
    work: impl FnOnce() -> Result<T, Failure>,
    ended: impl FnOnce(),
) -> Result<T, Box<ServerError>> {
    // SAFETY: a worker that is connected and in no transaction; the identity is put back on both ways out.
    unsafe {
        let ourselves = Identity::current();
        pg_sys::SetCurrentStatementStartTimestamp();
        timer::bound_statement(TRANSACTION_MS);
        timer::bound_process(now().after_ms(i64::from(TRANSACTION_MS + GRACE_MS)));
        let answer = caught(|| {
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            if let Some(role) = role {
                ourselves.changed_to(role).assume();
            }
            let done = work().map_err(whole)?;
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            Ok(done)
        });
        timer::release_statement();
        timer::release_process();
        if answer.is_err() {
            pg_sys::AbortCurrentTransaction();
        }
        ourselves.assume();
        ended();
        // So that autovacuum learns of what was deleted.
        pg_sys::pgstat_report_stat(true);
        answer
    }
}

/// Takes away what triggers of one owner may have left for those of another: settings, temporary tables.
pub fn clean() -> Result<(), Box<ServerError>> {
    run(None, || {
        // SAFETY: in a transaction, with nothing open.
        unsafe {
            pg_sys::ResetAllOptions();
            pg_sys::ResetTempTableNamespace();
        }
        Ok(())
    })
}

/// Errors that the server raised past the store's own guard, at commit above all.
fn caught<T>(work: impl FnOnce() -> Result<T, Box<ServerError>>) -> Result<T, Box<ServerError>> {
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|error| Err(raised(&error)))
        .catch_rust_panic(|error| Err(raised(&error)))
        .execute()
}

fn raised(error: &pg_sys::panic::CaughtError) -> Box<ServerError> {
    use pg_sys::panic::CaughtError;
    let (CaughtError::PostgresError(report)
    | CaughtError::ErrorReport(report)
    | CaughtError::RustPanic { ereport: report, .. }) = error;
    Box::new(ServerError {
        sqlstate: report.sql_error_code() as i32,
        message: report.message().to_owned(),
        detail: report.detail().map(str::to_owned),
        ..ServerError::default()
    })
}

/// A refusal as the error that it would have been raised as.
fn whole(failure: Failure) -> Box<ServerError> {
    match failure {
        Failure::Server(error) => error,
        Failure::Refused(refusal) | Failure::Undone(refusal) => Box::new(ServerError {
            sqlstate: sqlstate_pack(refusal.outcome.entry().sqlstate),
            message: refusal.message,
            detail: refusal.detail,
            ..ServerError::default()
        }),
    }
}
