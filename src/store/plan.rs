//! Kept plans and the SPI connection. [unsafe]

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::rc::Rc;

use pgrx::pg_sys;

use super::attachment::{Attachment, AttachmentRecord};
use super::columns::{self, Columns, Nothing, facts};
use super::guard::{self, SnapshotMode, internal, unread, without_column};
use super::held_rows::HeldRows;
use super::hooks::{Announced, Reached, items};
use super::parameter::{Argument, Parameters};
use super::plan_cache::{self, Known, Plan};
use super::rights::{self, Work};
use super::row::{self, Row, Unreadable};
use super::statement::{Statement, statement};
use crate::rules::Id;
use crate::rules::adopt::path;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_unpack};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::rollout::{Mode, Rule};

facts!(AttachmentFact {
    "attached" Attached {}
    "feature" Feature { name: String = name }
    "legacy" Legacy { function: String = name, schema: String = value, callable: Option<i32> = number }
    "rollout" Rollout { restaurant: Option<Id> = id, mode: String = value, percentage: i32 = number }
});
statement!("attachment_read", AttachmentRead { schema: pg_sys::Oid } -> AttachmentFact);

/// A connection to SPI, ended when dropped unless an error ended it.
pub struct Connection {
    failed: Cell<bool>,
    pub(super) snapshot_mode: Cell<SnapshotMode>,
    /// AFTER triggers wait for the end of what is written at once.
    pub(super) triggers_wait: Cell<bool>,
    /// The schema that it works in. Held while its plans run.
    kept: RefCell<Option<Rc<Known>>>,
    /// The rows that nobody takes away before the transaction ends, as far as this call knows.
    pub(super) held: Rc<HeldRows>,
}

impl Connection {
    pub fn open() -> Connection {
        Connection::knowing(SnapshotMode::Latest, None)
    }

    fn knowing(snapshot_mode: SnapshotMode, kept: Option<Rc<Known>>) -> Connection {
        // SAFETY: connects; ended in drop, or by the server when the transaction aborts.
        unsafe { pg_sys::SPI_connect() };
        Connection {
            failed: Cell::new(false),
            snapshot_mode: Cell::new(snapshot_mode),
            triggers_wait: Cell::new(false),
            kept: RefCell::new(kept),
            held: Rc::default(),
        }
    }

    /// One more, for a part of the work: its memory is given back at its end.
    pub fn nested(&self) -> Connection {
        self.held.forget();
        Connection::knowing(self.snapshot_mode.get(), self.kept.borrow().clone())
    }

    /// What ended a connection inside this one ended it, too.
    pub fn fails_with(&self, inner: &Connection) {
        self.failed.set(self.failed.get() || inner.failed.get());
    }

    /// Works in a schema from here on: as it is known to the session, or read again after something of it changed.
    pub fn attachment(&self, schema: pg_sys::Oid) -> Result<Rc<Attachment>, Failure> {
        let kept = self.known(schema)?;
        let attachment = Rc::clone(&kept.attachment);
        self.kept.replace(Some(kept));
        Ok(attachment)
    }

    /// A schema is read when it is called, with the rights of that call, and believed only when it could be read whole:
    /// other schemas of the session, and whoever locks them, are none of this call's business.
    fn known(&self, schema: pg_sys::Oid) -> Result<Rc<Known>, Failure> {
        plan_cache::hear_of_changes();
        let before = plan_cache::find(schema);
        if let Some(kept) = before.as_ref().filter(|kept| !kept.is_stale()) {
            return Ok(Rc::clone(kept));
        }
        let since = plan_cache::changes();
        let reading = before.as_ref().map(Known::reading);
        let found = self.load(schema)?;
        if let (Some(kept), Some(reading)) = (before, reading)
            && found == *kept.attachment
        {
            reading.believe();
            return Ok(kept);
        }
        let attached = found.check().is_ok();
        let kept = Known::new(found);
        if attached {
            plan_cache::keep(&kept, since);
        } else {
            // Not attached yet, or not whole: nothing of it is watched, so nothing of it is kept.
            plan_cache::forget(schema);
        }
        Ok(kept)
    }

    /// Finds the schema and reads what attach recorded of it.
    fn load(&self, schema: pg_sys::Oid) -> Result<Attachment, Failure> {
        let found = Attachment::find(schema).inspect_err(|_| plan_cache::forget(schema))?;
        let mut record = AttachmentRecord::default();
        self.registry_read(&found, |row| note(&mut record, row))?;
        if !record.attached {
            return Ok(found);
        }
        let found = found.into_attached();
        // Not kept: the schema may have been renamed since, and a plan names it.
        // Attach and detach look, too, before they know whose rights to take.
        rights::for_schema(schema, Work::Restricted, || {
            self.run_once(&found, AttachmentRead { schema }, |row| note(&mut record, row))
        })?;
        Ok(found.with_record(record))
    }

    /// Did the catalogue change since the call looked at its schema?
    pub fn is_doubtful(&self) -> bool {
        self.kept.borrow().as_ref().is_none_or(|kept| kept.is_stale())
    }

    /// The schema that this connection works in. What the call decides by stays as it was when it began; by what name its
    /// statements call the schema and its types is looked at again after a change.
    pub(super) fn current(&self) -> Result<Rc<Known>, Failure> {
        let kept = self.kept.borrow().clone().ok_or_else(|| self.fail(internal("schema", 0)))?;
        plan_cache::hear_of_changes();
        if !kept.is_stale() {
            return Ok(kept);
        }
        let now = Attachment::find(kept.attachment.oid)?;
        if now.is_named_as(&kept.attachment) {
            return Ok(kept);
        }
        let renamed = Known::new(kept.attachment.named_as(now));
        self.kept.replace(Some(Rc::clone(&renamed)));
        Ok(renamed)
    }

    /// Runs a statement and hands over its rows.
    pub fn run<C: Columns, P: Parameters<C>, T>(
        &self,
        parameters: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, Failure> {
        let statement = P::STATEMENT;
        let kept = self.current()?;
        let plan = self.plan(&kept.attachment, Some(&kept), statement)?;
        self.execute(&kept.attachment, &plan, statement, parameters.arguments().as_ref())?;
        self.read(&kept.attachment, &plan, statement, read)
    }

    /// Runs a statement for what it does; how many rows it wrote.
    pub fn write<P: Parameters<Nothing>>(&self, parameters: P) -> Result<i64, Failure> {
        let kept = self.current()?;
        let plan = self.plan(&kept.attachment, Some(&kept), P::STATEMENT)?;
        self.execute(&kept.attachment, &plan, P::STATEMENT, parameters.arguments().as_ref())
    }

    /// Runs a statement once, without keeping its plan, unless it is that of every schema.
    pub fn run_once<C: Columns, P: Parameters<C>, T>(
        &self,
        attachment: &Attachment,
        parameters: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, Failure> {
        let plan = self.plan(attachment, None, P::STATEMENT)?;
        self.execute(attachment, &plan, P::STATEMENT, parameters.arguments().as_ref())?;
        self.read(attachment, &plan, P::STATEMENT, read)
    }

    fn plan(
        &self,
        attachment: &Attachment,
        known: Option<&Known>,
        statement: &'static Statement,
    ) -> Result<Plan, Failure> {
        if let Some(plan) = plan_cache::plan(known, statement) {
            return Ok(plan);
        }
        let plan = self.prepare(attachment, statement)?;
        plan_cache::keep_plan(known, statement, plan.clone());
        Ok(plan)
    }

    /// How many rows were read or written.
    fn execute(
        &self,
        attachment: &Attachment,
        Plan { plan, .. }: &Plan,
        statement: &'static Statement,
        arguments: &[Argument],
    ) -> Result<i64, Failure> {
        if self.triggers_wait.get() {
            // A statement that writes may run code of the application.
            self.held.forget();
        } else {
            self.held.forget_places();
        }
        let mut values: Vec<pg_sys::Datum> = arguments.iter().map(|a| a.unwrap_or(pg_sys::Datum::null())).collect();
        let nulls: Vec<c_char> = arguments.iter().map(|a| if a.is_some() { b' ' } else { b'n' } as c_char).collect();
        // SAFETY: connected by construction; the plan was prepared for these types, and whoever called holds its schema.
        let ran = unsafe {
            let announced = Announced::of(attachment, *plan, statement);
            guard::execute_plan(
                *plan,
                &mut values,
                &nulls,
                self.snapshot_mode.get(),
                !self.triggers_wait.get(),
                announced,
            )
        };
        let code = ran.map_err(|(reached, error)| match reached {
            Reached::Analysis => self.not_attached(attachment, error),
            Reached::Execution => self.fail(guard::as_seen(error)),
            Reached::OtherSchema => self.changed(attachment, "renamed or replaced", None),
        })?;
        if code < 0 {
            return Err(self.fail(internal(statement.name, code)));
        }
        // SAFETY: a number of this backend.
        Ok(unsafe { pg_sys::SPI_processed } as i64)
    }

    /// The rows of the statement that ran last.
    fn read<C: Columns, T>(
        &self,
        attachment: &Attachment,
        Plan { plan, places }: &Plan,
        statement: &'static Statement,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, Failure> {
        row::rows(places, read).map_err(|fault| self.unreadable(attachment, *plan, statement, fault))
    }

    /// Runs a script of DDL, once, without keeping a plan.
    pub fn script(&self, text: &str) -> Result<(), Failure> {
        let source = CString::new(text).map_err(|_| self.fail(internal("script", 0)))?;
        // SAFETY: connected by construction.
        let ran = unsafe { guard::execute(&source) };
        // Whoever reads the error has not written this text.
        let quoted = format!("SQL statement \"{text}\"");
        let unquoted = |context: String| context.replace(&quoted, "").trim_end().to_owned();
        ran.map_err(|error| {
            self.fail(Box::new(ServerError { context: error.context.clone().map(unquoted), ..*error }))
        })?;
        Ok(())
    }

    /// Runs one statement that belongs to no schema, without keeping a plan.
    pub fn query<C: Columns, T>(&self, text: &str, read: impl FnMut(&Row<C>) -> T) -> Result<Vec<T>, Failure> {
        self.script(text)?;
        // SAFETY: the descriptor is that of the statement that has just run.
        let places = unsafe {
            let table = pg_sys::SPI_tuptable;
            let shape = if table.is_null() { std::ptr::null_mut() } else { (*table).tupdesc };
            columns::places(shape, C::NAMES)
        };
        let places = places.map_err(|name| self.fail(without_column("query", name)))?;
        row::rows(&places, read).map_err(|_| self.fail(internal("query", 0)))
    }

    /// A plan that lives as long as the connection.
    fn prepare(&self, attachment: &Attachment, statement: &'static Statement) -> Result<Plan, Failure> {
        let source = statement.source(attachment).and_then(|source| CString::new(source).ok());
        let source = source.ok_or_else(|| self.fail(internal(statement.name, 0)))?;
        let mut types: Vec<pg_sys::Oid> = statement.types.iter().map(|kind| kind.value()).collect();
        // SAFETY: connected by construction; the types live through the call.
        let plan =
            unsafe { guard::prepare(&source, &mut types) }.map_err(|error| self.not_attached(attachment, error))?;
        if plan.is_null() {
            return Err(self.fail(internal(statement.name, 0)));
        }
        // SAFETY: a plan just prepared, and the descriptor of its rows; null: it has none.
        let places = unsafe {
            let source = items(pg_sys::SPI_plan_get_plan_sources(plan)).last();
            let shape = source.map(|source| (*source.cast::<pg_sys::CachedPlanSource>()).resultDesc);
            columns::places(shape.unwrap_or(std::ptr::null_mut()), statement.columns)
        };
        let places = places.map_err(|name| self.fail(without_column(statement.name, name)))?;
        Ok(Plan { plan, places })
    }

    /// Runs the work with other eyes.
    pub fn with_snapshot<T>(&self, snapshot_mode: SnapshotMode, work: impl FnOnce() -> T) -> T {
        let before = self.snapshot_mode.replace(snapshot_mode);
        let worked = work();
        self.snapshot_mode.set(before);
        worked
    }

    /// The subtransaction in which an error struck was rolled back: the connection, opened outside, still stands.
    pub fn survived(&self) {
        self.failed.set(false);
        self.held.forget();
    }

    pub(super) fn fail(&self, error: Box<ServerError>) -> Failure {
        self.failed.set(true);
        Failure::Server(error)
    }

    /// A statement that cannot be analysed, now or when the server does so again: the schema is not what it was attached
    /// as. Callers take 42P01 and 42883 for "not installed" and leave the atomic path for good, so they never see these
    /// from us. The next call reads the schema again.
    fn not_attached(&self, attachment: &Attachment, error: Box<ServerError>) -> Failure {
        plan_cache::doubt(attachment.oid);
        let code = sqlstate_unpack(error.sqlstate);
        // Class 42 is what names and types do not allow; a label of an enum that is gone cannot be read, either.
        let absent = (code.starts_with("42") && code != "42501") || code == "3F000" || code == "22P02";
        if code == "XX000" {
            return self.changed(attachment, "changed", Some(error.message));
        }
        if !absent {
            return self.fail(Box::new(ServerError { context: None, ..*error }));
        }
        self.failed.set(true);
        let message = format!("Schema {} lacks something that holdfast works on", attachment.quoted);
        Failure::Undone(Refusal::new(Outcome::NotAttached, message).detail(error.message))
    }

    /// Something was dropped between two looks of the server, or another schema has the name: nothing of it is read or written.
    fn changed(&self, attachment: &Attachment, how: &str, detail: Option<String>) -> Failure {
        plan_cache::doubt(attachment.oid);
        self.failed.set(true);
        let message = format!("Schema {} was {how} while a call worked in it", attachment.quoted);
        let again = format!("{}: Nothing was written. Call again.", Outcome::NotAttached.entry().code);
        Failure::Undone(Refusal { detail, ..Refusal::new(Outcome::NotAttached, message).hint(again) })
    }

    /// A column that is not of the type that it was attached with: its datum was not read.
    fn unreadable(
        &self,
        attachment: &Attachment,
        plan: pg_sys::SPIPlanPtr,
        statement: &'static Statement,
        fault: Unreadable,
    ) -> Failure {
        let Unreadable::Type { column, found, wanted } = fault else {
            return self.fail(unread(statement.name, "A row is of an unknown kind".to_owned()));
        };
        self.failed.set(true);
        let message = format!("Schema {} has a column of a type that holdfast cannot read", attachment.quoted);
        // SAFETY: the plan has just run.
        let column = unsafe { row::result_column(plan, column) };
        let found = row::type_name(found);
        let detail = format!("{column} is of type {found}; holdfast reads {wanted}");
        Failure::Undone(Refusal::new(Outcome::NotAttached, message).detail(detail).hint(format!(
            "{}: Give the column its type back, or ask holdfast.doctor what the schema needs.",
            Outcome::NotAttached.entry().code
        )))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.failed.get() {
            // SAFETY: connected in open; after an error the server ends the connection with the transaction.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

fn note(record: &mut AttachmentRecord, row: &Row<AttachmentFact>) {
    match row.fact() {
        Some(AttachmentFact::Attached {}) => record.attached = true,
        Some(AttachmentFact::Feature { name }) => match name.strip_prefix(path::RECORDED) {
            Some(path) => record.path = Some(path.to_owned()),
            None => record.features.push(name),
        },
        Some(AttachmentFact::Legacy { function, schema, callable }) => {
            record.legacy = Some(schema);
            record.originals.extend((callable == Some(1)).then_some(function));
        }
        Some(AttachmentFact::Rollout { restaurant, mode, percentage }) => record.rollout.push(Rule {
            restaurant: restaurant.filter(|restaurant| !restaurant.is_nil()),
            mode: Mode::of_label(&mode),
            percentage,
        }),
        None => {}
    }
}
