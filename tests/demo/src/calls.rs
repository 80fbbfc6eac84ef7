//! The contract's functions as a service calls them, and what a refusal looks like from there.

use chrono::{DateTime, Utc};
use postgres::{Client, Row, Statement};
use uuid::Uuid;

/// One row of a confirm's answer. A confirm by tables does not name the assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Seat {
    pub assignment_id: Option<Uuid>,
    pub table_id: Uuid,
    pub start_at: DateTime<Utc>,
    pub end_at: DateTime<Utc>,
    pub merge_group_id: Option<Uuid>,
}

#[derive(Clone, Debug)]
pub struct Refusal {
    pub sqlstate: String,
    /// holdfast's code, or the SQLSTATE where there is none.
    pub code: String,
    pub message: String,
}

#[derive(Debug)]
pub enum Trouble {
    Refused(Refusal),
    /// The session is gone; whether the call took effect is not known here.
    Lost,
}

impl Refusal {
    /// The table is taken or held: another one may be free.
    pub fn is_conflict(&self) -> bool {
        matches!(self.code.as_str(), "HF209" | "HF601" | "HF602")
    }

    /// The same call may succeed at once.
    pub fn is_retryable(&self) -> bool {
        matches!(self.sqlstate.as_str(), "40001" | "40P01" | "55P03")
    }
}

impl From<postgres::Error> for Trouble {
    fn from(error: postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) if !refusal.code().code().starts_with("57P") => Self::Refused(Refusal {
                sqlstate: refusal.code().code().to_string(),
                code: code(refusal.hint(), refusal.message(), refusal.code().code()),
                message: refusal.message().to_string(),
            }),
            _ => Self::Lost,
        }
    }
}

/// The code stands in front of the HINT, except where the contract fixes the HINT.
fn code(hint: Option<&str>, message: &str, sqlstate: &str) -> String {
    match hint.and_then(|hint| hint.split_once(':')) {
        Some((code, _)) if code.starts_with("HF") && code.len() == 5 => code.to_string(),
        _ if message.starts_with("Hold conflict prevents assignment") => "HF209".to_string(),
        _ if message.contains("idempotency mismatch") => "HF301".to_string(),
        _ => sqlstate.to_string(),
    }
}

const HOLD: &str = "select hold_id from public.hold_tables(
    p_booking_id => $1, p_table_ids => $2, p_ttl_seconds => $3)";
const CONFIRM_BY_HOLD: &str = "select assignment_id, table_id, start_at, end_at, merge_group_id
    from public.atomic_confirm_and_transition(
        p_booking_id => $1, p_hold_id => $2, p_idempotency_key => $3)";
const CONFIRM_BY_TABLES: &str = "select table_id, start_at, end_at, merge_group_id
    from public.confirm_hold_assignment_with_transition(
        p_booking_id => $1, p_table_ids => $2, p_idempotency_key => $3, p_require_adjacency => $4)";
const CANCEL: &str = "select status from public.apply_booking_state_transition(
    p_booking_id => $1, p_status => 'cancelled', p_checked_in_at => null, p_checked_out_at => null,
    p_updated_at => now(), p_history_from => 'confirmed', p_history_to => 'cancelled',
    p_history_changed_by => null, p_history_changed_at => now(), p_history_reason => 'guest_cancelled')";

/// One connection of the service, in the role that was granted the functions and nothing else.
pub struct Caller {
    client: Client,
    hold: Statement,
    confirm_by_hold: Statement,
    confirm_by_tables: Statement,
}

impl Caller {
    pub fn new(mut client: Client) -> Result<Self, postgres::Error> {
        Ok(Self {
            hold: client.prepare(HOLD)?,
            confirm_by_hold: client.prepare(CONFIRM_BY_HOLD)?,
            confirm_by_tables: client.prepare(CONFIRM_BY_TABLES)?,
            client,
        })
    }

    pub fn hold(&mut self, booking: Uuid, tables: &[Uuid], ttl_seconds: i32) -> Result<Uuid, Trouble> {
        Ok(self.client.query_one(&self.hold, &[&booking, &tables, &ttl_seconds])?.get(0))
    }

    pub fn release(&mut self, hold: Uuid) -> Result<(), Trouble> {
        self.client.query_one("select public.release_hold_and_emit(p_hold_id => $1)", &[&hold])?;
        Ok(())
    }

    pub fn confirm_by_hold(&mut self, booking: Uuid, hold: Uuid, key: &str) -> Result<Vec<Seat>, Trouble> {
        let rows = self.client.query(&self.confirm_by_hold, &[&booking, &hold, &key])?;
        Ok(rows.iter().map(|row| seat(row, Some(row.get("assignment_id")))).collect())
    }

    pub fn confirm_by_tables(&mut self, booking: Uuid, tables: &[Uuid], key: &str) -> Result<Vec<Seat>, Trouble> {
        let joined = tables.len() > 1;
        let rows = self.client.query(&self.confirm_by_tables, &[&booking, &tables, &key, &joined])?;
        Ok(rows.iter().map(|row| seat(row, None)).collect())
    }

    pub fn cancel(&mut self, booking: Uuid) -> Result<(), Trouble> {
        self.client.query_one(CANCEL, &[&booking])?;
        Ok(())
    }

    pub fn begin(&mut self) -> Result<(), Trouble> {
        Ok(self.client.batch_execute("begin")?)
    }

    pub fn commit(&mut self) -> Result<(), Trouble> {
        Ok(self.client.batch_execute("commit")?)
    }

    /// The server process of this session, and the transaction it is in.
    pub fn process_and_transaction(&mut self) -> Result<(i32, String), Trouble> {
        let row = self.client.query_one("select pg_backend_pid(), pg_current_xact_id()::text", &[])?;
        Ok((row.get(0), row.get(1)))
    }
}

fn seat(row: &Row, assignment_id: Option<Uuid>) -> Seat {
    Seat {
        assignment_id,
        table_id: row.get("table_id"),
        start_at: row.get("start_at"),
        end_at: row.get("end_at"),
        merge_group_id: row.get("merge_group_id"),
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn the_code_is_read_from_the_hint_or_the_contracts_text() {
        assert_eq!(code(Some("HF202: Take a new hold."), "Hold x expired", "P0001"), "HF202");
        assert_eq!(code(Some("Retry after"), "Hold conflict prevents assignment for x", "P0001"), "HF209");
        assert_eq!(code(Some("[{\"field\":1}]"), "f idempotency mismatch for x", "P0003"), "HF301");
        assert_eq!(code(None, "deadlock detected", "40P01"), "40P01");
    }
}
