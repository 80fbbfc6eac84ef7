//! Which schema a call is about, and which of the optional tables it has. [unsafe]

use std::ffi::{CStr, CString, c_int};

use pgrx::pg_sys;

use super::plan_cache::{hash_of_name, hash_of_oid};
use super::statement::{FEATURE_COLUMNS, FEATURES_READ};
use crate::rules::adopt::path::path_of;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::rollout::{Legacy, Rule};
use crate::rules::schema::{RULE_TABLES, Used, used};

/// The application's own enums: how our statements write them, and the column that has the type.
const ENUMS: &[(&str, &str, &CStr)] = &[
    ("app.booking_status", "bookings", c"status"),
    ("app.hold_status", "table_holds", c"status"),
    ("app.table_status", "table_inventory", c"status"),
];

/// How the outbox calls its events: by number, or by UUID.
const OUTBOX_BIGINT: &str = "outbox_bigint";
const OUTBOX_UUID: &str = "outbox_uuid";

/// The feature of a schema whose assignments exclude each other by a constraint of their own.
pub const EXCLUSION: &str = "assignment_exclusion";

/// The feature of a schema in which an index finds who may be in the way, because a constraint keeps the windows of a table apart.
pub const FIRST_LOOK: &str = "first_look";

/// Its relation stands for the schema in what attach records.
pub const BOOKINGS: &str = "bookings";

/// By this table the owner of the bookings says that a call is only for those who see its booking themselves.
pub const ROW_SECURITY: &str = "holdfast_row_security";

/// Where the owner of the schema says who confirms.
pub const ROLLOUT: &str = "holdfast_rollout";

/// Where shadow mode writes down what the original and ours do not agree on.
pub const DISAGREEMENTS: &str = "holdfast_disagreements";

/// What attach wrote down of a schema, and who confirms in it.
#[derive(Default)]
pub struct AttachmentRecord {
    pub attached: bool,
    pub features: Vec<String>,
    pub originals: Vec<String>,
    pub legacy: Option<String>,
    pub rollout: Vec<Rule>,
    pub path: Option<String>,
}

/// An application schema as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub oid: pg_sys::Oid,
    pub name: String,
    /// As SQL names it.
    pub quoted: String,
    pub attached: bool,
    features: Vec<String>,
    missing: Vec<String>,
    /// Of the optional features, what was there when the schema was attached.
    gone: Vec<String>,
    /// What the application calls its enums, by what our statements call them.
    pub enums: Vec<(&'static str, String)>,
    /// The legacy functions that the contract's calls work on.
    pub originals: Vec<String>,
    /// The schema that attach keeps them in.
    pub legacy: Option<String>,
    /// Who confirms, as the owner of the schema says.
    pub rollout: Vec<Rule>,
    /// Relations whose change makes this stale.
    watched: Vec<u32>,
    /// Names whose appearance makes this stale, as the server's catalogue cache hashes them.
    awaited: Vec<u32>,
    /// Types whose change makes this stale, as the server's catalogue cache hashes them.
    types: Vec<u32>,
    /// The name and the path as the server takes them.
    c_name: CString,
    c_path: CString,
    recorded_path: Option<String>,
}

impl Attachment {
    /// Looks into the catalogue caches; no statement is run. What attach recorded is read by the caller.
    pub fn find(oid: pg_sys::Oid) -> Result<Attachment, Refusal> {
        let name = namespace_name(oid)
            .ok_or_else(|| Refusal::new(Outcome::NotAttached, format!("No schema has the OID {}", oid.to_u32())))?;
        let quoted = pgrx::spi::quote_identifier(&name);
        let names = || used().map(Used::table).chain(RULE_TABLES).chain([ROLLOUT, ROW_SECURITY]);
        let registry = super::registry::relation().map(|registry| registry.to_u32());
        let (c_name, own_path) = (text(&name), text(&path_of(None, &name)));
        Ok(Attachment {
            oid,
            name,
            quoted,
            attached: false,
            features: Vec::new(),
            missing: missing(oid, false),
            gone: Vec::new(),
            enums: ENUMS
                .iter()
                .filter_map(|(ours, table, column)| Some((*ours, column_type(oid, table, column)?)))
                .collect(),
            originals: Vec::new(),
            legacy: None,
            rollout: Vec::new(),
            watched: names().filter_map(|table| relation(oid, table)).chain(registry).collect(),
            awaited: names().map(|table| hash_of_name(oid, table)).collect(),
            types: ENUMS.iter().filter_map(|(_, table, column)| hash_of_type(oid, table, column)).collect(),
            c_name,
            c_path: own_path,
            recorded_path: None,
        })
    }

    /// Before the record is read: has it the rollout that a release before did not have?
    pub fn into_attached(mut self) -> Attachment {
        self.attached = true;
        self.missing = missing(self.oid, true);
        let owner = self.bookings().and_then(super::rights::owner_of);
        let rollout = relation(self.oid, ROLLOUT).map(pg_sys::Oid::from_u32).zip(owner);
        // The bookings may have got another owner, who cannot read it until attach is called again.
        if rollout.is_some_and(|(rollout, owner)| super::rights::may_read(owner, rollout)) {
            self.features.push("rollout".to_owned());
        }
        self
    }

    /// The relation that stands for the schema in what attach records.
    pub fn bookings(&self) -> Option<pg_sys::Oid> {
        relation(self.oid, BOOKINGS).map(pg_sys::Oid::from_u32)
    }

    /// With what attach recorded. A feature that was there then has to be there still: an event that has nowhere to
    /// go would be lost without a word (F24). One whose tables came later is used as well.
    pub fn with_record(mut self, record: AttachmentRecord) -> Attachment {
        let present = self.features_present();
        for used in used().filter(|used| record.features.iter().any(|feature| feature == used.feature())) {
            self.gone.extend(lacking(self.oid, used, self.attached));
        }
        self.features = present.into_iter().map(str::to_owned).collect();
        let said = FEATURES_READ.into_iter().filter(|said| record.features.iter().any(|name| name == said));
        self.features.extend(said.map(str::to_owned));
        self.originals = record.originals;
        self.legacy = record.legacy;
        self.rollout = record.rollout;
        self.c_path = text(&path_of(record.path.as_deref(), &self.name));
        self.recorded_path = record.path;
        self
    }

    /// What the application's own code finds its tables by while a statement of ours runs.
    pub fn path(&self) -> String {
        self.c_path.to_string_lossy().into_owned()
    }

    /// The name and the application's path.
    pub fn c_texts(&self) -> (&CStr, &CStr) {
        (&self.c_name, &self.c_path)
    }

    /// Do our statements for the other say the same names?
    pub fn is_named_as(&self, other: &Attachment) -> bool {
        (&self.name, &self.enums) == (&other.name, &other.enums)
    }

    /// The same attachment by other names.
    pub fn named_as(&self, other: Attachment) -> Attachment {
        Attachment {
            c_path: text(&path_of(self.recorded_path.as_deref(), &other.name)),
            name: other.name,
            quoted: other.quoted,
            c_name: other.c_name,
            enums: other.enums,
            types: other.types,
            ..self.clone()
        }
    }

    /// The optional features that the schema has the tables and columns for, now.
    pub fn features_present(&self) -> Vec<&'static str> {
        let optional = used().filter(|used| !used.feature().is_empty());
        let present = optional.filter(|used| lacking(self.oid, *used, self.attached).is_empty());
        let numbered = self.outbox_id().map(|kind| if kind == pg_sys::UUIDOID { OUTBOX_UUID } else { OUTBOX_BIGINT });
        let columns = FEATURE_COLUMNS.iter().filter(|(_, table, name)| column(self.oid, table, name).is_some());
        let columns = columns.map(|(feature, ..)| *feature);
        present.map(Used::feature).chain(numbered).chain(columns).chain(self.row_security()).collect()
    }

    /// A table of somebody else's says nothing.
    fn row_security(&self) -> Option<&'static str> {
        let owner = |table: &str| super::rights::owner_of(pg_sys::Oid::from_u32(relation(self.oid, table)?));
        owner(ROW_SECURITY).filter(|of| owner(BOOKINGS) == Some(*of)).map(|_| ROW_SECURITY)
    }

    /// The schema with the features that it has the tables for, before they are recorded.
    pub fn with_present(&self) -> Attachment {
        let features = self.features_present().into_iter().map(str::to_owned).collect();
        Attachment { features, ..self.clone() }
    }

    /// The type of the outbox's ids, if there is an outbox.
    fn outbox_id(&self) -> Option<pg_sys::Oid> {
        let (outbox, id) = column(self.oid, "capacity_outbox", c"id")?;
        // SAFETY: reads the syscache.
        Some(unsafe { pg_sys::get_atttype(outbox, id) })
    }

    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|recorded| recorded == feature)
    }

    pub fn lacks(&self, table: &str) -> bool {
        relation(self.oid, table).is_none()
    }

    /// Is there a table of this name, that belongs to the owner of the bookings?
    pub fn has_own(&self, table: &str) -> bool {
        let owner = |table: &str| {
            relation(self.oid, table).and_then(|found| super::rights::owner_of(pg_sys::Oid::from_u32(found)))
        };
        owner(table).is_some_and(|found| owner(BOOKINGS) == Some(found))
    }

    /// Attach wrote its record: every session reads it again.
    pub fn recorded(&self) {
        if let Some(bookings) = self.bookings() {
            super::server::relation_changed(bookings);
        }
    }

    pub fn watches(&self, relation: u32) -> bool {
        self.watched.contains(&relation)
    }

    /// Is one of our names among those that this hash stands for?
    pub fn awaits(&self, hash: u32) -> bool {
        self.awaited.contains(&hash)
    }

    /// Is this schema among those that the hash stands for?
    pub fn is_schema(&self, hash: u32) -> bool {
        hash_of_oid(pg_sys::SysCacheIdentifier::NAMESPACEOID, self.oid) == hash
    }

    /// Is one of our types among those that the hash stands for?
    pub fn has_type(&self, hash: u32) -> bool {
        self.types.contains(&hash)
    }

    /// Is there a legacy function to call instead? What attach recorded may have been dropped since.
    pub fn kept(&self, name: &str) -> Legacy {
        match self.legacy.as_deref().filter(|_| self.originals.iter().any(|kept| kept == name)) {
            None => Legacy::Never,
            Some(legacy) if is_function(legacy, name) => Legacy::Callable,
            Some(_) => Legacy::Gone,
        }
    }

    /// Refuses a schema that lacks a table, naming what it lacks.
    pub fn check_tables(&self) -> Result<(), Refusal> {
        self.lacks_nothing(&self.missing)
    }

    /// Refuses a schema that was never attached, or that lost something since.
    pub fn check(&self) -> Result<(), Refusal> {
        self.check_tables()?;
        self.lacks_nothing(&self.gone)?;
        self.check_record()
    }

    fn lacks_nothing(&self, missing: &[String]) -> Result<(), Refusal> {
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(Outcome::NotAttached, format!("Schema {} does not have the tables of a booking", self.quoted))
            .detail(format!("Missing: {}", missing.join(", ")))
            .hint(format!(
                "{}: Create these tables (holdfast.create_reference_schema does, for a new application), then attach the schema.",
                Outcome::NotAttached.entry().code
            )))
    }

    pub fn check_record(&self) -> Result<(), Refusal> {
        if self.attached {
            return Ok(());
        }
        Err(Refusal::new(Outcome::NotAttached, format!("Schema {} is not attached", self.quoted)))
    }
}

pub fn namespace_name(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: returns null or a palloc'd, NUL-terminated name.
    unsafe {
        let name = pg_sys::get_namespace_name(oid);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// What a schema lacks of what no call can do without.
fn missing(schema: pg_sys::Oid, attached: bool) -> Vec<String> {
    let required = used().filter(|used| used.feature().is_empty());
    required.flat_map(|used| lacking(schema, used, attached)).collect()
}

pub(super) fn relation(schema: pg_sys::Oid, table: &str) -> Option<u32> {
    let table = CString::new(table).ok()?;
    // SAFETY: reads the syscache; the name lives through the call.
    let relation = unsafe { pg_sys::get_relname_relid(table.as_ptr(), schema) };
    (relation != pg_sys::InvalidOid).then(|| relation.to_u32())
}

/// The relation and number of a column.
fn column(schema: pg_sys::Oid, table: &str, name: &CStr) -> Option<(pg_sys::Oid, pg_sys::AttrNumber)> {
    let relation = pg_sys::Oid::from_u32(relation(schema, table)?);
    // SAFETY: reads the syscache; the name lives through the call. An unknown column is number 0.
    let number = unsafe { pg_sys::get_attnum(relation, name.as_ptr()) };
    (number != 0).then_some((relation, number))
}

/// The type of a column as SQL writes it, with its schema.
fn column_type(schema: pg_sys::Oid, table: &str, name: &CStr) -> Option<String> {
    let (relation, number) = column(schema, table, name)?;
    // SAFETY: reads the syscache; the name is palloc'd and NUL-terminated.
    let text = unsafe { CStr::from_ptr(pg_sys::format_type_be_qualified(pg_sys::get_atttype(relation, number))) };
    Some(text.to_string_lossy().into_owned())
}

/// What a schema lacks of a table: the table, or columns of it.
fn lacking(schema: pg_sys::Oid, used: Used, attached: bool) -> Vec<String> {
    let Some(found) = relation(schema, used.table()) else { return vec![used.table().to_owned()] };
    // An optional table of another role would have that role's triggers run in our calls.
    let owner = |relation: u32| super::rights::owner_of(pg_sys::Oid::from_u32(relation));
    if !used.feature().is_empty() && owner(found) != relation(schema, BOOKINGS).and_then(owner) {
        return vec![format!("{} (its owner is not that of bookings)", used.table())];
    }
    let gone = used
        .required(attached)
        .into_iter()
        .filter(|wanted| CString::new(*wanted).is_ok_and(|name| column(schema, used.table(), &name).is_none()));
    gone.map(|wanted| format!("{}.{wanted}", used.table())).collect()
}

/// How the catalogue cache of types hashes a column's type.
fn hash_of_type(schema: pg_sys::Oid, table: &str, name: &CStr) -> Option<u32> {
    let (relation, number) = column(schema, table, name)?;
    // SAFETY: reads the syscache.
    let kind = unsafe { pg_sys::get_atttype(relation, number) };
    Some(hash_of_oid(pg_sys::SysCacheIdentifier::TYPEOID, kind))
}

/// As the server takes it; a name of the catalogue has no NUL.
fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// The schema that a function lives in: a wrapper finds its application by its own identity, so that renaming
/// the schema works.
pub fn schema_of_function(call: pg_sys::FunctionCallInfo) -> pg_sys::Oid {
    // SAFETY: the server fills in flinfo for every call that it makes.
    unsafe { pg_sys::get_func_namespace((*(*call).flinfo).fn_oid) }
}

/// The schema of a relation.
pub fn schema_of_relation(relation: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: reads the syscache; an unknown relation is InvalidOid.
    unsafe { pg_sys::get_rel_namespace(relation) }
}

/// The schema of this name.
pub fn namespace_oid_of(name: &str) -> Option<pg_sys::Oid> {
    namespace_oid(&CString::new(name).ok()?)
}

/// Has a schema a function of this name?
fn is_function(schema: &str, name: &str) -> bool {
    let (Some(schema), Ok(name)) = (namespace_oid_of(schema), CString::new(name)) else { return false };
    let (cache, null) = (pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as c_int, pg_sys::Datum::null());
    // SAFETY: the one key is a name that lives through the call; the list is released after its last entry is read.
    unsafe {
        let list = pg_sys::SearchSysCacheList(cache, 1, pg_sys::Datum::from(name.as_ptr()), null, null);
        let members = (*list).members.as_slice(usize::try_from((*list).n_members).unwrap_or_default());
        let found = members.iter().any(|member| {
            let function = pg_sys::GETSTRUCT(&raw mut (**member).tuple).cast::<pg_sys::FormData_pg_proc>();
            (*function).pronamespace == schema
        });
        pg_sys::ReleaseCatCacheList(list);
        found
    }
}

pub fn namespace_oid(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: reads the syscache; the name lives through the call. A missing schema is InvalidOid.
    let oid = unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}
