//! When a task of a schema runs next.

use super::agenda::Agenda;
use super::schema_memory::SchemaMemory;
use super::task::Task;
use crate::rules::booking::window::Instant;

/// When the worker comes to a schema for a task: not before it comes to the schema, and not before the task is due there,
/// where that is known. None: when somebody writes, or as soon as it comes at all.
#[must_use]
pub fn next_run(task: Task, schema_next: Instant, known: Option<&(Agenda, SchemaMemory)>) -> Option<Instant> {
    let due = known.map_or(Instant::NEVER, |(agenda, memory)| agenda.at(task, memory));
    Some(due.max(schema_next)).filter(|at| *at != Instant::FOREVER && *at != Instant::NEVER)
}
