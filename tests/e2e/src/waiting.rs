//! Two sessions, one waiting for the other: seen in the server, never guessed by sleeping.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Call, Refusal, Session};

/// A call that runs in another session at this moment.
pub struct Pending {
    pub pid: i32,
    thread: JoinHandle<(Session, Result<Vec<Value>, Refusal>)>,
}

impl Pending {
    /// Starts the call and returns at once.
    #[must_use]
    pub fn start(mut session: Session, call: &Call) -> Pending {
        let (pid, call) = (session.pid, call.clone());
        let thread = thread::spawn(move || {
            let answer = session.call(&call);
            (session, answer)
        });
        Pending { pid, thread }
    }

    /// Waits for the answer.
    pub fn finish(self) -> (Session, Result<Vec<Value>, Refusal>) {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Starts a call and returns once the server says that it waits for a lock of `blocker`.
#[must_use]
pub fn behind(observer: &mut Session, blocker: i32, session: Session, call: &Call) -> Pending {
    let pending = Pending::start(session, call);
    let waits = format!(
        "select exists (select from pg_stat_activity where pid = {0} and wait_event_type = 'Lock')
         and exists (select from pg_locks where pid = {0} and not granted)
         and {blocker} = any (pg_blocking_pids({0}))",
        pending.pid
    );
    eventually(observer, &waits);
    pending
}

/// Returns as soon as the condition holds; gives up after twenty seconds.
pub fn eventually(observer: &mut Session, condition: &str) {
    in_time(observer, condition, Duration::from_secs(20));
}

/// Returns as soon as the condition holds; gives up when it took longer than that.
pub fn in_time(observer: &mut Session, condition: &str, limit: Duration) {
    let give_up = Instant::now() + limit;
    while !observer.value::<bool>(condition) {
        assert!(Instant::now() < give_up, "never came true: {condition}");
        thread::sleep(Duration::from_millis(5));
    }
}
