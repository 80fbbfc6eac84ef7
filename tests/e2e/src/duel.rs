//! Two sessions that want opposite things of the same booking at the same moment, many times over, while sessions are ended
//! and backends are killed: seeded, so that a run can be repeated.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use postgres::SimpleQueryMessage;
use serde_json::Value;
use uuid::Uuid;

use crate::{Call, Dice, Room, Server, Session};

/// What both want: a booking with two holds of its own, each on a table that nobody else wants.
#[derive(Debug, Clone)]
pub struct Prize {
    pub booking: Uuid,
    pub holds: [Uuid; 2],
    pub key: String,
}

/// How one side's transaction ended, as far as its session knows.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// COMMIT was acknowledged; the first row of the answer.
    Committed(Value),
    RolledBack(Value),
    /// Raised, and rolled back; the SQLSTATE and the message.
    Refused(String, String),
    /// The connection went away: whether it committed is not known.
    Lost,
}

impl End {
    /// The outcome of a row that was committed.
    #[must_use]
    pub fn committed(&self) -> Option<&str> {
        match self {
            End::Committed(row) => row["outcome"].as_str(),
            _ => None,
        }
    }
}

/// One side's move.
pub struct Turn {
    pub call: Call,
    pub level: &'static str,
    pub commit: bool,
    /// Between the answer and the end of the transaction.
    pub pause: Duration,
}

/// Where they meet.
pub struct Arena {
    pub server: Server,
    /// The server as the fighters reach it: itself, or a pooler before it.
    pub entrance: Server,
    pub database: String,
    pub seed: u64,
    over: AtomicBool,
}

/// A side's next move.
pub type Strategy = dyn Fn(&Prize, &mut Dice) -> Turn + Sync;

/// The sessions that may be ended or killed carry this name.
const FIGHTER: &str = "fighter";

impl Arena {
    #[must_use]
    pub fn new(server: &Server, database: &str, seed: u64) -> Arena {
        Arena {
            server: server.clone(),
            entrance: server.clone(),
            database: database.to_owned(),
            seed,
            over: AtomicBool::new(false),
        }
    }

    /// Lets two sessions a lane fight for each prize, and tells how each ended. `disturb` runs beside them, again and
    /// again until they are done, with the ids of the sessions that are at work.
    pub fn fight(
        &self,
        prizes: &[Prize],
        lanes: usize,
        sides: [&Strategy; 2],
        mut disturb: impl FnMut(&Arena),
    ) -> HashMap<Uuid, [End; 2]> {
        let ends: Mutex<HashMap<Uuid, [End; 2]>> = Mutex::default();
        self.over.store(false, Ordering::Relaxed);
        thread::scope(|scope| {
            let mut fighters = vec![];
            for (lane, prizes) in prizes.chunks(prizes.len().div_ceil(lanes).max(1)).enumerate() {
                let start: &Barrier = Box::leak(Box::new(Barrier::new(2)));
                for (side, turn) in sides.into_iter().enumerate() {
                    let ends = &ends;
                    let dice = Dice::new(self.seed.wrapping_add((lane * 2 + side) as u64 + 1));
                    fighters.push(scope.spawn(move || self.side(prizes, start, (side, turn), dice, ends)));
                }
            }
            while fighters.iter().any(|fighter| !fighter.is_finished()) {
                disturb(self);
                thread::sleep(Duration::from_millis(20));
            }
        });
        ends.into_inner().expect("nobody panicked")
    }

    fn side(
        &self,
        prizes: &[Prize],
        start: &Barrier,
        (side, turn): (usize, &Strategy),
        mut dice: Dice,
        ends: &Mutex<HashMap<Uuid, [End; 2]>>,
    ) {
        let mut session = None;
        for prize in prizes {
            let turn = turn(prize, &mut dice);
            let late = Duration::from_micros(dice.roll(3000) as u64);
            let mut connected = session.take().unwrap_or_else(|| self.enter());
            start.wait();
            thread::sleep(late);
            let end = connected.turn(&turn);
            if end != End::Lost {
                session = Some(connected);
            }
            ends.lock().expect("nobody panicked").entry(prize.booking).or_insert([End::Lost, End::Lost])[side] = end;
        }
    }

    /// A session, as soon as the server takes it.
    #[must_use]
    pub fn enter(&self) -> Session {
        self.reach(&self.entrance, FIGHTER)
    }

    #[must_use]
    pub fn connect(&self, name: &str) -> Session {
        self.reach(&self.server, name)
    }

    fn reach(&self, server: &Server, name: &str) -> Session {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            match server.try_connect(&self.database, name).and_then(Session::try_new) {
                Ok(session) => return session,
                Err(error) => assert!(Instant::now() < give_up, "the server does not come back: {error}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A session that is in the middle of something, by the dice.
    pub fn victim(&self, dice: &mut Dice) -> Option<i32> {
        let mut observer = self.connect("disturber");
        let busy = observer.client.query(
            "select pid from pg_stat_activity where datname = current_database() and application_name = $1
             and state <> 'idle' order by pid",
            &[&FIGHTER],
        );
        let busy: Vec<i32> = busy.ok()?.iter().map(|row| row.get(0)).collect();
        (!busy.is_empty()).then(|| busy[dice.roll(busy.len())])
    }

    /// Ends one of them; false when there was none.
    pub fn terminate_one(&self, dice: &mut Dice) -> bool {
        let Some(pid) = self.victim(dice) else { return false };
        let mut observer = self.connect("disturber");
        observer.client.query_one("select pg_terminate_backend($1)", &[&pid]).is_ok_and(|row| row.get(0))
    }
}

impl Session {
    /// One transaction: the call, a pause, the end.
    pub fn turn(&mut self, turn: &Turn) -> End {
        let begin = format!("begin isolation level {}", turn.level);
        let sql = format!("select to_jsonb(answer) from {} as answer", turn.call.sql());
        let answered = self.client.batch_execute(&begin).and_then(|()| self.client.simple_query(&sql));
        let row = match answered {
            Ok(messages) => messages.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => serde_json::from_str(row.get(0)?).ok(),
                _ => None,
            }),
            Err(error) => return self.ended(&error),
        };
        let row = row.unwrap_or(Value::Null);
        thread::sleep(turn.pause);
        match self.client.batch_execute(if turn.commit { "commit" } else { "rollback" }) {
            Ok(()) if turn.commit => End::Committed(row),
            Ok(()) => End::RolledBack(row),
            Err(error) => self.ended(&error),
        }
    }

    fn ended(&mut self, error: &postgres::Error) -> End {
        let Some(db) = error.as_db_error() else { return End::Lost };
        let end = End::Refused(db.code().code().to_owned(), db.message().to_owned());
        let gone = ["57P", "08"].iter().any(|class| db.code().code().starts_with(class));
        if gone || self.client.batch_execute("rollback").is_err() {
            return End::Lost;
        }
        end
    }

    /// Bookings with their holds, each on a day and at tables of its own, from the given number on.
    pub fn prizes(&mut self, room: &Room, from: usize, count: usize) -> Vec<Prize> {
        let pairs = room.tables.len() / 2;
        let sql = format!(
            "with tables as (select array_agg(id order by id) as ids from public.table_inventory where zone_id = '{zone}'),
             wanted as materialized (
               select n, gen_random_uuid() as booking, gen_random_uuid() as one, gen_random_uuid() as two,
                      (timestamptz '2027-05-01 18:00+00' + n / {pairs} * interval '1 day') as start,
                      ids[n % {pairs} * 2 + 1] as first_table, ids[n % {pairs} * 2 + 2] as second_table
               from tables, generate_series({from}, {last}) n),
             bookings as (
               insert into public.bookings (id, restaurant_id, party_size, start_at, end_at, auto_assign_idempotency_key)
               select booking, '{restaurant}', 2, start, start + interval '2 hours', 'key of ' || booking
               from wanted returning id),
             holds as (
               insert into public.table_holds (id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at)
               select hold, booking, '{restaurant}', '{zone}', start, start + interval '2 hours',
                      clock_timestamp() + interval '1 hour'
               from wanted, unnest(array[one, two]) hold returning id),
             members as (
               insert into public.table_hold_members (hold_id, table_id)
               select hold, place from wanted,
                 lateral (values (one, first_table), (two, second_table)) held (hold, place) returning hold_id),
             mirrors as (
               insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\", shadow)
               select booking, '{restaurant}', 'hold', hold, tstzrange(start, start + interval '2 hours'), true
               from wanted, unnest(array[one, two]) hold returning id)
             select booking, one, two from wanted order by n",
            zone = room.zone,
            restaurant = room.restaurant,
            last = from + count - 1,
        );
        let rows = self.client.query(&sql, &[]).unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
        rows.iter()
            .map(|row| Prize {
                booking: row.get(0),
                holds: [row.get(1), row.get(2)],
                key: format!("key of {}", row.get::<_, Uuid>(0)),
            })
            .collect()
    }
}
