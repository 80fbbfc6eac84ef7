//! Would this confirm succeed now?

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};
use serde_json::{Value, json};

use super::argument::{self, Jsonb, Label, TimestampTz, Uuids};
use super::contract_look;
use super::native::{self, CommandResult, native_functions};
use crate::commands::preflight::{PreflightCheck, explain, explain_routed};
use crate::rules::Id;
use crate::rules::confirm::request::{Arguments, Expectation, Intent, Named};
use crate::rules::refusal::outcome::Outcome;

type PreflightRow = (
    &'static str,
    bool,
    Option<&'static str>,
    Option<String>,
    Option<String>,
    Option<Uuid>,
    Option<Uuid>,
    Option<Uuid>,
    Option<TimestampTz>,
    Option<TimestampTz>,
);

fn row(checked: &PreflightCheck) -> PreflightRow {
    let (refusal, blocker) = (checked.refusal.as_ref(), checked.blocker.as_ref());
    let id = |id: Option<Id>| id.map(argument::uuid);
    let window = blocker.and_then(|blocker| blocker.window);
    (
        checked.name,
        refusal.is_none(),
        refusal.map(|refusal| refusal.outcome.entry().name),
        refusal.map(|refusal| refusal.message.clone()).or(checked.note.map(str::to_owned)),
        refusal.and_then(|refusal| refusal.detail.clone()),
        id(blocker.map(|blocker| blocker.table)),
        id(blocker.and_then(|blocker| blocker.booking)),
        id(blocker.and_then(|blocker| blocker.hold)),
        window.map(|window| window.start().0),
        window.map(|window| window.end().0),
    )
}

fn json_row(checked: &PreflightCheck) -> Value {
    let (refusal, blocker) = (checked.refusal.as_ref(), checked.blocker.as_ref());
    let window = blocker.and_then(|blocker| blocker.window);
    json!({
        "check_name": checked.name, "passed": refusal.is_none(),
        "outcome": refusal.map(|refusal| refusal.outcome.entry().name),
        "message": refusal.map(|refusal| refusal.message.as_str()),
        "detail": refusal.and_then(|refusal| refusal.detail.as_deref()),
        "blocking_table_id": blocker.map(|blocker| blocker.table),
        "blocking_booking_id": blocker.and_then(|blocker| blocker.booking),
        "blocking_hold_id": blocker.and_then(|blocker| blocker.hold),
        "blocking_start_at": window.map(|window| window.start().to_string()),
        "blocking_end_at": window.map(|window| window.end().to_string()),
    })
}

/// Explains a confirm by hold, or by tables where no hold is given.
#[pg_extern(sql = false)]
fn contract_explain_confirm(
    p_booking_id: Option<Uuid>,
    p_hold_id: Option<Uuid>,
    p_table_ids: Option<Uuids>,
    p_idempotency_key: Option<String>,
    p_require_adjacency: Option<bool>,
    p_assigned_by: Option<Uuid>,
    p_start_at: Option<TimestampTz>,
    p_end_at: Option<TimestampTz>,
    p_expected_policy_version: Option<String>,
    p_expected_adjacency_hash: Option<String>,
    p_target_status: Option<Label>,
    p_history_reason: Option<String>,
    p_history_metadata: Option<Jsonb>,
    p_history_changed_by: Option<Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> TableIterator<
    'static,
    (
        name!(check_name, &'static str),
        name!(passed, bool),
        name!(outcome, Option<&'static str>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(blocking_table_id, Option<Uuid>),
        name!(blocking_booking_id, Option<Uuid>),
        name!(blocking_hold_id, Option<Uuid>),
        name!(blocking_start_at, Option<TimestampTz>),
        name!(blocking_end_at, Option<TimestampTz>),
    ),
> {
    let arguments = Arguments {
        intent: Intent::Confirm,
        booking: argument::id(p_booking_id),
        named: named(p_hold_id, p_table_ids),
        key: p_idempotency_key,
        start: argument::instant(p_start_at),
        end: argument::instant(p_end_at),
        require_adjacency: p_require_adjacency,
        actor: argument::id(p_assigned_by),
        target: argument::label(p_target_status),
        history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
        expectation: Expectation {
            policy_version: p_expected_policy_version,
            adjacency_hash: p_expected_adjacency_hash,
        },
    };
    let rows = contract_look(fcinfo, |store| explain_routed(store, arguments));
    argument::rows(rows.iter().map(row).collect())
}

fn named(hold: Option<Uuid>, tables: Option<Uuids>) -> Named {
    argument::id(hold).map_or_else(|| Named::Tables(argument::ids(tables)), |hold| Named::Hold(Some(hold)))
}

native_functions! {
    /// The native form of `explain_confirm`.
    fn native_explain_confirm(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_hold_id: Option<Uuid>,
        p_table_ids: Option<Uuids>,
        p_idempotency_key: Option<String>,
        p_require_adjacency: Option<bool>,
        p_assigned_by: Option<Uuid>,
        p_start_at: Option<TimestampTz>,
        p_end_at: Option<TimestampTz>,
        p_expected_policy_version: Option<String>,
        p_expected_adjacency_hash: Option<String>,
        p_target_status: Option<String>,
        p_history_reason: Option<String>,
        p_history_metadata: Option<Jsonb>,
        p_history_changed_by: Option<Uuid>,
    ) {
        let arguments = Arguments {
            intent: Intent::Confirm,
            booking: argument::id(p_booking_id),
            named: named(p_hold_id, p_table_ids),
            key: p_idempotency_key.clone(),
            start: argument::instant(p_start_at),
            end: argument::instant(p_end_at),
            require_adjacency: p_require_adjacency,
            actor: argument::id(p_assigned_by),
            target: p_target_status,
            history: argument::history(p_history_changed_by, p_history_reason, p_history_metadata),
            expectation: Expectation {
                policy_version: p_expected_policy_version,
                adjacency_hash: p_expected_adjacency_hash,
            },
        };
        native::answered_look(p_schema, p_idempotency_key, |store| {
            Ok(CommandResult::now(Outcome::Explained, explain(store, arguments)?.iter().map(json_row).collect()))
        })
    }
}
