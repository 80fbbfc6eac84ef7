//! The worker's progress, for the views `holdfast.stat_worker` and `holdfast.stat_tasks`.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::argument::{self, Jsonb, TimestampTz};
use crate::commands::worker_status::{Status, TaskStatus, task_status, worker_status};

/// One row for each database that the worker knows of.
#[pg_extern(sql = false)]
fn native_worker_status() -> TableIterator<
    'static,
    (
        name!(database_id, pg_sys::Oid),
        name!(pid, Option<i32>),
        name!(schema_id, Option<pg_sys::Oid>),
        name!(task, Option<&'static str>),
        name!(attached_schemas, i32),
        name!(skipped_schemas, i32),
        name!(paused, Option<&'static str>),
        name!(runs, i64),
        name!(more, bool),
        name!(failures, i32),
        name!(errors, i64),
        name!(last_error, Option<String>),
        name!(started_at, Option<TimestampTz>),
        name!(finished_at, Option<TimestampTz>),
        name!(next_run_at, Option<TimestampTz>),
        name!(done, Jsonb),
    ),
> {
    let row = |status: Status| {
        (
            pg_sys::Oid::from_u32(status.database),
            status.pid,
            status.schema.map(pg_sys::Oid::from_u32),
            status.task,
            status.schemas,
            status.skipped,
            status.paused,
            status.runs,
            status.more,
            status.failures,
            status.errors,
            status.last_error,
            status.started_at,
            status.finished_at,
            status.next_at,
            Jsonb(status.done.into()),
        )
    };
    argument::rows(worker_status().into_iter().map(row).collect())
}

/// One row for each task of each attached schema.
#[pg_extern(sql = false)]
fn native_task_status() -> TableIterator<
    'static,
    (
        name!(database_id, pg_sys::Oid),
        name!(schema_id, pg_sys::Oid),
        name!(task, &'static str),
        name!(paused, Option<&'static str>),
        name!(last_run, Option<TimestampTz>),
        name!(last_error, Option<String>),
        name!(last_error_at, Option<TimestampTz>),
        name!(next_run, Option<TimestampTz>),
        name!(runs, i64),
        name!(failures, i64),
    ),
> {
    let row = |status: TaskStatus| {
        (
            pg_sys::Oid::from_u32(status.database),
            pg_sys::Oid::from_u32(status.schema),
            status.task,
            status.paused,
            status.last_run.map(|at| at.0),
            status.last_error,
            status.last_error_at.map(|at| at.0),
            status.next_run.map(|at| at.0),
            status.runs,
            status.failures,
        )
    };
    argument::rows(task_status().into_iter().map(row).collect())
}
