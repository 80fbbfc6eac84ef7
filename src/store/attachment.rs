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

/// An application schema as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub oid: pg_sys::Oid,
    pub name: String,
    /// As SQL names it.
    pub quoted: String,
    features: Vec<&'static str>,
    missing: Vec<&'static str>,
}

impl Attachment {
    /// Looks into the catalogue caches; no statement is run.
    pub fn load(oid: pg_sys::Oid) -> Result<Attachment, Refusal> {
        let name = namespace_name(oid).ok_or_else(|| {
            Refusal::new(Outcome::NotAttached, format!("Schema with OID {} does not exist", oid.to_u32()))
        })?;
        let quoted = pgrx::spi::quote_identifier(&name);
        let present = |table: &str| has_relation(oid, table);
        let features = OPTIONAL.iter().filter(|(_, table)| present(table)).map(|(feature, _)| *feature).collect();
        let missing = REQUIRED.iter().filter(|table| !present(table)).copied().collect();
        Ok(Attachment { oid, name, quoted, features, missing })
    }

    pub fn has(&self, feature: &str) -> bool {
        self.features.contains(&feature)
    }

    /// Refuses a schema that lacks a required table, naming what it lacks.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let missing = self.missing.join(", ");
        Err(Refusal::new(Outcome::NotAttached, format!("Schema {} does not have the tables of a booking", self.quoted))
            .detail(format!("Missing: {missing}"))
            .hint(format!(
                "{}: Create these tables, or call holdfast.create_reference_schema for a new application.",
                Outcome::NotAttached.entry().code
            )))
    }
}

fn namespace_name(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: returns null or a palloc'd, NUL-terminated name.
    unsafe {
        let name = pg_sys::get_namespace_name(oid);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

fn has_relation(schema: pg_sys::Oid, table: &str) -> bool {
    let Ok(table) = CString::new(table) else { return false };
    // SAFETY: reads the syscache; the name lives through the call.
    unsafe { pg_sys::get_relname_relid(table.as_ptr(), schema) != pg_sys::InvalidOid }
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
