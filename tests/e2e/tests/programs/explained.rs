//! Of every attempt that came to nothing, `holdfast.why` says what became of it: it was refused, rolled back, out of time or cut
//! off. `HOLDFAST_ATTEMPTS=100000` is the long form, which prints how long an answer takes.

use std::time::{Duration, Instant};

use holdfast_e2e::{
    Call, Cluster, Refusal, Room, Session, at, behind, confirm, confirm_hold, eventually, in_time, within,
};
use serde_json::Value;
use uuid::Uuid;

/// As many as the server remembers, with the confirm of the scene itself.
const BATCH: usize = 4095;

/// A restaurant in which each kind of attempt can fail.
struct Scene {
    room: Room,
    /// Can be confirmed on the second table.
    free: Uuid,
    /// Another booking has its table.
    late: Uuid,
    /// Somebody has it locked.
    locked: Uuid,
    hold: Uuid,
    cancelled: Uuid,
    large: Uuid,
    endless: Uuid,
}

impl Scene {
    fn new(session: &mut Session, blocker: &mut Session) -> Scene {
        let room = session.room(2);
        let mut booking = |day: i64| {
            let shift = chrono::Duration::days(day);
            session.booking_at(room.restaurant, at("18:00") + shift, at("20:00") + shift)
        };
        let [first, late, free, cancelled, large, endless] = [1, 1, 2, 3, 4, 5].map(&mut booking);
        let locked = booking(0);
        let hold = session.hold(&room, Some(locked), &room.tables[1..]);
        session.done(&confirm(first, &room.tables[..1], "first"));
        session.set("bookings", cancelled, "status", "cancelled");
        session.set("bookings", large, "party_size", 99);
        session.set("bookings", endless, "end_at", None::<Uuid>);
        blocker.run("rollback; begin");
        blocker.run(&format!("select from public.bookings where id = '{locked}' for update"));
        Scene { room, free, late, locked, hold, cancelled, large, endless }
    }

    fn tables(&self) -> &[Uuid] {
        &self.room.tables[1..]
    }
}

/// An attempt that came to nothing, and how it is to be told.
struct Injected {
    booking: Uuid,
    key: String,
    /// Its outcome, and how its transaction ended.
    told: String,
    sqlstate: Option<String>,
    message: Option<String>,
    detail: Option<String>,
}

/// What is told of one that the server ended; SQLSTATE and message say why.
const CUT_OFF: &str = "failed, rolled back";

/// Refusals that raise: the outcome, and a call that comes to it.
type Refused = (&'static str, fn(&Scene, &str) -> (Uuid, Call));

const REFUSED: &[Refused] = &[
    ("tables_missing", |scene, key| (scene.free, confirm(scene.free, &[], key))),
    ("tables_not_found", |scene, key| (scene.free, confirm(scene.free, &[Uuid::new_v4()], key))),
    ("booking_not_found", |scene, key| {
        let unknown = Uuid::new_v4();
        (unknown, confirm(unknown, scene.tables(), key))
    }),
    ("hold_not_found", |scene, key| (scene.free, confirm_hold(Uuid::new_v4(), scene.free, key))),
    ("hold_of_other_booking", |scene, key| (scene.free, confirm_hold(scene.hold, scene.free, key))),
    ("allocation_conflict", |scene, key| (scene.late, confirm(scene.late, &scene.room.tables[..1], key))),
    ("booking_state_conflict", |scene, key| (scene.cancelled, confirm(scene.cancelled, scene.tables(), key))),
    ("party_too_large", |scene, key| (scene.large, confirm(scene.large, scene.tables(), key))),
    ("booking_window_missing", |scene, key| (scene.endless, confirm(scene.endless, scene.tables(), key))),
];

/// The sessions that take part.
struct Cast<'a> {
    cluster: &'a Cluster,
    caller: Session,
    blocker: Session,
    observer: Session,
}

impl Cast<'_> {
    fn connect(&self) -> Session {
        Session::new(self.cluster.connect("explained"))
    }

    /// The kinds take turns.
    fn inject(&mut self, scene: &Scene, number: usize) -> Injected {
        let key = format!("key {number}");
        let kinds = REFUSED.len() + 7;
        match number % kinds {
            kind if kind < REFUSED.len() => {
                let (outcome, call) = REFUSED[kind];
                let (booking, call) = call(scene, &key);
                let refusal = self.caller.refused(&call);
                raised(booking, key, &format!("{outcome}, rolled back"), refusal)
            }
            kind => match kind - REFUSED.len() {
                0 => self.taken_back(scene, key, "begin", "rollback"),
                1 => self.taken_back(scene, key, "begin; savepoint s", "rollback to s; commit"),
                2 => self.timed_out(scene, key, "lock_timeout", 5),
                3 => self.timed_out(scene, key, "statement_timeout", 50),
                4 => {
                    let answer = self.caller.outcome(&within(scene.locked, scene.hold, &key, 5));
                    assert_eq!(answer["outcome"], "timeout_before_confirm", "{answer}");
                    let sqlstate = Some("55P03".to_owned());
                    Injected { sqlstate, ..silent(scene.locked, key, "timeout_before_confirm, committed") }
                }
                5 => self.cancelled(scene, key),
                _ => self.terminated(scene, key),
            },
        }
    }

    fn taken_back(&mut self, scene: &Scene, key: String, before: &str, after: &str) -> Injected {
        self.caller.run(before);
        self.caller.done(&confirm(scene.free, scene.tables(), &key));
        self.caller.run(after);
        silent(scene.free, key, "confirmed, rolled back")
    }

    fn timed_out(&mut self, scene: &Scene, key: String, setting: &str, ms: i32) -> Injected {
        let call = confirm(scene.locked, scene.tables(), &key);
        let written = "select written from holdfast.stat_spans";
        loop {
            let before: i64 = self.observer.value(written);
            self.caller.run(&format!("set {setting} = {ms}"));
            let refusal = self.caller.refused(&call);
            self.caller.run(&format!("reset {setting}"));
            // On a busy machine the time may be over before the call begins, and there was no attempt.
            if self.observer.value::<i64>(written) > before {
                return raised(scene.locked, key, CUT_OFF, refusal);
            }
        }
    }

    fn cancelled(&mut self, scene: &Scene, key: String) -> Injected {
        let call = confirm(scene.locked, scene.tables(), &key);
        let other = self.connect();
        let pending = behind(&mut self.observer, self.blocker.pid, other, &call);
        self.observer.run(&format!("select pg_cancel_backend({})", pending.pid));
        let refusal = pending.finish().1.expect_err("cancelled");
        raised(scene.locked, key, CUT_OFF, refusal)
    }

    fn terminated(&mut self, scene: &Scene, key: String) -> Injected {
        let call = confirm(scene.locked, scene.tables(), &key);
        let other = self.connect();
        let pending = behind(&mut self.observer, self.blocker.pid, other, &call);
        let pid = pending.pid;
        self.observer.run(&format!("select pg_terminate_backend({pid})"));
        let gone = format!("select not exists (select from pg_stat_activity where pid = {pid})");
        eventually(&mut self.observer, &gone);
        let message = Some("The session ended before the attempt did".to_owned());
        Injected { message, ..silent(scene.locked, key, CUT_OFF) }
    }

    /// Asks about one; how long the answer took.
    fn ask(&mut self, injected: &Injected) -> Duration {
        let query =
            "select w.what, w.detail, w.what_to_do from holdfast.why('public', $1, $2) w where w.source = 'spans'";
        let began = Instant::now();
        let rows = self.observer.client.query(query, &[&injected.booking, &injected.key]).expect("a story");
        let took = began.elapsed();
        let [row] = &rows[..] else { panic!("{} rows of {}", rows.len(), injected.key) };
        let (what, detail, advice): (String, Value, String) = (row.get(0), row.get(1), row.get(2));
        let told = what.split_once(": ").map(|(_, told)| told);
        assert_eq!(told, Some(injected.told.as_str()), "{what} {detail}");
        let field = |name: &str| detail[name].as_str().map(str::to_owned);
        assert_eq!(field("sqlstate"), injected.sqlstate, "{what} {detail}");
        if injected.message.is_some() {
            assert_eq!((field("message"), field("detail")), (injected.message.clone(), injected.detail.clone()));
        }
        assert!(!advice.is_empty(), "{what}: what to do now?");
        took
    }
}

/// One whose caller got an error.
fn raised(booking: Uuid, key: String, told: &str, refusal: Refusal) -> Injected {
    let Refusal { sqlstate, message, detail, .. } = refusal;
    Injected { booking, key, told: told.to_owned(), sqlstate: Some(sqlstate), message: Some(message), detail }
}

/// One whose caller got no error of its own.
fn silent(booking: Uuid, key: String, told: &str) -> Injected {
    Injected { booking, key, told: told.to_owned(), sqlstate: None, message: None, detail: None }
}

#[test]
fn every_attempt_that_came_to_nothing_is_explained() {
    let wanted: usize = std::env::var("HOLDFAST_ATTEMPTS").ok().and_then(|text| text.parse().ok()).unwrap_or(160);
    let cluster = Cluster::start_preloaded();
    let observer = cluster.install("explained");
    let connect = || Session::new(cluster.connect("explained"));
    let mut cast = Cast { cluster: &cluster, caller: connect(), blocker: connect(), observer };
    let mut took: Vec<Duration> = Vec::with_capacity(wanted);
    for first in (0..wanted).step_by(BATCH) {
        let scene = Scene::new(&mut cast.observer, &mut cast.blocker);
        let batch = (wanted - first).min(BATCH);
        let injected: Vec<Injected> = (first..first + batch).map(|number| cast.inject(&scene, number)).collect();
        // A client reads its error before the server has ended the transaction.
        let settled = "select not exists (select from holdfast.spans where transaction = 'pending')";
        in_time(&mut cast.observer, settled, Duration::from_secs(20));
        took.extend(injected.iter().map(|injected| cast.ask(injected)));
    }
    took.sort();
    let at = |share: f64| took[(took.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{} attempts explained; an answer took {:.2} ms at p50, {:.2} ms at p99", took.len(), at(0.5), at(0.99));
}
