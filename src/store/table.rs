//! Tables: locked in order of id, and their status of now.

use std::collections::BTreeMap;

use super::Store;
use super::blocker_probe::{self, StatusOf};
use super::columns::{Nothing, columns};
use super::parameter::{self, EnumLabel, Ids, Parameters};
use super::probe::{self, NotDirect, Reader, probe};
use super::row::{Row, Word};
use super::snapshot_probe::EveryStatus;
use super::statement::statement;
use super::writer::written;
use crate::rules::Id;
use crate::rules::booking::table::{self, Table};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;
use crate::rules::schema::application_tables::TABLE_STATUSES;

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
// The same by probes: whose tables, and each of them.
columns!(MemberRow { table_id: Option<Id> });
probe!(all "table_hold_members", MembersOf { hold_id: Id } -> MemberRow);
columns!(AssignedRow { table_id: Option<Id> });
probe!(all "booking_table_assignments", AssignedTo { booking_id: Id } -> AssignedRow);
columns!(TableByIdRow {
    restaurant_id: Id,
    zone_id: Option<Id>,
    table_number: String,
    capacity: i32,
    min_party_size: Option<i32>,
    max_party_size: Option<i32>,
    active: bool,
    status: Word,
    mobility: Word,
});
probe!(one "table_inventory", TableById { id: Id } -> TableByIdRow);
columns!(OutOfServiceRow { id: Id, kept_out: bool, maintained: bool });
statement!("tables_out_of_service", TablesOutOfService { tables: Ids } -> OutOfServiceRow);
columns!(BookingTableRow { table_id: Option<Id> });
statement!("booking_tables_read", BookingTablesRead { booking: Id, now: Instant } -> BookingTableRow);
statement!("table_status_refresh", TableStatusRefresh { tables: Ids, now: Instant });
// What it writes, if anything.
probe!(one "holdfast_out_of_service", KeptOut { table_id: Id } -> Nothing);
written!(update "table_inventory", TableNow { status: EnumLabel<'static> });
written!(insert "holdfast_out_of_service", TableKeptOut { table_id: Id });
written!(delete "holdfast_out_of_service", TableTakenBack {});

/// A table of a row that a statement or a probe found; a probe reads its words another way.
macro_rules! table {
    ($row:ident, $id:expr, $out_of_service:expr, $mobility:expr) => {
        Table {
            id: $id,
            restaurant: $row.restaurant_id(),
            zone: $row.zone_id(),
            number: $row.table_number(),
            capacity: $row.capacity(),
            min_party_size: $row.min_party_size(),
            max_party_size: $row.max_party_size(),
            active: $row.active(),
            out_of_service: $out_of_service,
            mobility: $mobility,
        }
    };
}

/// Tables that were locked, and which of them are members of the named hold.
pub struct LockedTables {
    pub tables: BTreeMap<Id, Table>,
    pub members: Vec<Id>,
}

/// Of which booking, of which hold, and which others.
type Wanted<'a> = (Option<Id>, Option<Id>, &'a [Id]);

impl Store {
    /// Locks the asked tables, those of the hold and those that the booking has.
    pub fn tables_lock(&self, booking: Option<Id>, hold: Option<Id>, asked: &[Id]) -> Result<LockedTables, Failure> {
        self.tables((booking, hold, asked), true, || TablesLock { booking, hold, asked: parameter::ids(asked) })
    }

    /// The same, without a lock.
    pub fn tables_read(&self, booking: Option<Id>, hold: Option<Id>, asked: &[Id]) -> Result<LockedTables, Failure> {
        self.tables((booking, hold, asked), false, || TablesRead { booking, hold, asked: parameter::ids(asked) })
    }

    fn tables<P: Parameters<LockedTableRow>>(
        &self,
        wanted: Wanted,
        locks: bool,
        statement: impl FnOnce() -> P,
    ) -> Result<LockedTables, Failure> {
        let mut locked = match self.connection.directly(|reader| probe_tables(reader, wanted, locks))? {
            Some(locked) => locked,
            None => self.tables_stated(statement())?,
        };
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

    fn tables_stated(&self, parameters: impl Parameters<LockedTableRow>) -> Result<LockedTables, Failure> {
        let mut locked = LockedTables { tables: BTreeMap::new(), members: Vec::new() };
        self.run(parameters, |row| {
            let id = row.id();
            if row.held() {
                locked.members.push(id);
            }
            locked.tables.insert(id, table!(row, id, row.out_of_service(), row.mobility()));
        })?;
        Ok(locked)
    }

    /// The tables that the booking has at this moment.
    pub fn booking_tables_read(&self, booking: Id, now: Instant) -> Result<Vec<Id>, Failure> {
        let rows = self.run(BookingTablesRead { booking, now }, |row| row.table_id())?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Sets the status of locked tables to that of now.
    pub fn table_status_refresh(&self, tables: &[Id], now: Instant) -> Result<(), Failure> {
        let keeps_out = self.attachment.has("out_of_service");
        if self.connection.directly(|reader| is_as_now(reader, tables, now, keeps_out))?.is_some() {
            return Ok(());
        }
        self.run(TableStatusRefresh { tables: parameter::ids(tables), now }, |_| ())?;
        Ok(())
    }
}

/// As the statement, where it changes nothing: nobody has one of the tables now, or keeps it out of service. Who may not write what
/// the statement writes hears so, too.
fn is_as_now(reader: &Reader, tables: &[Id], now: Instant, keeps_out: bool) -> Result<(), NotDirect> {
    reader.looks_at::<_, StatusOf>()?;
    reader.looks_at::<_, EveryStatus>()?;
    reader.may_write::<_, TableNow>()?;
    if keeps_out {
        reader.may_write::<_, TableKeptOut>()?;
        reader.may_write::<_, TableTakenBack>()?;
    }
    for id in tables {
        let found = reader.rows(TableById { id: *id }, |row| {
            let status = row.status();
            let is_idle = ["available", "out_of_service"].contains(&status.among(TABLE_STATUSES)?);
            Some((row.restaurant_id(), is_idle))
        })?;
        let found: Option<Vec<_>> = found.into_iter().collect();
        for (restaurant, is_idle) in found.ok_or(NotDirect::Sql(probe::UNKNOWN_WORD))? {
            let is_kept = keeps_out && !reader.rows(KeptOut { table_id: *id }, |_| ())?.is_empty();
            if !is_idle || is_kept || !blocker_probe::is_free_at(reader, *id, restaurant, now)? {
                return Err(NotDirect::Rare);
            }
        }
    }
    Ok(())
}

/// As the statement: which tables is read once, before the first lock; each is then found by the same snapshot.
fn probe_tables(reader: &Reader, (booking, hold, asked): Wanted, locks: bool) -> Result<LockedTables, NotDirect> {
    let mut wanted: BTreeMap<Id, bool> = asked.iter().map(|id| (*id, false)).collect();
    if let Some(hold) = hold {
        let members = reader.rows(MembersOf { hold_id: hold }, |row| row.table_id())?;
        wanted.extend(members.into_iter().flatten().map(|id| (id, true)));
    } else {
        reader.looks_at::<_, MembersOf>()?;
    }
    if let Some(booking) = booking {
        for id in reader.rows(AssignedTo { booking_id: booking }, |row| row.table_id())?.into_iter().flatten() {
            wanted.entry(id).or_default();
        }
    } else {
        reader.looks_at::<_, AssignedTo>()?;
    }
    if locks && wanted.is_empty() {
        reader.locks_in::<_, TableById>()?;
    }
    let mut locked = LockedTables { tables: BTreeMap::new(), members: Vec::new() };
    for (id, held) in wanted {
        let read = |row: &Row<TableByIdRow>| {
            let out_of_service = row.status().among(TABLE_STATUSES)? == "out_of_service";
            Some(table!(row, id, out_of_service, row.mobility().0))
        };
        let key = TableById { id };
        let found = if locks { reader.locked(key, read)? } else { reader.rows(key, read)? };
        let found: Option<Vec<Table>> = found.into_iter().collect();
        let found = found.ok_or(NotDirect::Sql(probe::UNKNOWN_WORD))?;
        locked.members.extend((held && !found.is_empty()).then_some(id));
        locked.tables.extend(found.into_iter().map(|table| (id, table)));
    }
    Ok(locked)
}
