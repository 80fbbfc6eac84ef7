//! Tables: locked in order of id, and their status of now.

use std::collections::BTreeMap;

use super::Store;
use super::columns::columns;
use super::parameter::{self, Ids, Parameters};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::table::{self, Table};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

columns!(LockedTableRow {
    id: Id,
    restaurant_id: Id,
    zone_id: Option<Id>,
    table_number: String,
    capacity: i32,
    min_party_size: Option<i32>,
    max_party_size: Option<i32>,
    active: bool,
    out_of_service: bool,
    mobility: String,
    held: bool,
});
statement!(
    "tables_lock" locks "tables",
    TablesLock {
        booking: Option<Id>,
        hold: Option<Id>,
        asked: Ids,
    } -> LockedTableRow
);
statement!(
    "tables_read" reads "tables",
    TablesRead {
        booking: Option<Id>,
        hold: Option<Id>,
        asked: Ids,
    } -> LockedTableRow
);
columns!(OutOfServiceRow { id: Id, kept_out: bool, maintained: bool });
statement!("tables_out_of_service", TablesOutOfService { tables: Ids } -> OutOfServiceRow);
columns!(BookingTableRow { table_id: Option<Id> });
statement!("booking_tables_read", BookingTablesRead { booking: Id, now: Instant } -> BookingTableRow);
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

    fn tables(&self, parameters: impl Parameters<LockedTableRow>) -> Result<LockedTables, Failure> {
        let mut locked = LockedTables { tables: BTreeMap::new(), members: Vec::new() };
        self.run(parameters, |row| {
            let id = row.id();
            if row.held() {
                locked.members.push(id);
            }
            let table = Table {
                id,
                restaurant: row.restaurant_id(),
                zone: row.zone_id(),
                number: row.table_number(),
                capacity: row.capacity(),
                min_party_size: row.min_party_size(),
                max_party_size: row.max_party_size(),
                active: row.active(),
                out_of_service: row.out_of_service(),
                mobility: row.mobility(),
            };
            locked.tables.insert(id, table);
        })?;
        let marked: Vec<Id> =
            locked.tables.values().filter(|table| table.out_of_service).map(|table| table.id).collect();
        if !marked.is_empty() {
            self.run(TablesOutOfService { tables: parameter::ids(&marked) }, |row| {
                if let Some(table) = locked.tables.get_mut(&row.id()) {
                    table.out_of_service = table::is_out_of_service(true, row.kept_out(), row.maintained());
                }
            })?;
        }
        Ok(locked)
    }

    /// The tables that the booking has at this moment.
    pub fn booking_tables_read(&self, booking: Id, now: Instant) -> Result<Vec<Id>, Failure> {
        let rows = self.run(BookingTablesRead { booking, now }, |row| row.table_id())?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Sets the status of locked tables to that of now.
    pub fn table_status_refresh(&self, tables: &[Id], now: Instant) -> Result<(), Failure> {
        self.run(TableStatusRefresh { tables: parameter::ids(tables), now }, |_| ())?;
        Ok(())
    }
}
