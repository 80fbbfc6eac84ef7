//! The owner's rule that a call is only for those who see its booking themselves, under their own row security. [unsafe]
//!
//! The rule is a table `holdfast_row_security` of the owner of the bookings; what is in it does not matter.

use pgrx::pg_sys;

use super::Store;
use super::attachment::ROW_SECURITY;
use super::columns::columns;
use super::rights;
use super::statement::statement;
use crate::rules::Id;
use crate::rules::refusal::failure::{Failure, sqlstate_pack};
use crate::rules::refusal::{self, Refusal};

columns!(PlacesRow { booking: Option<i32>, hold: Option<i32> });
statement!("call_arguments", CallArguments { function: pg_sys::Oid } -> PlacesRow);
columns!(VisibleRow { visible: bool });
statement!("booking_visible", BookingVisible { booking: Id } -> VisibleRow);
columns!(HoldBookingRow { booking_id: Option<Id> });
statement!("hold_booking", HoldBooking { hold: Id } -> HoldBookingRow);

impl Store {
    /// Is there such a rule?
    pub fn has_row_security(&self) -> bool {
        self.attachment.has(ROW_SECURITY)
    }

    /// Refuses a call about a booking, or about a booking's hold, that its caller does not see.
    pub fn check_visible(&self, call: pg_sys::FunctionCallInfo) -> Result<(), Failure> {
        if !self.has_row_security() {
            return Ok(());
        }
        // SAFETY: the server fills in flinfo for every call that it makes.
        let function = unsafe { (*(*call).flinfo).fn_oid };
        let places = self.run(CallArguments { function }, |row| (row.booking(), row.hold()))?;
        let (booking, hold) = places.into_iter().next().unwrap_or_default();
        let named = |place: Option<i32>| place.and_then(|place| argument(call, place));
        self.unseen(named(booking), named(hold))?.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    /// What is said of a booking, or of a booking's hold, that the caller does not see: that it does not exist.
    pub fn unseen(&self, booking: Option<Id>, hold: Option<Id>) -> Result<Option<Refusal>, Failure> {
        if let Some(id) = booking
            && !self.sees(id)?
        {
            return Ok(Some(refusal::booking_not_found(booking)));
        }
        let Some(id) = hold else { return Ok(None) };
        let of_hold = self.run(HoldBooking { hold: id }, |row| row.booking_id())?.into_iter().flatten().next();
        match of_hold.filter(|of| Some(*of) != booking) {
            Some(other) if !self.sees(other)? => Ok(Some(refusal::hold_not_found(hold))),
            _ => Ok(None),
        }
    }

    /// Does the caller see this booking? Who may not read the table sees none.
    pub fn sees(&self, booking: Id) -> Result<bool, Failure> {
        // SAFETY: reads who called, outside of every SECURITY DEFINER function.
        let caller = unsafe { pg_sys::GetOuterUserId() };
        // In a part: after an error of the server the call goes on.
        let seen =
            self.in_part(|_| rights::as_role(caller, || self.run(BookingVisible { booking }, |row| row.visible())));
        match seen {
            Ok(seen) => Ok(seen.first().copied().unwrap_or_default()),
            Err(Failure::Server(error)) if error.sqlstate == sqlstate_pack("42501") => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// A uuid that the function was called with; the place is counted from 1.
fn argument(call: pg_sys::FunctionCallInfo, place: i32) -> Option<Id> {
    let at = usize::try_from(place - 1).ok()?;
    // SAFETY: a place within the arguments, and of type uuid in every function of ours that has this name for it.
    unsafe {
        let within = at < usize::try_from((*call).nargs).unwrap_or_default();
        let id = if within { pgrx::fcinfo::pg_getarg::<pgrx::Uuid>(call, at) } else { None };
        id.map(|id| Id::from_bytes(*id.as_bytes()))
    }
}
