//! Taking a hold: the tables are kept for a booking until a deadline, or the caller learns who has them.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::{self, Booking, BookingWindow};
use crate::rules::confirm;
use crate::rules::failure::Failure;
use crate::rules::hold::{self, Wanted};
use crate::rules::refusal;
use crate::rules::table::Table;
use crate::rules::window::{Instant, Window};
use crate::store::situation::Question;
use crate::store::{NewHold, Store};

/// A hold that was taken.
pub struct Held {
    pub hold: Id,
    pub booking: Option<Id>,
    pub tables: Vec<Id>,
    pub window: Window,
    pub expires_at: Instant,
}

pub fn take(store: &Store, wanted: Wanted) -> Result<Held, Failure> {
    let booking = match wanted.booking {
        Some(id) => Some(store.booking_lock(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?),
        None => None,
    };
    let locked = store.tables_lock(None, None, &wanted.tables)?.tables;
    let now = store.clock();
    let booking = booking.map_or_else(|| anonymous(&wanted, &locked), Ok)?;
    let window = booking::resolve_window(booking.id, wanted.window, booking.window)?;
    let situation = store.situation_read(Question {
        booking: &booking,
        target: None,
        tables: &wanted.tables,
        window,
        now,
        edges_wanted: true,
        hold: None,
        own_holds: BTreeMap::new(),
        locked,
    })?;
    if wanted.booking.is_some() {
        booking::may_take_tables(&booking, None, &situation.statuses)?;
    }
    confirm::may_hold(&wanted.tables, wanted.metadata.as_ref(), &situation)?;
    let tables = confirm::loaded(booking.id, &wanted.tables, &situation.tables)?;
    let hold = NewHold {
        id: store.new_id(),
        booking: wanted.booking,
        restaurant: booking.restaurant,
        zone: tables.first().and_then(|table| table.zone),
        tables: &wanted.tables,
        window,
        expires_at: now.after_seconds(wanted.ttl_seconds),
        created_by: wanted.created_by,
        metadata: hold::with_floor(wanted.metadata, &tables, &situation.edges),
    };
    let (id, expires_at) = (hold.id, hold.expires_at);
    let written = store.hold_take(hold)?;
    super::assert_written("Hold", &[1, wanted.tables.len() as i64, 1], &written)?;
    Ok(Held { hold: id, booking: wanted.booking, tables: wanted.tables, window, expires_at })
}

/// Stands in for a booking that is not known yet: the restaurant of the first table, the window of the call.
fn anonymous(wanted: &Wanted, locked: &BTreeMap<Id, Table>) -> Result<Booking, Failure> {
    let nobody = Id::nil();
    let tables = confirm::loaded(nobody, &wanted.tables, locked)?;
    let window =
        wanted.window.ok_or_else(|| refusal::argument_invalid("hold_tables without a booking requires a window"))?;
    Ok(Booking {
        id: nobody,
        restaurant: tables.first().map(|table| table.restaurant).unwrap_or_default(),
        status: String::new(),
        party_size: 0,
        zone_lock: None,
        window: BookingWindow { start: Some(window.start()), end: Some(window.end()) },
    })
}
