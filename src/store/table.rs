//! Tables: locked in order of id, and their status of now.

use std::collections::BTreeMap;

use super::Store;
use super::parameter::{self, Ids, Parameters};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::table::{self, Table};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

statement!("tables_lock" locks "tables", TablesLock { booking: Option<Id>, hold: Option<Id>, asked: Ids });
statement!("tables_read" reads "tables", TablesRead { booking: Option<Id>, hold: Option<Id>, asked: Ids });
statement!("booking_tables_read", BookingTablesRead { booking: Id, now: Instant });
statement!("table_status_refresh", TableStatusRefresh { tables: Ids, now: Instant });

/// Tables that were locked, and which of them are members of the named hold.
pub struct LockedTables {
    pub tables: BTreeMap<Id, Table>,
    pub members: Vec<Id>,
}

impl Store {
    /// Locks the asked tables, those of the hold and those that the booking has.
    pub fn tables_lock(&self, booking: Option<Id>, hold: Option<Id>, asked: &[Id]) -> Result<LockedTables, Failure> {
        self.tables(TablesLock { booking, hold, asked: parameter::ids(asked) })
    }

    /// The same, without a lock.
    pub fn tables_read(&self, booking: Option<Id>, hold: Option<Id>, asked: &[Id]) -> Result<LockedTables, Failure> {
        self.tables(TablesRead { booking, hold, asked: parameter::ids(asked) })
    }

    fn tables(&self, parameters: impl Parameters) -> Result<LockedTables, Failure> {
        let mut locked = LockedTables { tables: BTreeMap::new(), members: Vec::new() };
        self.run(parameters, |row| {
            let id = row.id(1).unwrap_or_default();
            if row.flag(11) {
                locked.members.push(id);
            }
            let table = Table {
                id,
                restaurant: row.id(2).unwrap_or_default(),
                zone: row.id(3),
                number: row.text(4).unwrap_or_default(),
                capacity: row.number(5).unwrap_or_default(),
                min_party_size: row.number(6),
                max_party_size: row.number(7),
                active: row.flag(8),
                out_of_service: table::is_out_of_service(row.flag(9), row.flag(12), row.flag(13)),
                mobility: row.text(10).unwrap_or_default(),
            };
            locked.tables.insert(id, table);
        })?;
        Ok(locked)
    }

    /// The tables that the booking has at this moment.
    pub fn booking_tables_read(&self, booking: Id, now: Instant) -> Result<Vec<Id>, Failure> {
        let rows = self.run(BookingTablesRead { booking, now }, |row| row.id(1))?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Sets the status of locked tables to that of now.
    pub fn table_status_refresh(&self, tables: &[Id], now: Instant) -> Result<(), Failure> {
        self.run(TableStatusRefresh { tables: parameter::ids(tables), now }, |_| ())?;
        Ok(())
    }
}
