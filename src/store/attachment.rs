//! Which schema a call is about, and which of the optional tables it has. [unsafe]

use std::ffi::{CStr, CString};

use pgrx::pg_sys;

use crate::rules::outcome::Outcome;
use crate::rules::refusal::Refusal;

/// Tables that an application may go without, by the name of the feature they carry.
const OPTIONAL: &[(&str, &str)] = &[
    ("adjacency", "table_adjacencies"),
    ("slots", "booking_slots"),
    ("results", "booking_confirmation_results"),
    ("outbox", "capacity_outbox"),
    ("forgotten", "holdfast_forgotten"),
];

/// Tables that a confirm cannot do without.
const REQUIRED: &[&str] = &[
    "restaurants",
    "zones",
    "table_inventory",
    "bookings",
    "booking_state_history",
    "table_holds",
    "table_hold_members",
    "allocations",
    "booking_table_assignments",
    "booking_assignment_idempotency",
];

/// How the outbox calls its events: by number, or by UUID.
const OUTBOX_BIGINT: &str = "outbox_bigint";
const OUTBOX_UUID: &str = "outbox_uuid";

/// The feature of a schema whose assignments exclude each other by a constraint of their own.
pub const EXCLUSION: &str = "assignment_exclusion";

/// What attach leaves behind in the schema: one row a feature that was there then.
pub const RECORD: &str = "holdfast_attachment";

/// An application schema as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub oid: pg_sys::Oid,
    pub name: String,
    /// As SQL names it.
    pub quoted: String,
    pub attached: bool,
    features: Vec<String>,
    missing: Vec<&'static str>,
    /// Relations whose change makes this stale.
    watched: Vec<u32>,
}

impl Attachment {
    /// Looks into the catalogue caches; no statement is run. Features are those of the record, read by the caller.
    pub fn find(oid: pg_sys::Oid) -> Result<Attachment, Refusal> {
        let name = namespace_name(oid)
            .ok_or_else(|| Refusal::new(Outcome::NotAttached, format!("No schema has the OID {}", oid.to_u32())))?;
        let quoted = pgrx::spi::quote_identifier(&name);
        let optional = OPTIONAL.iter().map(|(_, table)| *table);
        let known = REQUIRED.iter().copied().chain(optional).chain([RECORD]);
        let watched = known.filter_map(|table| relation(oid, table)).collect();
        let missing = REQUIRED.iter().filter(|table| relation(oid, table).is_none()).copied().collect();
        let attached = relation(oid, RECORD).is_some();
        Ok(Attachment { oid, name, quoted, attached, features: Vec::new(), missing, watched })
    }

    /// A feature that was there when the schema was attached has to be there still: an event that has nowhere to
    /// go would be lost without a word (F24).
    pub fn with_features(mut self, features: Vec<String>) -> Attachment {
        let gone = OPTIONAL.iter().filter(|(feature, table)| {
            features.iter().any(|recorded| recorded == feature) && relation(self.oid, table).is_none()
        });
        self.missing.extend(gone.map(|(_, table)| *table));
        self.features = features;
        self
    }

    /// The optional features that the schema has the tables for, now.
    pub fn features_present(&self) -> Vec<&'static str> {
        let present = OPTIONAL.iter().filter(|(_, table)| relation(self.oid, table).is_some());
        let numbered = self.outbox_id().map(|kind| if kind == pg_sys::UUIDOID { OUTBOX_UUID } else { OUTBOX_BIGINT });
        present.map(|(feature, _)| *feature).chain(numbered).collect()
    }

    /// The schema with the features that it has the tables for, before they are recorded.
    pub fn with_present(&self) -> Attachment {
        let features = self.features_present().into_iter().map(str::to_owned).collect();
        Attachment { features, ..self.clone() }
    }

    /// The type of the outbox's ids, if there is an outbox.
    fn outbox_id(&self) -> Option<pg_sys::Oid> {
        let outbox = pg_sys::Oid::from_u32(relation(self.oid, "capacity_outbox")?);
        // SAFETY: both read the syscache; the name is a literal.
        let kind = unsafe { pg_sys::get_atttype(outbox, pg_sys::get_attnum(outbox, c"id".as_ptr())) };
        Some(kind)
    }

    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|recorded| recorded == feature)
    }

    pub fn lacks(&self, table: &str) -> bool {
        relation(self.oid, table).is_none()
    }

    pub fn watches(&self, relation: u32) -> bool {
        self.watched.contains(&relation)
    }

    /// Refuses a schema that lacks a table, naming what it lacks.
    pub fn check_tables(&self) -> Result<(), Refusal> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let missing = self.missing.join(", ");
        Err(Refusal::new(Outcome::NotAttached, format!("Schema {} does not have the tables of a booking", self.quoted))
            .detail(format!("Missing: {missing}"))
            .hint(format!(
                "{}: Create these tables (holdfast.create_reference_schema does, for a new application), then attach the schema.",
                Outcome::NotAttached.entry().code
            )))
    }

    /// Refuses a schema that was never attached, or that lost a table since.
    pub fn check(&self) -> Result<(), Refusal> {
        self.check_tables()?;
        if self.attached {
            return Ok(());
        }
        Err(Refusal::new(Outcome::NotAttached, format!("Schema {} is not attached", self.quoted)))
    }
}

fn namespace_name(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: returns null or a palloc'd, NUL-terminated name.
    unsafe {
        let name = pg_sys::get_namespace_name(oid);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

fn relation(schema: pg_sys::Oid, table: &str) -> Option<u32> {
    let table = CString::new(table).ok()?;
    // SAFETY: reads the syscache; the name lives through the call.
    let relation = unsafe { pg_sys::get_relname_relid(table.as_ptr(), schema) };
    (relation != pg_sys::InvalidOid).then(|| relation.to_u32())
}

/// The schema that a function lives in: a wrapper finds its application by its own identity, so that renaming
/// the schema works.
pub fn schema_of_function(call: pg_sys::FunctionCallInfo) -> pg_sys::Oid {
    // SAFETY: the server fills in flinfo for every call that it makes.
    unsafe { pg_sys::get_func_namespace((*(*call).flinfo).fn_oid) }
}

pub fn namespace_oid(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: reads the syscache; the name lives through the call. A missing schema is InvalidOid.
    let oid = unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}
