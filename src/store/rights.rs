//! With whose rights a schema is read and written: never with a superuser's. [unsafe]
//!
//! | who calls | a function of the contract | a function of schema `holdfast` |
//! |---|---|---|
//! | a superuser | as the owner of the bookings: it is SECURITY DEFINER | as the owner of the bookings |
//! | anybody else | as the owner of the bookings | with the rights that the caller came with; `why` as the owner |
//!
//! Triggers, views in the place of tables, casts, CHECKs, policies and index expressions of a schema may mean harm; as its owner
//! they can do no more than the owner could. What only reads, and DDL, is a security-restricted operation, as the server's
//! own maintenance is: nothing can be left in the session. What writes changes the user alone, for deferred triggers have
//! to be queued. At its end they fire, still as the owner, and nothing may be left that the commit or a later statement
//! would run as the superuser. Settings are put back after both.

use std::ffi::c_int;

use pgrx::pg_sys;

use super::attachment::Attachment;
use super::columns::columns;
use super::guard;
use super::parameter::Parameters;
use super::plan::Connection;
use super::row::Row;
use super::statement::statement;
use crate::rules::adopt::path;
use crate::rules::refusal::failure::{self, Failure};

columns!(LeftBehindRow { name: String });
statement!("left_behind", LeftBehind {} -> LeftBehindRow);

/// What is done in a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Looks, or makes and changes objects.
    Restricted,
    /// Changes rows.
    Writing,
}

/// Who a session acts as, and what it is kept from meanwhile.
#[derive(Clone, Copy)]
pub struct Identity {
    user: pg_sys::Oid,
    context: c_int,
}

impl Identity {
    pub fn current() -> Identity {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: reads who we are.
        unsafe { pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context) };
        Identity { user, context }
    }

    /// Another role; SET ROLE cannot undo it.
    #[must_use]
    pub fn changed_to(self, role: pg_sys::Oid) -> Identity {
        Identity { user: role, context: self.context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as c_int }
    }

    /// Nothing that this runs can leave anything in the session.
    fn restricted(self) -> Identity {
        Identity { context: self.context | pg_sys::SECURITY_RESTRICTED_OPERATION as c_int, ..self }
    }

    /// From now on. Whoever assumes another's puts back the one before; after an error the server does, with the
    /// transaction or subtransaction that it aborts.
    pub fn assume(self) {
        // SAFETY: a role of the catalogue, or who we were before.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }

    fn is_superuser(self) -> bool {
        // SAFETY: reads the catalogue.
        unsafe { pg_sys::superuser_arg(self.user) }
    }
}

/// Runs the work for a schema: as the owner of its bookings when a superuser calls.
pub fn for_schema<T>(schema: pg_sys::Oid, work: Work, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let caller = Identity::current();
    let owner = if caller.is_superuser() { owner(schema) } else { None };
    match owner.filter(|owner| *owner != caller.user) {
        Some(owner) if work == Work::Writing => acting(owner, Some(schema), run),
        Some(owner) => as_role(owner, run),
        None => run(),
    }
}

/// Looks at a schema as the owner of its bookings, whoever calls; where that is a superuser, only for another one.
pub fn as_owner<T>(schema: pg_sys::Oid, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let caller = Identity::current();
    match owner(schema) {
        Some(owner) if caller.changed_to(owner).is_superuser() && !caller.is_superuser() => {
            let name = super::attachment::namespace_name(schema).unwrap_or_default();
            Err(failure::superusers_bookings(&name).into())
        }
        Some(owner) => as_role(owner, run),
        None => run(),
    }
}

/// Looks, or makes and changes objects, as a role, whoever calls.
pub fn as_role<T>(role: pg_sys::Oid, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    acting(role, None, run)
}

/// Runs the work as a role: what writes is about a schema.
fn acting<T>(
    role: pg_sys::Oid,
    written: Option<pg_sys::Oid>,
    run: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let before = Identity::current();
    let other = before.changed_to(role);
    let settings = open_settings()?;
    if written.is_some() {
        other.assume()
    } else {
        other.restricted().assume()
    }
    let done = run();
    // What a refusal wrote before it may stay, too.
    let stays = matches!(done, Ok(_) | Err(Failure::Refused(_)));
    let left = match written.filter(|_| stays) {
        Some(schema) => {
            other.restricted().assume();
            leave_nothing(schema)
        }
        None => Ok(()),
    };
    close_settings(settings);
    before.assume();
    left.and(done)
}

/// Fires what is deferred, under the path that the application's code has; in a restricted operation that cannot defer again.
/// Then looks for what the commit would run.
fn leave_nothing(schema: pg_sys::Oid) -> Result<(), Failure> {
    let connection = Connection::open();
    let attachment = connection.attachment(schema)?;
    fire_deferred(&connection, &attachment)?;
    let left: Vec<String> = connection.query(LeftBehind::STATEMENT.text, |row: &Row<LeftBehindRow>| row.name())?;
    if left.is_empty() { Ok(()) } else { Err(failure::left_behind(&left).into()) }
}

/// Fires what is deferred, under the path that the application's code has.
pub(super) fn fire_deferred(connection: &Connection, attachment: &Attachment) -> Result<(), Failure> {
    // SAFETY: opens a level of settings.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    guard::set(c"search_path", attachment.c_texts().1).map_err(Failure::Server)?;
    let fired = connection.script("set constraints all immediate");
    close_settings(level);
    fired
}

/// Settings changed from here on are put back by `close_settings`, or by the server when it aborts.
fn open_settings() -> Result<c_int, Failure> {
    // SAFETY: opens a level of settings.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    guard::set(c"search_path", path::PINNED).map_err(Failure::Server)?;
    Ok(level)
}

/// Runs the work with little patience for locks: what a trigger of the application waits for counts too.
pub fn impatient<T>(run: impl FnOnce() -> T) -> Result<T, Failure> {
    // SAFETY: opens a level of settings.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    guard::set(c"lock_timeout", c"20ms").map_err(Failure::Server)?;
    let done = run();
    close_settings(level);
    Ok(done)
}

fn close_settings(level: c_int) {
    // SAFETY: the level opened above; `false` puts back what was, whatever was set meanwhile.
    unsafe { pg_sys::AtEOXact_GUC(false, level) };
}

/// The owner of a schema's bookings; of the schema, where there are none.
pub fn owner(schema: pg_sys::Oid) -> Option<pg_sys::Oid> {
    use pg_sys::SysCacheIdentifier::{NAMESPACEOID, RELOID};
    // SAFETY: reads the syscache; the name lives through the call.
    let bookings = unsafe { pg_sys::get_relname_relid(c"bookings".as_ptr(), schema) };
    if bookings == pg_sys::InvalidOid {
        return owner_in(NAMESPACEOID as c_int, schema, pg_sys::Anum_pg_namespace_nspowner);
    }
    owner_in(RELOID as c_int, bookings, pg_sys::Anum_pg_class_relowner)
}

fn owner_in(cache: c_int, object: pg_sys::Oid, column: u32) -> Option<pg_sys::Oid> {
    // SAFETY: reads one column, an OID that is never NULL, of the row that the cache has, and gives the row back.
    unsafe {
        let row = pg_sys::SearchSysCache1(cache, object.into());
        if row.is_null() {
            return None;
        }
        let mut is_null = false;
        let owner = pg_sys::SysCacheGetAttr(cache, row, column as pg_sys::AttrNumber, &raw mut is_null);
        let owner = pg_sys::Oid::from_u32(owner.value() as u32);
        pg_sys::ReleaseSysCache(row);
        Some(owner)
    }
}

/// Does the caller have every right?
pub fn is_superuser() -> bool {
    Identity::current().is_superuser()
}

/// The role of a name, if there is one.
pub fn role(name: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: reads the syscache; the name lives through the call. A missing role is InvalidOid.
    let role = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    (role != pg_sys::InvalidOid).then_some(role)
}

/// May a role read a relation?
pub fn may_read(role: pg_sys::Oid, relation: pg_sys::Oid) -> bool {
    // SAFETY: reads the catalogue; a relation that is gone raises nothing but an error of the server's.
    let checked = unsafe { pg_sys::pg_class_aclcheck(relation, role, pg_sys::AclMode::from(pg_sys::ACL_SELECT)) };
    checked == pg_sys::AclResult::ACLCHECK_OK
}

/// The owner of a relation, if there is one.
pub fn owner_of(relation: pg_sys::Oid) -> Option<pg_sys::Oid> {
    let cache = pg_sys::SysCacheIdentifier::RELOID as c_int;
    owner_in(cache, relation, pg_sys::Anum_pg_class_relowner)
}

/// Is a relation a part of this extension, and not one that somebody gave its name?
pub fn is_of_extension(relation: pg_sys::Oid) -> bool {
    // SAFETY: reads the catalogue; the name lives through the call, and an unknown extension is InvalidOid.
    unsafe {
        let extension = pg_sys::get_extension_oid(c"holdfast".as_ptr(), true);
        extension != pg_sys::InvalidOid
            && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, relation) == extension
    }
}
