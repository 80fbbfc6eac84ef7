//! Upkeep by hand, or by pg_cron.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::native_rows;
use crate::commands::Work;
use crate::commands::upkeep::sweep;

/// One batch of every task of the worker.
#[pg_extern(sql = false)]
fn native_sweep(
    p_schema: Option<pg_sys::Oid>,
    p_batch: Option<i32>,
) -> TableIterator<
    'static,
    (name!(task, &'static str), name!(done, i64), name!(more, bool), name!(error, Option<String>)),
> {
    native_rows(
        p_schema,
        Work::Writing,
        |store| sweep(store, p_batch),
        |swept| (swept.task.name(), swept.done, swept.more, swept.error),
    )
}
