//! One session of the service: takes turns, tries a guest's wishes, and keeps a journal of what it was answered.

use crate::calls::{Caller, Refusal, Seat, Trouble};
use crate::evening::{Booking, Evening, Story};
use crate::floor::TableIndex;
use crate::journal::{Answer, Call, Expectation, Journal, REPLAYED};
use crate::progress::Board;
use crate::server::Server;
use crate::turns::{Turn, Turns};
use postgres::Client;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub const HOLD_SECONDS: i32 = 180;
const TRIES: u32 = 8;
const FIRST_PAUSE_MS: u64 = 5;

/// What the sessions share.
pub struct House<'a> {
    pub evening: &'a Evening,
    pub server: &'a Server,
    /// The idempotency key of each booking.
    pub keys: &'a [String],
    pub turns: Turns,
    pub board: Board,
    /// Ends the sessions of others.
    pub bouncer: Mutex<Client>,
    pub dawdlers: Mutex<Vec<Dawdler>>,
}

/// A guest whose hold runs out before the confirm.
pub struct Dawdler {
    pub place: Place,
    pub heir: usize,
    pub held_at: Instant,
}

/// Tables tried for a booking, and the hold on them if there is one.
#[derive(Clone)]
pub struct Place {
    pub booking: usize,
    pub tables: Vec<TableIndex>,
    pub hold: Option<Uuid>,
}

/// What came of a wish.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Seated,
    Taken,
    /// The guest left without a table and does not come back.
    Gone,
}

pub struct Session<'a> {
    pub house: &'a House<'a>,
    pub caller: Caller,
    pub partner: Option<Caller>,
    pub journal: Journal,
    first_confirm: bool,
}

impl<'a> Session<'a> {
    pub fn open(house: &'a House<'a>) -> Result<Self, String> {
        let caller = house.server.caller()?;
        Ok(Self { house, caller, partner: None, journal: Journal::default(), first_confirm: true })
    }

    pub fn reopen(&mut self) -> Result<(), String> {
        self.caller = self.house.server.caller()?;
        self.first_confirm = true;
        Ok(())
    }

    pub fn booking(&self, index: usize) -> &'a Booking {
        &self.house.evening.bookings[index]
    }

    pub fn serve_all(mut self) -> Result<Journal, String> {
        while let Some(mut serving) = self.house.turns.next() {
            let heir = self.serve(&serving.turn)?;
            serving.heir = heir;
        }
        Ok(self.journal)
    }

    /// Serves one guest; returns the one who takes over the tables.
    pub fn serve(&mut self, turn: &Turn) -> Result<Option<Turn>, String> {
        let booking = self.booking(turn.booking);
        self.ask_wrongly(turn.booking);
        let mut heir = None;
        let mut fate = Fate::Taken;
        let mut first_wish_granted = false;
        for tables in turn.first_wish.iter().chain(&booking.wishes) {
            let mut place = Place { booking: turn.booking, tables: tables.clone(), hold: None };
            fate = self.try_place(&mut place)?;
            if fate == Fate::Seated {
                first_wish_granted = turn.first_wish.as_ref() == Some(tables);
                heir = self.leave(&place)?;
            }
            if fate != Fate::Taken {
                break;
            }
        }
        match fate {
            Fate::Seated => self.journal.seated += 1,
            Fate::Taken => self.journal.turned_away += 1,
            Fate::Gone => {}
        }
        if let Some(tables) = &turn.first_wish {
            self.journal.handed_on(booking.id, self.house.evening.floor.ids(tables), first_wish_granted);
        }
        self.house.board.served(fate);
        Ok(heir.or(match booking.story {
            Story::Cancel { heir } | Story::HoldRunsOut { heir } if fate == Fate::Taken => {
                Some(Turn { booking: heir, first_wish: None })
            }
            _ => None,
        }))
    }

    fn try_place(&mut self, place: &mut Place) -> Result<Fate, String> {
        let story = self.booking(place.booking).story;
        if story != Story::WithoutHold {
            let ttl = if matches!(story, Story::HoldRunsOut { .. }) { 1 } else { HOLD_SECONDS };
            match self.hold(place, ttl) {
                Ok(hold) => place.hold = Some(hold),
                Err(trouble) => return self.turned_down(place, trouble),
            }
        }
        match self.confirm_as_told(place)? {
            Ok(fate) => Ok(fate),
            Err(trouble) => {
                if let Some(hold) = place.hold {
                    patiently(|| self.caller.release(hold), &mut self.journal, Call::Other)
                        .map_err(|trouble| format!("releasing a hold: {trouble:?}"))?;
                }
                self.turned_down(place, trouble)
            }
        }
    }

    /// A plain request may only fail because somebody else has the tables.
    fn turned_down(&mut self, place: &Place, trouble: Trouble) -> Result<Fate, String> {
        match trouble {
            Trouble::Lost => Err("the server closed a session that nobody ended".to_string()),
            Trouble::Refused(refusal) if refusal.is_conflict() => Ok(Fate::Taken),
            Trouble::Refused(refusal) => {
                let tables = self.house.evening.floor.names(&place.tables);
                let got = format!("{} at {tables}: {}", refusal.code, refusal.message);
                self.expect(place.booking, "plain request", "HF001", got);
                Ok(Fate::Taken)
            }
        }
    }

    pub fn expect(&mut self, booking: usize, request: &'static str, expected: &'static str, got: String) {
        let booking = self.booking(booking).id;
        self.journal.expectations.push(Expectation { booking, request, expected, got });
    }

    pub fn cancel(&mut self, booking: usize) -> Result<(), String> {
        let id = self.booking(booking).id;
        patiently(|| self.caller.cancel(id), &mut self.journal, Call::Other)
            .map_err(|trouble| format!("cancelling a booking: {trouble:?}"))?;
        self.journal.count(Call::Other, "HF007");
        Ok(())
    }

    pub fn hold(&mut self, place: &Place, ttl_seconds: i32) -> Result<Uuid, Trouble> {
        let tables = self.house.evening.floor.ids(&place.tables);
        let booking = self.booking(place.booking).id;
        let answer = patiently(|| self.caller.hold(booking, &tables, ttl_seconds), &mut self.journal, Call::Hold);
        if answer.is_ok() {
            self.journal.count(Call::Hold, "HF003");
        }
        answer
    }

    /// The confirm itself, once or until a transient refusal has passed.
    pub fn confirm(&mut self, place: &Place) -> Result<Vec<Seat>, Trouble> {
        let (answer, took) = self.ask(place);
        if answer.is_ok() {
            self.journal.count(Call::Confirm, "HF001");
            let first = std::mem::take(&mut self.first_confirm);
            let latencies = &mut self.journal.latencies;
            if first { &mut latencies.first_confirms } else { &mut latencies.confirms }.push(took);
        }
        answer
    }

    /// The same request under the same key.
    pub fn confirm_again(&mut self, place: &Place) -> Result<Vec<Seat>, Trouble> {
        let (answer, took) = self.ask(place);
        if answer.is_ok() {
            self.journal.count(Call::Confirm, REPLAYED);
            self.journal.latencies.replays.push(took);
        }
        answer
    }

    fn ask(&mut self, place: &Place) -> (Result<Vec<Seat>, Trouble>, Duration) {
        let house = self.house;
        let started = Instant::now();
        let answer = patiently(|| request(house, &mut self.caller, place), &mut self.journal, Call::Confirm);
        let took = started.elapsed();
        if let Ok(seats) = &answer {
            self.acknowledge(place, seats);
        }
        (answer, took)
    }

    pub fn acknowledge(&mut self, place: &Place, seats: &[Seat]) {
        let booking = self.booking(place.booking).id;
        let key = self.house.keys[place.booking].clone();
        self.journal.answers.push(Answer { booking, key, seats: seats.to_vec() });
    }
}

/// Confirms by the hold where the guest has one, else by naming the tables.
pub fn request(house: &House, caller: &mut Caller, place: &Place) -> Result<Vec<Seat>, Trouble> {
    let booking = &house.evening.bookings[place.booking];
    let key = &house.keys[place.booking];
    match place.hold {
        Some(hold) if booking.story != Story::ByTables => caller.confirm_by_hold(booking.id, hold, key),
        _ => caller.confirm_by_tables(booking.id, &house.evening.floor.ids(&place.tables), key),
    }
}

/// Retries what the server says may be retried, waiting twice as long each time, and counts every refusal.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, Trouble>, journal: &mut Journal, call: Call) -> Result<T, Trouble> {
    let mut tries = 0;
    loop {
        tries += 1;
        match ask() {
            Err(Trouble::Refused(refusal)) => {
                journal.refused(call, &refusal);
                if tries == TRIES || !refusal.is_retryable() {
                    return Err(Trouble::Refused(refusal));
                }
                thread::sleep(Duration::from_millis(FIRST_PAUSE_MS << tries));
            }
            other => return other,
        }
    }
}

/// What a request came to, in one word.
pub fn word(answer: &Result<Vec<Seat>, Trouble>) -> String {
    match answer {
        Ok(_) => "HF001".to_string(),
        Err(Trouble::Refused(Refusal { code, .. })) => code.clone(),
        Err(Trouble::Lost) => "no answer".to_string(),
    }
}
