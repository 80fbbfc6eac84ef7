//! Labels of enums, kept between calls until the server tells of a change of any. [unsafe]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::rc::Rc;

use pgrx::pg_sys;

/// A session that knows more labels than these, forgets them: a schema has some thirty.
const MOST: usize = 8192;

thread_local! {
    static LABELS: RefCell<HashMap<u32, Rc<str>>> = RefCell::new(HashMap::new());
    /// The type that was last found to be an enum.
    static ENUM: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// The label of an enum's value.
pub fn enum_label(value: pg_sys::Oid) -> Option<Rc<str>> {
    if let Some(label) = LABELS.with_borrow(|labels| labels.get(&value.to_u32()).map(Rc::clone)) {
        return Some(label);
    }
    register();
    // SAFETY: enum_out takes the value's OID and returns a C string.
    let label = unsafe { pgrx::direct_function_call::<&CStr>(pg_sys::enum_out, &[Some(value.into())]) };
    let label: Rc<str> = label?.to_string_lossy().into();
    LABELS.with_borrow_mut(|labels| {
        if labels.len() >= MOST {
            labels.clear();
        }
        labels.insert(value.to_u32(), Rc::clone(&label));
    });
    Some(label)
}

/// Is it the type of an enum? `InvalidOid` is none.
pub fn is_enum(kind: pg_sys::Oid) -> bool {
    if kind != pg_sys::InvalidOid && ENUM.get() == kind {
        return true;
    }
    register();
    // SAFETY: reads the syscache.
    let is_enum = unsafe { pg_sys::get_typtype(kind) } == pg_sys::TYPTYPE_ENUM as c_char;
    if is_enum {
        ENUM.set(kind);
    }
    is_enum
}

fn register() {
    if !REGISTERED.replace(true) {
        let cache = pg_sys::SysCacheIdentifier::ENUMOID as c_int;
        // SAFETY: registered once a backend; it calls nothing of the server.
        unsafe { pg_sys::CacheRegisterSyscacheCallback(cache, Some(forget), pg_sys::Datum::null()) };
    }
}

/// A label was added or renamed, or an enum dropped. Nobody holds the labels meanwhile: while they are held, nothing of the server is
/// called.
unsafe extern "C-unwind" fn forget(_: pg_sys::Datum, _: c_int, _: u32) {
    let _ = LABELS.try_with(|labels| labels.try_borrow_mut().map(|mut labels| labels.clear()));
    let _ = ENUM.try_with(|kind| kind.set(pg_sys::InvalidOid));
}
