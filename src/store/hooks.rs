//! The server's hooks around our own statements: they run in their schema, under the application's path. [unsafe]
//!
//! Our statements are analysed under `pg_catalog, pg_temp` and name everything with its schema. What the application
//! hangs on its tables (triggers, defaults, CHECKs, policies) names things as it always did: while a statement of ours
//! is planned and run, the path is the application's. The server's cache of plans compares paths before that, and never
//! sees another one. They probe by indexes, whatever the planner believes of the tables: a plan made while they were empty
//! is kept, and would read them whole until somebody analyses them.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys;

use super::attachment::Attachment;
use super::statement::Statement;

// Declared here because the bindings of these names carry pgrx's guard: an error has to pass through whole.
unsafe extern "C-unwind" {
    fn standard_ExecutorStart(query: *mut pg_sys::QueryDesc, flags: c_int);
    fn standard_planner(
        query: *mut pg_sys::Query,
        source: *const c_char,
        options: c_int,
        parameters: pg_sys::ParamListInfo,
    ) -> *mut pg_sys::PlannedStmt;
    fn NewGUCNestLevel() -> c_int;
    fn AtEOXact_GUC(commits: bool, level: c_int);
    fn set_config_option(
        name: *const c_char,
        value: *const c_char,
        context: pg_sys::GucContext::Type,
        source: pg_sys::GucSource::Type,
        action: pg_sys::GucAction::Type,
        changes: bool,
        level: c_int,
        reloads: bool,
    ) -> c_int;
    fn get_namespace_name(schema: pg_sys::Oid) -> *mut c_char;
    fn get_namespace_oid(name: *const c_char, may_lack: bool) -> pg_sys::Oid;
    fn get_rel_namespace(relation: pg_sys::Oid) -> pg_sys::Oid;
    fn pfree(pointer: *mut std::ffi::c_void);
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

/// A statement of ours that is about to run. The texts live as long as the attachment, which its connection holds.
#[derive(Clone, Copy)]
pub struct Announced {
    schema: pg_sys::Oid,
    name: *const c_char,
    path: *const c_char,
    source: *const pg_sys::CachedPlanSource,
    /// It calls a function of the application.
    calls: bool,
    /// It reads whole tables by design, and may read them in the order of the disk.
    scans: bool,
}

impl Announced {
    /// # Safety
    /// A plan of one statement, alive until the statement ends.
    pub unsafe fn of(attachment: &Attachment, plan: pg_sys::SPIPlanPtr, statement: &Statement) -> Announced {
        let (name, path) = attachment.c_texts();
        // SAFETY: the list is the plan's own.
        let source = unsafe { items(pg_sys::SPI_plan_get_plan_sources(plan)) }.next().unwrap_or(std::ptr::null_mut());
        Announced {
            schema: attachment.oid,
            name: name.as_ptr(),
            path: path.as_ptr(),
            source: source.cast(),
            calls: statement.calls_application(),
            scans: statement.scans(),
        }
    }
}

/// How far a statement came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It was being read: what it names is not there.
    Analysis,
    /// It was being planned or was running: what it says is the application's, or the server's.
    Execution,
    /// It was stopped, because what it names lies in another schema now.
    OtherSchema,
}

/// What was going on around a statement, to be put back.
pub struct Around {
    next: Option<Announced>,
    level: c_int,
}

thread_local! {
    /// The statement that runs next, until it does.
    static NEXT: Cell<Option<Announced>> = const { Cell::new(None) };
    /// The settings' nest level that was opened for the statement that runs; 0: none.
    static LEVEL: Cell<c_int> = const { Cell::new(0) };
    static OTHER_SCHEMA: Cell<bool> = const { Cell::new(false) };
    /// What the session had set of sequential scans, hash joins and merge joins, while a statement is planned without them.
    static SWITCHES: Cell<Option<[bool; 3]>> = const { Cell::new(None) };
    static START_BEFORE: Cell<pg_sys::ExecutorStart_hook_type> = const { Cell::new(None) };
    static PLANNER_BEFORE: Cell<pg_sys::planner_hook_type> = const { Cell::new(None) };
}

/// Once, when the library is loaded.
pub fn register() {
    // SAFETY: chained to what was there; the library is never unloaded.
    unsafe {
        START_BEFORE.set(pg_sys::ExecutorStart_hook);
        PLANNER_BEFORE.set(pg_sys::planner_hook);
        pg_sys::ExecutorStart_hook = Some(executor_start);
        pg_sys::planner_hook = Some(planner);
    }
}

/// The next statement that the server plans and runs is this one.
pub fn announce(statement: Announced) -> Around {
    OTHER_SCHEMA.set(false);
    Around { next: NEXT.replace(Some(statement)), level: LEVEL.replace(0) }
}

/// No statement of ours is announced, and no path of the application open, until `ended`.
pub fn enter() -> Around {
    Around { next: NEXT.take(), level: LEVEL.replace(0) }
}

/// The statement ended: the path is what it was before. Returns how far it came.
pub fn ended(around: Around, well: bool) -> Reached {
    restore_switches();
    let level = LEVEL.replace(around.level);
    if level > 0 {
        // SAFETY: opened by a hook below, for this statement; deeper ones were opened inside and end with it.
        unsafe { AtEOXact_GUC(well, level) };
    }
    let waiting = NEXT.replace(around.next).is_some();
    match (OTHER_SCHEMA.replace(false), waiting) {
        (true, _) => Reached::OtherSchema,
        (false, true) => Reached::Analysis,
        (false, false) => Reached::Execution,
    }
}

/// Sets the application's path until the statement ends.
///
/// # Safety
/// A path that is NUL-terminated; called under a guard or a hook, for an error passes through.
unsafe fn open(path: *const c_char) -> c_int {
    // SAFETY: what the server does for a function with a SET clause.
    unsafe {
        let level = NewGUCNestLevel();
        LEVEL.set(level);
        set(c"search_path".as_ptr(), path);
        level
    }
}

/// Code of the application runs under its path, outside of a statement of ours, until `ended`.
///
/// # Safety
/// As `set`.
pub unsafe fn open_path(path: &CStr) {
    // SAFETY: as above.
    unsafe { open(path.as_ptr()) };
}

/// In the level of settings that is open.
///
/// # Safety
/// A setting and its value, NUL-terminated; called under a guard, for an error passes through.
pub unsafe fn set(name: *const c_char, value: *const c_char) {
    // SAFETY: as above.
    unsafe {
        set_config_option(
            name,
            value,
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}

/// Plans without sequential scans, hash joins and merge joins until `restore_switches`.
fn probe_by_indexes() {
    // SAFETY: plain flags of this backend, which the planner reads.
    unsafe {
        SWITCHES.set(Some([pg_sys::enable_seqscan, pg_sys::enable_hashjoin, pg_sys::enable_mergejoin]));
        pg_sys::enable_seqscan = false;
        pg_sys::enable_hashjoin = false;
        pg_sys::enable_mergejoin = false;
    }
}

fn restore_switches() {
    let Some([scans, hashes, merges]) = SWITCHES.take() else { return };
    // SAFETY: as above.
    unsafe {
        pg_sys::enable_seqscan = scans;
        pg_sys::enable_hashjoin = hashes;
        pg_sys::enable_mergejoin = merges;
    }
}

/// An application's function may be inlined or folded when a plan is made: it is read under the application's path.
/// The server's own context line would quote our statement; whoever reads an error is told by the caller's lines.
unsafe extern "C-unwind" fn planner(
    query: *mut pg_sys::Query,
    source: *const c_char,
    options: c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: a frame that owns nothing, so that an error may jump over it; `ended` puts back what it left.
    unsafe {
        let inner = || match PLANNER_BEFORE.get() {
            Some(before) => before(query, source, options, parameters),
            None => standard_planner(query, source, options, parameters),
        };
        let Some(statement) = NEXT.take() else { return inner() };
        let context = pg_sys::error_context_stack;
        pg_sys::error_context_stack = std::ptr::null_mut();
        let level = open(statement.path);
        if !statement.scans {
            probe_by_indexes();
        }
        let planned = inner();
        if !statement.scans {
            restore_switches();
            // Before 18 a node that is switched off costs as much as a plan worth compiling; ours never are.
            (*planned).jitFlags = pg_sys::PGJIT_NONE as c_int;
        }
        AtEOXact_GUC(true, level);
        LEVEL.set(0);
        pg_sys::error_context_stack = context;
        NEXT.set(Some(statement));
        planned
    }
}

unsafe extern "C-unwind" fn executor_start(query: *mut pg_sys::QueryDesc, flags: c_int) {
    // SAFETY: as above. SPI puts its context line back when the statement returns.
    unsafe {
        if let Some(statement) = NEXT.take() {
            let planned = (*query).plannedstmt;
            if !is_in_schema(planned, &statement) {
                OTHER_SCHEMA.set(true);
                if errstart(pgrx::prelude::PgLogLevel::ERROR as c_int, std::ptr::null()) {
                    errmsg_internal(
                        c"another schema has the name of the one that a statement of holdfast is for".as_ptr(),
                    );
                    errfinish(std::ptr::null(), 0, std::ptr::null());
                }
            }
            pg_sys::error_context_stack = std::ptr::null_mut();
            if statement.calls || fires_code(planned, &statement) {
                open(statement.path);
            }
        }
        match START_BEFORE.get() {
            Some(before) => before(query, flags),
            None => standard_ExecutorStart(query, flags),
        }
    }
}

/// Can code of the application run in it? Writes fire triggers, defaults and CHECKs; reads under row security, policies.
///
/// # Safety
/// A plan that is about to run.
unsafe fn fires_code(planned: *const pg_sys::PlannedStmt, statement: &Announced) -> bool {
    // SAFETY: as above; the source lives as long as the plan.
    unsafe {
        (*planned).commandType != pg_sys::CmdType::CMD_SELECT
            || (*planned).hasModifyingCTE
            || statement.source.as_ref().is_some_and(|source| source.dependsOnRLS)
    }
}

/// Does the schema still have the name by which the statement was written, and is everything that it writes in it?
///
/// # Safety
/// As `fires_code`.
unsafe fn is_in_schema(planned: *const pg_sys::PlannedStmt, statement: &Announced) -> bool {
    // SAFETY: the name is palloc'd; the plans are the server's own and stay while they run.
    unsafe {
        let name = get_namespace_name(statement.schema);
        if name.is_null() {
            return false;
        }
        let same = CStr::from_ptr(name) == CStr::from_ptr(statement.name);
        pfree(name.cast());
        same && writes_there((*planned).planTree, planned, statement)
            && items((*planned).subplans).all(|plan| writes_there(plan.cast(), planned, statement))
    }
}

/// # Safety
/// `plan` is null or one of the plans of `planned`.
unsafe fn writes_there(plan: *const pg_sys::Plan, planned: *const pg_sys::PlannedStmt, statement: &Announced) -> bool {
    // SAFETY: a plan's tag tells its type; the target's number counts from 1 in the plan's relations. Partitions may lie
    // elsewhere: what counts is the table that the statement names.
    unsafe {
        if plan.is_null() || (*plan).type_ != pg_sys::NodeTag::T_ModifyTable {
            return true;
        }
        let target = (*plan.cast::<pg_sys::ModifyTable>()).nominalRelation as usize;
        let Some(entry) = items((*planned).rtable).nth(target.wrapping_sub(1)) else { return true };
        let schema = get_rel_namespace((*entry.cast::<pg_sys::RangeTblEntry>()).relid);
        schema == statement.schema || schema == get_namespace_oid(c"holdfast".as_ptr(), true)
    }
}

/// # Safety
/// `list` is null or a list of pointers that stays as it is.
pub unsafe fn items(list: *const pg_sys::List) -> impl Iterator<Item = *mut std::ffi::c_void> {
    // SAFETY: as above.
    let count = if list.is_null() { 0 } else { unsafe { (*list).length } };
    // SAFETY: as above; a list has as many elements as its length says.
    (0..count as usize).map(move |at| unsafe { (*(*list).elements.add(at)).ptr_value })
}
