//! Many sessions that want the same tables, with the same keys, at the same time: seeded, so that a run can be repeated.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use crate::{Call, Room, Server, Session, at, atomic_confirm, confirm, confirm_hold};

/// Refusals that such an evening may bring; anything else is a fault.
const EXPECTED: &[(&str, &str)] = &[
    ("P0001", "allocations_no_overlap"),
    ("P0001", "Hold conflict prevents assignment"),
    ("P0001", "assign_tables_atomic_v2 assignment overlap"),
    ("P0001", "expired at"),
    ("P0002", "not found"),
    ("P0003", "idempotency mismatch"),
    // Where guests cancel.
    ("P0004", "booking_state_conflict"),
    // The sessions' own end, or the server's.
    ("57P01", "terminating connection"),
    ("57P02", "terminating connection"),
];

/// What a crowd fights for.
pub struct Crowd {
    pub server: Server,
    pub database: String,
    pub room: Room,
    pub bookings: Vec<Uuid>,
    /// Confirms whose answer arrived: booking and its tables.
    pub acknowledged: Mutex<Vec<(Uuid, Vec<Uuid>)>>,
    /// Set when connections may break.
    pub over: AtomicBool,
}

/// A small generator (xorshift), so that a seed is all that a run needs.
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }
}

impl Crowd {
    /// Bookings in three sittings over the tables of one room: more than fit.
    #[must_use]
    pub fn gather(session: &mut Session, server: &Server, tables: usize, bookings: usize) -> Arc<Crowd> {
        let room = session.room(tables);
        let bookings = (0..bookings)
            .map(|number| {
                let start = at(["12:00", "14:00", "18:00"][number % 3]);
                session.booking_at(room.restaurant, start, start + chrono::Duration::hours(2))
            })
            .collect();
        let database = session.value("select current_database()::text");
        let (acknowledged, over) = (Mutex::default(), AtomicBool::new(false));
        Arc::new(Crowd { server: server.clone(), database, room, bookings, acknowledged, over })
    }

    /// The tables that a booking always wants: the request under its key is one and the same.
    #[must_use]
    pub fn wish(&self, booking: usize) -> Vec<Uuid> {
        let tables = &self.room.tables;
        let (first, size) = (booking * 7 % tables.len(), 1 + booking % 3);
        let mut wish: Vec<Uuid> = (first..first + size).map(|place| tables[place % tables.len()]).collect();
        wish.sort_unstable();
        wish
    }

    /// One session of the crowd, until the evening is over. Returns how many calls were answered.
    pub fn visit(&self, seed: u64) -> usize {
        let mut dice = Dice::new(seed);
        let mut answered = 0;
        let mut session = None;
        while !self.over.load(Ordering::Relaxed) {
            let connected = match session.take() {
                Some(connected) => connected,
                None => match self.server.try_connect(&self.database, "guest").and_then(Session::try_new) {
                    Ok(session) => session,
                    Err(_) => continue,
                },
            };
            session = self.turn(connected, &mut dice, &mut answered);
        }
        answered
    }

    /// One call of a session; None when its connection is gone.
    fn turn(&self, mut session: Session, dice: &mut Dice, answered: &mut usize) -> Option<Session> {
        let number = dice.roll(self.bookings.len());
        let (booking, wish) = (self.bookings[number], self.wish(number));
        let key = format!("key of {booking}");
        let way = dice.roll(6);
        let hold = match way {
            2..=4 => match self.take(&mut session, booking, &wish) {
                Answer::Rows(rows) => rows[0]["hold_id"].as_str()?.parse().ok()?,
                Answer::Refused => return Some(session),
                Answer::Gone => return None,
            },
            _ => Uuid::nil(),
        };
        let call = match way {
            0 | 1 => confirm(booking, &wish, &key),
            2 => confirm_hold(hold, booking, &key),
            3 => atomic_confirm(booking, hold, &key),
            4 => Call::new("release_hold_and_emit").with("p_hold_id", hold),
            _ => Call::new("reconcile_booking").with("p_booking_id", booking),
        };
        match self.ask(&mut session, &call) {
            Answer::Gone => return None,
            Answer::Rows(_) if way < 4 => {
                self.acknowledged.lock().expect("nobody panicked").push((booking, wish));
            }
            _ => {}
        }
        *answered += 1;
        Some(session)
    }

    fn take(&self, session: &mut Session, booking: Uuid, wish: &[Uuid]) -> Answer {
        let call =
            Call::new("hold_tables").with("p_booking_id", booking).with("p_table_ids", wish).with("p_ttl_seconds", 60);
        self.ask(session, &call)
    }

    /// Asks, and checks the refusal if it is one.
    fn ask(&self, session: &mut Session, call: &Call) -> Answer {
        let sql = format!("select to_jsonb(answer) from {} as answer", call.sql());
        let error = match session.client.query(&sql, &[]) {
            Ok(rows) => return Answer::Rows(rows.iter().map(|row| row.get(0)).collect()),
            Err(error) => error,
        };
        let Some(db) = error.as_db_error() else { return Answer::Gone };
        let (state, message) = (db.code().code(), db.message());
        let known = EXPECTED.iter().any(|(code, words)| state == *code && message.contains(words));
        assert!(known, "an unexpected answer to {}: {state} {message} {:?}", call.sql(), db.detail());
        if state.starts_with("57P") { Answer::Gone } else { Answer::Refused }
    }

    /// Every confirm whose answer arrived is there, with its tables.
    pub fn assert_acknowledged(&self, session: &mut Session) -> usize {
        let acknowledged = self.acknowledged.lock().expect("nobody panicked");
        for (booking, wish) in acknowledged.iter() {
            let tables: Vec<Uuid> = session.column(&format!(
                "select table_id from public.booking_table_assignments where booking_id = '{booking}' order by 1"
            ));
            assert_eq!(&tables, wish, "booking {booking} was told that it has these tables");
        }
        acknowledged.len()
    }
}

/// What came back.
enum Answer {
    Rows(Vec<serde_json::Value>),
    Refused,
    /// The connection is gone.
    Gone,
}
