//! Rows that stay until the transaction ends: this call has locked them, or inserted them. [unsafe]

use std::cell::RefCell;
use std::ffi::c_int;

use pgrx::pg_sys;

/// No more rows than these are kept in mind; of those beyond, nothing is known.
const MOST: usize = 256;

#[derive(Debug, Clone, Copy)]
struct HeldRow {
    relation: pg_sys::Oid,
    column: c_int,
    id: [u8; 16],
    /// Where its newest version is, if it is locked against every update.
    place: Option<pg_sys::ItemPointerData>,
}

/// The rows that one call holds, by an id that is a key of theirs.
#[derive(Debug, Default)]
pub struct HeldRows(RefCell<Vec<HeldRow>>);

impl HeldRows {
    /// # Safety
    /// The datum is an id.
    pub unsafe fn add(
        &self,
        relation: pg_sys::Oid,
        column: c_int,
        id: pg_sys::Datum,
        place: Option<pg_sys::ItemPointerData>,
    ) {
        // SAFETY: as the caller says.
        let id = unsafe { bytes(id) };
        let mut rows = self.0.borrow_mut();
        let is_it = |row: &HeldRow| row.relation == relation && row.column == column && row.id == id;
        if let Some(row) = rows.iter_mut().find(|row| is_it(row)) {
            row.place = place.or(row.place);
        } else if rows.len() < MOST {
            rows.push(HeldRow { relation, column, id, place });
        }
    }

    /// Is the row with this key held?
    ///
    /// # Safety
    /// The datum is of the type of the relation's column; it is read where a row of the relation is held by that column, an id.
    pub unsafe fn has(&self, relation: pg_sys::Oid, column: c_int, key: pg_sys::Datum) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.row(relation, column, key) }.is_some()
    }

    /// Where the row with this key is, if nobody, and nothing of ours, has written it since it was locked.
    ///
    /// # Safety
    /// As `has`.
    pub unsafe fn place(
        &self,
        relation: pg_sys::Oid,
        column: c_int,
        key: pg_sys::Datum,
    ) -> Option<pg_sys::ItemPointerData> {
        // SAFETY: as the caller says.
        unsafe { self.row(relation, column, key) }?.place
    }

    /// # Safety
    /// As `has`.
    unsafe fn row(&self, relation: pg_sys::Oid, column: c_int, key: pg_sys::Datum) -> Option<HeldRow> {
        let rows = self.0.borrow();
        let mut of_column = rows.iter().filter(|row| row.relation == relation && row.column == column);
        // SAFETY: as the caller says.
        of_column.find(|row| row.id == unsafe { bytes(key) }).copied()
    }

    /// Rows may have moved.
    pub fn forget_places(&self) {
        self.0.borrow_mut().iter_mut().for_each(|row| row.place = None);
    }

    /// Rows of this relation went.
    pub fn forget_of(&self, relation: pg_sys::Oid) {
        self.0.borrow_mut().retain(|row| row.relation != relation);
    }

    /// A savepoint was rolled back, or code of the application may have run: nothing is certain any more.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// # Safety
/// The datum is an id.
unsafe fn bytes(id: pg_sys::Datum) -> [u8; 16] {
    // SAFETY: as the caller says: a pointer to as many bytes.
    unsafe { *id.cast_mut_ptr::<[u8; 16]>() }
}
