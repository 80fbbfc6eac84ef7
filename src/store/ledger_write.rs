//! How an answer is bound to its key, and kept for services beside it: directly, or by the statement beside each.

use super::Store;
use super::ledger::EntryByKey;
use super::parameter::{self, EnumLabel, Ids};
use super::probe::{NotDirect, Reader};
use super::row::TransactionNumber;
use super::statement::statement;
use super::table_write::WrittenFor;
use super::writer::written;
use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!(
    "ledger_bind",
    LedgerBind<'a> {
        booking: Id,
        key: &'a str,
        tables: Ids,
        start: Instant,
        end: Instant,
        merge_group: Option<Id>,
        table_set_hash: &'a str,
        checksum: &'a str,
        kept_until: Instant,
        now: Instant,
        outcome: &'a str,
        request: Json,
        assignments: Ids,
        hold: Option<Id>,
        basis: Json,
    }
);
written!(
    upsert "booking_assignment_idempotency",
    NewEntry<'a> {
        booking_id: Id,
        idempotency_key: &'a str,
        table_ids: Ids,
        assignment_window: Window,
        merge_group_allocation_id: Option<Id>,
        table_set_hash: &'a str,
        payload_checksum: &'a str,
        expires_at: Instant,
        created_at: Instant,
        outcome: EnumLabel<'a>,
        request: Json,
        refusal: Option<Json>,
        assignment_ids: Ids,
        hold_id: Option<Id>,
        transaction_id: TransactionNumber,
        basis: Json,
    }
);
statement!(
    "result_add",
    ResultAdd<'a> {
        booking: Id,
        key: &'a str,
        hold: Option<Id>,
        restaurant: Id,
        tables: Ids,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
        metadata: Json,
        now: Instant,
    }
);
written!(
    insert "booking_confirmation_results",
    NewResult<'a> {
        booking_id: Id,
        idempotency_key: &'a str,
        hold_id: Option<Id>,
        restaurant_id: Id,
        table_ids: Ids,
        assignment_window: Window,
        actor_id: Option<Id>,
        metadata: Json,
        created_at: Instant,
    }
);

/// An answer that is bound to its key.
pub(super) struct BoundAnswer<'a> {
    pub key: &'a str,
    pub tables: &'a [Id],
    pub merge_group: Option<Id>,
    pub table_set_hash: &'a str,
    pub checksum: &'a str,
    pub kept_until: Instant,
    pub outcome: &'a str,
    pub request: Json,
    pub assignments: &'a [Assignment],
    pub hold: Option<Id>,
    pub basis: Json,
}

impl Store {
    /// Binds the key to its answer, in the place of a refusal if there is one; how many rows.
    pub(super) fn ledger_bind(&self, given: &WrittenFor, answered: BoundAnswer) -> Result<i64, Failure> {
        let WrittenFor { booking, window, now, .. } = *given;
        let BoundAnswer { key, tables, merge_group, table_set_hash, checksum, kept_until, outcome, hold, .. } =
            answered;
        let assignments = || parameter::ids(answered.assignments.iter().map(|row| &row.id));
        let has = |feature| self.attachment.has(feature);
        if has("basis") && !has("table_set_key") {
            let bound = self.connection.write_directly(|reader| {
                is_unbound(reader, booking, key)?;
                let row = NewEntry {
                    booking_id: booking,
                    idempotency_key: key,
                    table_ids: parameter::ids(tables),
                    assignment_window: window,
                    merge_group_allocation_id: merge_group,
                    table_set_hash,
                    payload_checksum: checksum,
                    expires_at: kept_until,
                    created_at: now,
                    outcome: EnumLabel(outcome),
                    request: answered.request.clone(),
                    refusal: None,
                    assignment_ids: assignments(),
                    hold_id: hold,
                    transaction_id: TransactionNumber(self.numbered_transaction()),
                    basis: answered.basis.clone(),
                };
                reader.insert_all([row])
            })?;
            if let Some(bound) = bound {
                return Ok(bound);
            }
        }
        self.write(LedgerBind {
            booking,
            key,
            tables: parameter::ids(tables),
            start: window.start(),
            end: window.end(),
            merge_group,
            table_set_hash,
            checksum,
            kept_until,
            now,
            outcome,
            request: answered.request,
            assignments: assignments(),
            hold,
            basis: answered.basis,
        })
    }

    /// Keeps what services read beside the answer; how many rows.
    pub(super) fn result_add(
        &self,
        given: &WrittenFor,
        (key, hold): (&str, Option<Id>),
        tables: &[Id],
        metadata: Json,
    ) -> Result<i64, Failure> {
        let WrittenFor { booking, restaurant, window, actor, now, .. } = *given;
        let (start, end) = (window.start(), window.end());
        let row = NewResult {
            booking_id: booking,
            idempotency_key: key,
            hold_id: hold,
            restaurant_id: restaurant,
            table_ids: parameter::ids(tables),
            assignment_window: window,
            actor_id: actor,
            metadata: metadata.clone(),
            created_at: now,
        };
        let added = self.connection.write_directly(|reader| reader.insert_all([row]))?;
        if let Some(added) = added {
            return Ok(added);
        }
        let tables = parameter::ids(tables);
        self.write(ResultAdd { booking, key, hold, restaurant, tables, start, end, actor, metadata, now })
    }
}

/// A refusal under the key is replaced by a statement.
fn is_unbound(reader: &Reader, booking: Id, key: &str) -> Result<(), NotDirect> {
    let entries = reader.rows(EntryByKey { booking_id: booking, idempotency_key: key }, |_| ())?;
    if entries.is_empty() { Ok(()) } else { Err(NotDirect::Rare) }
}
