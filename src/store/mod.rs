//! The only layer that speaks SPI: the application's own tables, in the types of the rules.

mod apply;
mod attachment;
mod attempt;
mod attribute;
mod audit;
mod auto_assign;
mod backfill;
pub mod batch;
mod blocker_probe;
mod booking;
mod booking_write;
mod catalogue;
mod client;
mod columns;
mod drift;
mod grants;
mod guard;
mod held_rows;
mod hold;
mod hold_write;
pub mod hooks;
pub mod idempotency;
mod jsonb;
mod labels;
mod ledger;
mod ledger_write;
mod legacy;
mod legacy_call;
mod memory;
mod observation;
pub mod outbox;
mod parameter;
mod path;
mod plan;
mod plan_cache;
mod probe;
mod quarantine;
mod read_ahead;
mod registry;
pub mod rehearsal;
mod removal;
mod repair;
pub mod rights;
mod row;
mod row_lock;
mod scan_bookings;
mod scan_commits;
pub mod schema;
mod server;
mod shadow;
pub mod snapshot;
mod snapshot_probe;
mod statement;
mod story;
mod table;
mod table_write;
mod time_limit;
mod undo;
pub mod upkeep;
mod visible;
mod writer;

use std::rc::Rc;

use pgrx::pg_sys;

pub use attachment::{schema_of_function, schema_of_relation};
pub use attempt::Ending;
pub use booking::{Landed, Landing};
pub use catalogue::server_facts;
pub use hold::NewHold;
pub use jsonb::Jsonb;
pub use labels::enum_label;
pub use legacy_call::GivenMove;
pub use plan_cache::forget;
pub use server::relation_changed;
pub use shadow::Seen;
pub use time_limit::Ended;
pub use undo::TakingBack;

use crate::rules::Id;
use crate::rules::refusal::failure::Failure;
use attachment::Attachment;
use columns::{Columns, Nothing};
use parameter::{Ids, Parameters};
use plan::Connection;
use row::Row;

/// One call's view of one application schema.
pub struct Store {
    connection: Connection,
    attachment: Rc<Attachment>,
}

impl Store {
    /// Opens an attached schema.
    pub fn open(schema: pg_sys::Oid) -> Result<Store, Failure> {
        let store = Store::open_unchecked(schema)?;
        store.attachment.check()?;
        Ok(store)
    }

    /// Opens any schema, to look at it.
    pub fn open_anyhow(schema: pg_sys::Oid) -> Result<Store, Failure> {
        Store::open_unchecked(schema)
    }

    fn open_unchecked(schema: pg_sys::Oid) -> Result<Store, Failure> {
        let connection = Connection::open();
        let attachment = connection.attachment(schema)?;
        Ok(Store { connection, attachment })
    }

    /// Refuses a schema that was never attached; what it may have lost since does not matter.
    pub fn check_attached(&self) -> Result<(), Failure> {
        Ok(self.attachment.check_record()?)
    }

    /// Refuses a schema that lacks something that ours works on.
    pub fn check_whole(&self) -> Result<(), Failure> {
        Ok(self.attachment.check()?)
    }

    /// Did somebody rename the schema while the call was at work? Statements name it: some of them may have met another.
    pub fn is_renamed(&self) -> bool {
        attachment::namespace_name(self.attachment.oid).as_deref() != Some(self.schema())
    }

    /// What the session knows of the schema is read again at its next call.
    pub fn doubt(&self) {
        plan_cache::doubt(self.attachment.oid);
    }

    /// The schema's name, as the server names it in its errors.
    pub fn schema(&self) -> &str {
        &self.attachment.name
    }

    fn run<C: Columns, P: Parameters<C>, T>(
        &self,
        parameters: P,
        read: impl FnMut(&Row<C>) -> T,
    ) -> Result<Vec<T>, Failure> {
        self.connection.run(parameters, read)
    }

    /// How many rows the statement wrote.
    fn write<P: Parameters<Nothing>>(&self, parameters: P) -> Result<i64, Failure> {
        self.connection.write(parameters)
    }

    /// The same, of a statement about rows; none are no work.
    fn write_ids<P: Parameters<Nothing>>(&self, ids: &[Id], statement: impl FnOnce(Ids) -> P) -> Result<i64, Failure> {
        if ids.is_empty() { Ok(0) } else { self.write(statement(parameter::ids(ids))) }
    }

    fn at_once<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        self.connection.at_once(work)
    }
}
