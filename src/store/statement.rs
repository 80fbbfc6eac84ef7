//! The text of every statement: one file each, in `sql/query`.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::attachment::{Attachment, EXCLUSION, FIRST_LOOK};
use crate::rules::adopt::render::{Names, numbered, render};
use crate::rules::booking::table;
use crate::rules::hold;
use crate::rules::reconcile::finding::record;
use crate::rules::upkeep::retention;

/// Features that are a column: its feature, table and name. A schema attached by an earlier release may lack one of ours.
pub(super) const FEATURE_COLUMNS: &[(&str, &str, &CStr)] = &[
    ("history_metadata", "booking_state_history", c"metadata"),
    ("needs_tables", "holdfast_booking_statuses", c"needs_tables"),
    ("attached_at", "holdfast_booking_scans", c"attached_at"),
    ("basis", "booking_assignment_idempotency", c"basis"),
];

/// Features that are read of the catalogue by a statement. The last is a rule of the application's own that may allow a set of
/// tables one entry of a booking.
pub(super) const FEATURES_READ: [&str; 3] = [EXCLUSION, FIRST_LOOK, "table_set_key"];

/// A statement that is planned once a session and schema.
pub struct Statement {
    pub name: &'static str,
    pub text: &'static str,
    /// Does it take the locks that its text has between `--[lock` and `--]`?
    pub locks: bool,
    /// What its text calls its parameters, `:booking`; their numbers are their places.
    pub parameters: &'static [&'static str],
    pub types: &'static [pg_sys::BuiltinOid],
    /// The columns that are read of its rows.
    pub columns: &'static [&'static str],
}

/// `statement!("booking_lock", BookingLock { booking: Id })` reads `sql/query/booking_lock.sql` and makes a struct of its
/// parameters, which the text calls `:booking`. Whoever runs it gives them all: `store.run(BookingLock { booking }, …)`. With
/// `-> BookingRow` behind the parameters it has rows, whose columns `columns!` or `facts!` names.
///
/// `statement!("holds_lock" locks "holds", HoldsLock { … })` reads `sql/query/holds.sql` with its locks,
/// `statement!("holds_read" reads "holds", HoldsRead { … })` without them.
macro_rules! statement {
    ($name:literal, $($parameters:tt)*) => {
        $crate::store::statement::statement!(@ $name, $name, false, $($parameters)*);
    };
    ($name:literal locks $file:literal, $($parameters:tt)*) => {
        $crate::store::statement::statement!(@ $name, $file, true, $($parameters)*);
    };
    ($name:literal reads $file:literal, $($parameters:tt)*) => {
        $crate::store::statement::statement!(@ $name, $file, false, $($parameters)*);
    };
    (
        @ $name:literal, $file:literal, $locks:literal,
        $parameters:ident $(<$life:lifetime>)? { $($field:ident: $kind:ty),* $(,)? }
    ) => {
        $crate::store::statement::statement!(
            @ $name, $file, $locks,
            $parameters $(<$life>)? { $($field: $kind),* } -> $crate::store::columns::Nothing
        );
    };
    (
        @ $name:literal, $file:literal, $locks:literal,
        $parameters:ident $(<$life:lifetime>)? { $($field:ident: $kind:ty),* $(,)? } -> $row:ty
    ) => {
        struct $parameters $(<$life>)? {
            $($field: $kind),*
        }

        impl $(<$life>)? $crate::store::parameter::Parameters<$row> for $parameters $(<$life>)? {
            const STATEMENT: &'static $crate::store::statement::Statement = &$crate::store::statement::Statement {
                name: $name,
                text: include_str!(concat!("../../sql/query/", $file, ".sql")),
                locks: $locks,
                parameters: &[$(stringify!($field)),*],
                types: &[$(<$kind as $crate::store::parameter::Parameter>::KIND),*],
                columns: <$row as $crate::store::columns::Columns>::NAMES,
            };

            fn arguments(self) -> impl AsRef<[$crate::store::parameter::Argument]> {
                let arguments: [$crate::store::parameter::Argument; _] =
                    [$($crate::store::parameter::Parameter::argument(self.$field)),*];
                arguments
            }
        }
    };
}
pub(super) use statement;

impl Statement {
    /// Does it call a function of the application by its name?
    pub fn calls_application(&self) -> bool {
        self.name.starts_with("legacy_call_")
    }

    /// Does it say the same in every schema? Then a session plans it once.
    pub fn is_common(&self) -> bool {
        !["app.", "--[", "--<", "legacy.", "retention.", "limit."].iter().any(|word| self.text.contains(word))
    }

    /// Does it read whole tables by design?
    pub fn scans(&self) -> bool {
        const SCANS: &[&str] = &["audit_read", "probed_indexes", "agenda_", "idempotency_conflicts"];
        SCANS.iter().any(|name| self.name.starts_with(name))
    }

    /// The text for one application schema, without the parts whose tables it does not have. A comment behind the
    /// first word names the statement wherever the server shows it (pg_stat_statements drops one before it).
    /// None: the text names a parameter that it has not.
    pub fn source(&self, attachment: &Attachment) -> Option<String> {
        let present = |part: &str| if part == "lock" { self.locks } else { attachment.has(part) };
        let text = numbered(&parts(self.text, present), self.parameters)?;
        let text = named(&text, attachment);
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        Some(format!("{verb} /* holdfast.{} */ {rest}", self.name))
    }
}

/// Puts a schema in the place of `app.`, the application's enums in the place of the contract's, and leaves out what
/// is for features that it lacks.
pub fn for_schema(text: &str, attachment: &Attachment) -> String {
    named(&for_features(text, attachment), attachment)
}

fn named(text: &str, attachment: &Attachment) -> String {
    let (retention, legacy) = (ledger_retention(), attachment.legacy.as_deref().map(pgrx::spi::quote_identifier));
    let mut words: Vec<(&str, &str)> = attachment.enums.iter().map(|(ours, theirs)| (*ours, theirs.as_str())).collect();
    words.push(("retention.ledger", &retention));
    let limits: Vec<(&str, String)> = LIMITS.iter().map(|(word, seconds)| (*word, interval(*seconds))).collect();
    words.extend(limits.iter().map(|(word, interval)| (*word, interval.as_str())));
    let names = Names { schema: &attachment.quoted, legacy: legacy.as_deref().unwrap_or_default(), words };
    render(text, &names)
}

/// Limits that the rules and statements share, in seconds: statements name them.
const LIMITS: &[(&str, i64)] = &[
    ("limit.hold_grace", hold::GRACE_SECONDS),
    ("limit.hold_overdue", record::HOLD_OVERDUE_SECONDS),
    ("limit.hold_longest", record::HOLD_AT_MOST_SECONDS),
    ("limit.presence", table::PRESENCE_SECONDS),
    ("limit.table_status_stale", record::TABLE_STATUS_GRACE_SECONDS),
];

fn interval(seconds: i64) -> String {
    format!("interval '{seconds} seconds'")
}

/// How long an answer is kept, as SQL asks for it where a statement runs: a view is also read where the library is not loaded.
fn ledger_retention() -> String {
    format!(
        "pg_catalog.make_interval(days => coalesce(nullif(pg_catalog.current_setting(\
         'holdfast.ledger_retention_days', true), ''), '{}')::integer)",
        retention::LEDGER_DAYS
    )
}

/// Drops what is for features that a schema lacks.
pub fn for_features(text: &str, attachment: &Attachment) -> String {
    parts(text, |feature| attachment.has(feature))
}

/// What several statements say in the same words: `--< name` stands for it.
const FRAGMENTS: &[(&str, &str)] = &[
    ("attempt_to_retry", include_str!("../../sql/fragment/attempt_to_retry.sql")),
    ("booking_slot", include_str!("../../sql/fragment/booking_slot.sql")),
    ("replaced_allocation", include_str!("../../sql/fragment/replaced_allocation.sql")),
    ("last_version", include_str!("../../sql/fragment/last_version.sql")),
    ("booking_window", include_str!("../../sql/fragment/booking_window.sql")),
];

/// Drops what stands between `--[part` and `--]` when the part is not there; `--|` introduces what stands there instead.
fn parts(text: &str, is_there: impl Fn(&str) -> bool) -> String {
    let mut kept = String::with_capacity(text.len() + 256);
    let mut present = true;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("--< ") {
            let fragment = FRAGMENTS.iter().find(|(known, _)| *known == name).filter(|_| present);
            kept.extend(
                fragment
                    .iter()
                    .flat_map(|(_, text)| text.lines())
                    .filter(|line| !line.starts_with("--"))
                    .flat_map(|line| [line, "\n"]),
            );
        } else if let Some(part) = line.strip_prefix("--[") {
            present = is_there(part.trim());
        } else if line == "--]" {
            present = true;
        } else if let Some(instead) = line.strip_prefix("--|") {
            if !present {
                kept.push_str(instead);
                kept.push('\n');
            }
        } else if present && !line.trim_start().starts_with("--") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
