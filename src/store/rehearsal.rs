//! What a rehearsal reads and makes, and its calls: through SQL, as the role that will call.

use pgrx::pg_sys;

use super::Store;
use super::columns::columns;
use super::legacy_call::{OnlyOurs, Running};
use super::rights::Identity;
use super::row::Row;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::adopt::rehearsal::{Act, Rights};
use crate::rules::booking::window::Instant;
use crate::rules::refusal::failure::Failure;

columns!(FoundRow { booking_id: Option<Id>, table_id: Option<Id>, start_at: Option<Instant>, end_at: Option<Instant> });
statement!("rehearsal_find", RehearsalFind { booking: Option<Id> } -> FoundRow);
columns!(SecondRow { id: Option<Id> });
statement!("rehearsal_second", RehearsalSecond { table: Id, start: Instant, end: Instant } -> SecondRow);
columns!(FloorRow { id: Option<Id>, restaurant_id: Option<Id>, party_size: Option<i32> });
columns!(AnswerTextRow { answer: Option<String> });
statement!("rehearsal_table", RehearsalTable {} -> FloorRow);
statement!("rehearsal_floor_make", RehearsalFloorMake {} -> FloorRow);
columns!(MadeRow { id: Option<Id>, start_at: Option<Instant>, end_at: Option<Instant> });
statement!("rehearsal_booking_make", RehearsalBookingMake { restaurant: Id, party_size: i32 } -> MadeRow);
columns!(TargetRow { target: Option<String>, cancelled: Option<String> });
statement!("rehearsal_rules", RehearsalRules {} -> TargetRow);
columns!(RoleRow { oid: pg_sys::Oid, name: String, owner: String, allowed: bool });
statement!("rehearsal_role", RehearsalRole<'a> { schema: pg_sys::Oid, name: Option<&'a str> } -> RoleRow);

/// What the calls of a rehearsal are about.
#[derive(Debug, Clone)]
pub struct Ground {
    pub booking: Id,
    pub table: Id,
    /// One that may be joined with it, where there is one.
    pub second: Option<Id>,
    pub start: Instant,
    pub end: Instant,
    /// Where a confirm leads.
    pub target: String,
    /// Where a cancel leads; None: no status frees tables.
    pub cancelled: Option<String>,
}

/// Who will call, and whose rights the calls have.
pub struct Caller {
    pub role: pg_sys::Oid,
    pub name: String,
    pub owner: String,
    pub schema: String,
    /// May whoever asks for the rehearsal act as that role?
    pub allowed: bool,
}

impl Caller {
    pub fn rights(&self) -> Rights<'_> {
        Rights { schema: &self.schema, owner: &self.owner, caller: &self.name }
    }
}

impl Store {
    pub fn rehearsal_caller(&self, name: Option<&str>) -> Result<Option<Caller>, Failure> {
        let rows = self.run(RehearsalRole { schema: self.oid(), name }, |row| Caller {
            role: row.oid(),
            name: row.name(),
            owner: row.owner(),
            schema: self.quoted_schema().to_owned(),
            allowed: row.allowed(),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Target and cancel, as the rules of the schema have them.
    pub fn rehearsal_rules(&self) -> Result<Option<(String, Option<String>)>, Failure> {
        let rows = self.run(RehearsalRules {}, |row| Some((row.target()?, row.cancelled())))?;
        Ok(rows.into_iter().flatten().next())
    }

    /// A booking with a free table, and its window.
    pub fn rehearsal_find(&self, booking: Option<Id>) -> Result<Option<(Id, Id, Instant, Instant)>, Failure> {
        let rows = self.run(RehearsalFind { booking }, |row| {
            Some((row.booking_id()?, row.table_id()?, row.start_at()?, row.end_at()?))
        })?;
        Ok(rows.into_iter().flatten().next())
    }

    /// A table that may be joined with another one.
    pub fn rehearsal_second(&self, table: Id, start: Instant, end: Instant) -> Result<Option<Id>, Failure> {
        let rows = self.run(RehearsalSecond { table, start, end }, |row| row.id())?;
        Ok(rows.into_iter().flatten().next())
    }

    /// A booking that is made for it, at a table that is there or is made as well.
    pub fn rehearsal_make(&self) -> Result<Option<(Id, Id, Instant, Instant)>, Failure> {
        let floor = |row: &Row<FloorRow>| Some((row.id()?, row.restaurant_id()?, row.party_size()?));
        let mut found = self.run(RehearsalTable {}, floor)?;
        if found.is_empty() {
            found = self.run(RehearsalFloorMake {}, floor)?;
        }
        let Some((table, restaurant, party)) = found.into_iter().flatten().next() else { return Ok(None) };
        let made = self.run(RehearsalBookingMake { restaurant, party_size: party }, |row| {
            Some((row.id()?, table, row.start_at()?, row.end_at()?))
        })?;
        Ok(made.into_iter().flatten().next())
    }

    /// Calls a function of the contract as a role, as a caller would: what it returns, as text. Ours answers, whatever the
    /// rollout says.
    pub fn rehearsal_call(
        &self,
        caller: &Caller,
        ground: &Ground,
        act: Act,
        hold: Option<Id>,
    ) -> Result<Vec<Option<String>>, Failure> {
        let ours = OnlyOurs::begin();
        let answer = self.rehearsal_answer(caller, ground, act, hold);
        drop(ours);
        answer
    }

    fn rehearsal_answer(
        &self,
        caller: &Caller,
        ground: &Ground,
        act: Act,
        hold: Option<Id>,
    ) -> Result<Vec<Option<String>>, Failure> {
        let from =
            if act == Act::Cancel { self.booking_read(ground.booking)?.map(|booking| booking.status) } else { None };
        let Some(text) = self.rehearsal_text(ground, act, hold, from.as_deref()) else { return Ok(vec![None]) };
        self.in_savepoint(|store| {
            let before = Identity::current();
            before.changed_to(caller.role).assume();
            let answer = store.connection.query(&text, |row: &Row<AnswerTextRow>| row.answer());
            before.assume();
            answer
        })
    }

    /// The same, but every call of the contract goes to the legacy function, where there is one.
    pub fn rehearsal_call_legacy(
        &self,
        caller: &Caller,
        ground: &Ground,
        act: Act,
        hold: Option<Id>,
    ) -> Result<Vec<Option<String>>, Failure> {
        let running = Running::begin();
        let answer = self.rehearsal_answer(caller, ground, act, hold);
        drop(running);
        answer
    }

    /// A call as SQL. None: there is nothing to call.
    fn rehearsal_text(&self, ground: &Ground, act: Act, hold: Option<Id>, from: Option<&str>) -> Option<String> {
        let schema = self.quoted_schema();
        let literal = |text: &str| pgrx::spi::quote_literal(text);
        let hold = hold.map_or_else(|| "null::uuid".to_owned(), |hold| format!("'{hold}'::uuid"));
        let second = ground.second.filter(|_| matches!(act, Act::ConfirmJoined { .. }));
        let second = second.map_or_else(String::new, |table| format!(", '{table}'::uuid"));
        let (booking, tables) =
            (format!("'{}'::uuid", ground.booking), format!("array['{}'::uuid{second}]", ground.table));
        let key = |name: &str| literal(&format!("holdfast rehearsal {name}"));
        let (start, end) = (literal(&ground.start.to_string()), literal(&ground.end.to_string()));
        let target = literal(&ground.target);
        Some(match act {
            Act::Hold => format!(
                "select c.hold_id::text as answer from {schema}.hold_tables(p_booking_id => {booking}, p_table_ids => {tables}) c"
            ),
            Act::HoldForNobody => format!(
                "select c.hold_id::text as answer from {schema}.hold_tables(p_booking_id => null::uuid, p_table_ids => {tables}, \
                 p_start_at => {start}::timestamptz, p_end_at => {end}::timestamptz) c"
            ),
            Act::ConfirmByHold { key: name } => format!(
                "select c.table_id::text as answer from {schema}.confirm_hold_assignment_tx(p_hold_id => {hold}, \
                 p_booking_id => {booking}, p_idempotency_key => {}, p_target_status => {target}) c",
                key(name)
            ),
            Act::ConfirmByTables { key: name } | Act::ConfirmJoined { key: name } => format!(
                "select c.table_id::text as answer from {schema}.confirm_hold_assignment_with_transition(\
                 p_booking_id => {booking}, p_table_ids => {tables}, p_idempotency_key => {}, \
                 p_target_status => {target}) c",
                key(name)
            ),
            Act::OtherWindow { key: name } => format!(
                "select c.table_id::text as answer from {schema}.confirm_hold_assignment_with_transition(\
                 p_booking_id => {booking}, p_table_ids => {tables}, p_idempotency_key => {}, \
                 p_start_at => {start}::timestamptz, p_end_at => {start}::timestamptz + ({end}::timestamptz - \
                 {start}::timestamptz) / 2, p_target_status => {target}) c",
                key(name)
            ),
            Act::Unassign => {
                format!(
                    "select c.table_id::text as answer from {schema}.unassign_tables_atomic(p_booking_id => {booking}) c"
                )
            }
            Act::Undo { key: name } => format!(
                "select c.outcome as answer from {schema}.undo_confirm(p_booking_id => {booking}, p_idempotency_key => {}) c",
                key(name)
            ),
            Act::Cancel => {
                let (from, to) = (literal(from?), literal(ground.cancelled.as_deref()?));
                format!(
                    "select c.status::text as answer from {schema}.apply_booking_state_transition(p_booking_id => {booking}, \
                     p_status => {to}, p_checked_in_at => null, p_checked_out_at => null, \
                     p_updated_at => pg_catalog.clock_timestamp(), p_history_from => {from}, p_history_to => {to}, \
                     p_history_changed_by => null, p_history_changed_at => pg_catalog.clock_timestamp(), \
                     p_history_reason => 'holdfast rehearsal') c"
                )
            }
            Act::Release => format!("select {schema}.release_hold_and_emit(p_hold_id => {hold})::text as answer"),
            Act::Refresh => {
                format!("select {schema}.refresh_table_status(p_table_id => '{}'::uuid)::text as answer", ground.table)
            }
        })
    }
}
