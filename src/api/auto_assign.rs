//! The automatic attempt, inline or in the background.

use pgrx::prelude::*;
use pgrx::{Uuid, pg_sys};

use super::argument;
use super::time_limit::{report_functions, reported};
use super::{contract, native};
use crate::commands::auto_assign::run;

report_functions! {
    /// Confirms a booking by its hold under its own key, unless that is done or somebody is at it.
    fn contract_run_auto_assign(
        p_booking_id: Option<Uuid>,
        p_hold_id: Option<Uuid>,
        p_timeout_ms: Option<i32>,
        p_trigger: Option<&str>,
        fcinfo: pg_sys::FunctionCallInfo,
    ) {
        let (booking, hold) = (argument::id(p_booking_id), argument::id(p_hold_id));
        reported(contract(fcinfo, |store| run(store, booking, hold, p_timeout_ms, p_trigger)))
    }

    /// The native form of `run_auto_assign`.
    fn native_run_auto_assign(
        p_schema: Option<pg_sys::Oid>,
        p_booking_id: Option<Uuid>,
        p_hold_id: Option<Uuid>,
        p_timeout_ms: Option<i32>,
        p_trigger: Option<&str>,
    ) {
        let (booking, hold) = (argument::id(p_booking_id), argument::id(p_hold_id));
        reported(native(p_schema, |store| run(store, booking, hold, p_timeout_ms, p_trigger)))
    }
}
