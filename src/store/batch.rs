//! Many confirms in one call: their locks, all of them before the first is at work, and memory an item.

use std::rc::Rc;

use super::Store;
use super::parameter::{self, Ids};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::attempt;
use crate::rules::refusal::failure::Failure;

statement!("batch_bookings_lock", BatchBookingsLock { bookings: Ids });
statement!("batch_holds_lock", BatchHoldsLock { bookings: Ids, holds: Ids });
statement!("batch_tables_lock", BatchTablesLock { bookings: Ids, holds: Ids, tables: Ids });

/// What many confirms are about.
#[derive(Debug, Default)]
pub struct ToLock<'a> {
    pub keys: Vec<(Id, &'a str)>,
    pub bookings: Vec<Id>,
    pub holds: Vec<Id>,
    pub tables: Vec<Id>,
}

impl Store {
    /// Marks the attempts as running, then locks bookings, holds and tables: each kind by id, in the order of a single
    /// confirm, so that neither can deadlock with another.
    pub fn batch_lock(&self, wanted: &ToLock) -> Result<(), Failure> {
        for number in attempt::lock_numbers(self.number(), &wanted.keys) {
            super::server::lock_shared(number);
        }
        let (bookings, holds) = (|| parameter::ids(&wanted.bookings), || parameter::ids(&wanted.holds));
        self.run(BatchBookingsLock { bookings: bookings() }, |_| ())?;
        self.run(BatchHoldsLock { bookings: bookings(), holds: holds() }, |_| ())?;
        let tables = parameter::ids(&wanted.tables);
        self.run(BatchTablesLock { bookings: bookings(), holds: holds(), tables }, |_| ())?;
        Ok(())
    }

    /// Does the work of one item, after a look whether somebody cancelled the call. What the server allocates for it is given
    /// back at its end.
    pub fn for_item<T>(&self, work: impl FnOnce(&Store) -> T) -> T {
        pgrx::check_for_interrupts!();
        let item = Store { connection: self.connection.nested(), attachment: Rc::clone(&self.attachment) };
        let done = work(&item);
        self.connection.fails_with(&item.connection);
        done
    }
}
