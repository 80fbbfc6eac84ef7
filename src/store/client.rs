//! Is the client still there? The server asks while one of our calls with a deadline runs. [unsafe]

use std::cell::Cell;
use std::ffi::c_int;

use pgrx::pg_sys;

use super::Store;
use crate::timer::{self, Reason};

/// How often, in milliseconds, where nobody has set `client_connection_check_interval`.
const INTERVAL_MS: i64 = 500;

thread_local! {
    static REASON: Cell<Option<Reason>> = const { Cell::new(None) };
}

/// Ends with the call; the setting is then what it was.
pub struct Watch {
    /// What was set, and the level of settings that it was set in.
    set: Option<(Reason, c_int)>,
}

impl Store {
    /// From now on a client that vanishes is noticed, and its session ended, also while it waits for a lock. A check that the
    /// caller has set stays as it is; where the platform cannot look, nothing happens.
    pub fn watch_client(&self) -> Watch {
        // SAFETY: reads settings and the connection. The level that is opened is closed in drop, or by the server when
        // the transaction aborts.
        unsafe {
            if pg_sys::client_connection_check_interval != 0 || pg_sys::MyProcPort.is_null() {
                return Watch { set: None };
            }
            let level = pg_sys::NewGUCNestLevel();
            let value = std::ffi::CString::new(INTERVAL_MS.to_string()).unwrap_or_default();
            pg_sys::set_config_option(
                c"client_connection_check_interval".as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                pg_sys::DEBUG1 as c_int,
                false,
            );
            let reason = REASON.get().unwrap_or_else(|| Reason::register(look));
            REASON.set(Some(reason));
            reason.set(self.clock().after_ms(INTERVAL_MS));
            Watch { set: Some((reason, level)) }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((reason, level)) = self.set {
            reason.stop();
            // SAFETY: closes the level opened above; those inside it were closed before.
            unsafe { pg_sys::AtEOXact_GUC(true, level) };
        }
    }
}

/// Runs in the signal handler. The server looks at the next safe point, and then goes on looking by itself.
unsafe extern "C-unwind" fn look() {
    // SAFETY: a flag of the backend's own.
    unsafe {
        pg_sys::CheckClientConnectionPending = 1;
        timer::wake();
    }
}
