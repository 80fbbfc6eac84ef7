//! What befalls the guests: each story is a function here, and says whether it ended as promised.

use crate::calls::{Seat, Trouble};
use crate::evening::Story;
use crate::guest::{Dawdler, Fate, HOLD_SECONDS, Place, Session, request, word};
use crate::journal::{Call, KILLED, Kill, REPLAYED, Tale};
use crate::turns::Turn;
use std::thread;
use std::time::{Duration, Instant};

/// Outside: the demo cannot go on. Inside: what the server answered.
type Told = Result<Result<Fate, Trouble>, String>;

impl Session<'_> {
    pub fn confirm_as_told(&mut self, place: &Place) -> Told {
        match self.booking(place.booking).story {
            Story::AskTwice => self.ask_twice(place),
            Story::DoubleClick => self.double_click(place),
            Story::AnswerLost => self.answer_lost(place),
            Story::KilledAndBack => self.killed(place, true),
            Story::KilledForGood => self.killed(place, false),
            Story::HoldRunsOut { heir } => Ok(Ok(self.dawdle(place, heir))),
            Story::StrangersHold => self.strangers_hold(place),
            Story::KeyForOtherTables => self.key_for_other_tables(place),
            _ => Ok(self.confirm(place).map(|_| Fate::Seated)),
        }
    }

    fn ask_twice(&mut self, place: &Place) -> Told {
        let first = match self.confirm(place) {
            Ok(first) => first,
            Err(trouble) => return Ok(Err(trouble)),
        };
        self.must_repeat(Tale::AskTwice, place, &first);
        Ok(Ok(Fate::Seated))
    }

    /// Asks under the same key and compares.
    fn must_repeat(&mut self, tale: Tale, place: &Place, first: &[Seat]) {
        let again = self.confirm_again(place);
        let same = again.as_ref().is_ok_and(|again| again == first);
        self.journal.tale(tale, same);
        let got = if same { "HF001".to_string() } else { format!("{}, not the first answer", word(&again)) };
        self.expect(place.booking, tale.told().0, "HF001", got);
    }

    /// Two sessions send the same request at the same moment.
    fn double_click(&mut self, place: &Place) -> Told {
        let house = self.house;
        if self.partner.is_none() {
            self.partner = Some(house.server.caller()?);
        }
        let (caller, partner) = (&mut self.caller, self.partner.as_mut().expect("just opened"));
        let (one, two) = thread::scope(|scope| {
            let other = scope.spawn(|| request(house, partner, place));
            (request(house, caller, place), other.join().expect("the other session panicked"))
        });
        let answers = [self.settle(place, one), self.settle(place, two)];
        let same = matches!(&answers, [Ok(one), Ok(two)] if one == two);
        self.journal.tale(Tale::DoubleClick, same);
        for (answer, code) in answers.iter().zip(["HF001", REPLAYED]) {
            match answer {
                Ok(seats) => {
                    self.journal.count(Call::Confirm, code);
                    self.acknowledge(place, seats);
                }
                Err(Trouble::Refused(refusal)) => self.journal.refused(Call::Confirm, refusal),
                Err(Trouble::Lost) => {}
            }
        }
        let [one, two] = answers;
        Ok(one.or(two).map(|_| Fate::Seated))
    }

    /// The loser of the race may be told to ask again.
    fn settle(&mut self, place: &Place, answer: Result<Vec<Seat>, Trouble>) -> Result<Vec<Seat>, Trouble> {
        match answer {
            Err(Trouble::Refused(refusal)) if refusal.is_retryable() => {
                self.journal.refused(Call::Confirm, &refusal);
                request(self.house, &mut self.caller, place)
            }
            other => other,
        }
    }

    /// The confirm commits, but the connection breaks before the guest hears of it.
    fn answer_lost(&mut self, place: &Place) -> Told {
        let unheard = match self.confirm(place) {
            Ok(seats) => seats,
            Err(trouble) => return Ok(Err(trouble)),
        };
        self.reopen()?;
        self.must_repeat(Tale::AnswerLost, place, &unheard);
        Ok(Ok(Fate::Seated))
    }

    /// Another session ends this one after the confirm and before its COMMIT.
    fn killed(&mut self, place: &Place, comes_back: bool) -> Told {
        let opened = self.caller.begin().and_then(|()| request(self.house, &mut self.caller, place));
        if let Err(trouble) = opened {
            self.reopen()?;
            if let Trouble::Refused(refusal) = &trouble {
                self.journal.refused(Call::Confirm, refusal);
            }
            return Ok(Err(trouble));
        }
        let (process, transaction_id) =
            self.caller.process_and_transaction().map_err(|trouble| format!("reading the transaction: {trouble:?}"))?;
        self.end(process)?;
        let committed = self.caller.commit().is_ok();
        self.journal.count(Call::Confirm, KILLED);
        self.journal.kills.push(Kill {
            booking: self.booking(place.booking).id,
            key: self.house.keys[place.booking].clone(),
            transaction_id,
            came_back: comes_back,
        });
        self.reopen()?;
        if !comes_back {
            self.journal.tale(Tale::KilledForGood, !committed);
            return Ok(Ok(Fate::Gone));
        }
        let again = self.confirm(place);
        self.journal.tale(Tale::KilledAndBack, !committed && again.is_ok());
        Ok(again.map(|_| Fate::Seated))
    }

    fn end(&self, process: i32) -> Result<(), String> {
        let mut bouncer = self.house.bouncer.lock().map_err(|_| "the bouncer is gone".to_string())?;
        let ended = bouncer.query_one("select pg_terminate_backend($1, 5000)", &[&process]);
        match ended.map(|row| row.get::<_, bool>(0)) {
            Ok(true) => Ok(()),
            Ok(false) => Err("a session did not end when told to".to_string()),
            Err(error) => Err(format!("ending a session: {error}")),
        }
    }

    /// Holds for a second and thinks about it for longer; `dawdled` asks when it is too late.
    fn dawdle(&mut self, place: &Place, heir: usize) -> Fate {
        let dawdler = Dawdler { place: place.clone(), heir, held_at: Instant::now() };
        self.house.dawdlers.lock().expect("a session panicked").push(dawdler);
        Fate::Gone
    }

    /// Too late: the confirm must be refused, and the next guest must get the tables.
    pub fn dawdled(&mut self, dawdler: &Dawdler) {
        let lapse = Duration::from_millis(1100);
        thread::sleep(lapse.saturating_sub(dawdler.held_at.elapsed()));
        let answer = self.confirm(&dawdler.place);
        let refused = self.must_refuse(dawdler.place.booking, Tale::HoldRunsOut, "HF202", &answer);
        let mut place = Place { booking: dawdler.heir, hold: None, ..dawdler.place.clone() };
        let taken_over = self.hold(&place, HOLD_SECONDS).and_then(|hold| {
            place.hold = Some(hold);
            self.confirm(&place)
        });
        self.journal.seated += u64::from(taken_over.is_ok());
        self.journal.turned_away += 1 + u64::from(taken_over.is_err());
        self.journal.tale(Tale::HoldRunsOut, refused);
        let tables = self.house.evening.floor.ids(&place.tables);
        self.journal.handed_on(self.booking(place.booking).id, tables, taken_over.is_ok());
    }

    /// A stranger tries the hold of this guest; then the guest confirms it.
    fn strangers_hold(&mut self, place: &Place) -> Told {
        let stranger = Place { booking: self.house.evening.stranger, ..place.clone() };
        let answer = self.confirm(&stranger);
        let refused = self.must_refuse(stranger.booking, Tale::StrangersHold, "HF201", &answer);
        self.journal.tale(Tale::StrangersHold, refused);
        Ok(self.confirm(place).map(|_| Fate::Seated))
    }

    fn key_for_other_tables(&mut self, place: &Place) -> Told {
        if let Err(trouble) = self.confirm(place) {
            return Ok(Err(trouble));
        }
        let others = self.booking(place.booking).wishes.iter().find(|tables| **tables != place.tables);
        if let Some(tables) = others {
            let other = Place { booking: place.booking, tables: tables.clone(), hold: None };
            let answer = self.confirm(&other);
            let refused = self.must_refuse(place.booking, Tale::KeyForOtherTables, "HF301", &answer);
            self.journal.tale(Tale::KeyForOtherTables, refused);
        }
        Ok(Ok(Fate::Seated))
    }

    /// The requests that break a rule, made before the guest asks for something sensible.
    pub fn ask_wrongly(&mut self, booking: usize) {
        let floor = &self.house.evening.floor;
        let (tale, expected, tables) = match self.booking(booking).story {
            Story::PartyTooBig => (Tale::PartyTooBig, "HF511", vec![floor.tables.len() - 1]),
            Story::TablesApart => (Tale::TablesApart, "HF510", self.house.evening.tables_apart.clone()),
            _ => return,
        };
        let answer = self.confirm(&Place { booking, tables, hold: None });
        let refused = self.must_refuse(booking, tale, expected, &answer);
        self.journal.tale(tale, refused);
    }

    fn must_refuse(
        &mut self,
        booking: usize,
        tale: Tale,
        expected: &'static str,
        answer: &Result<Vec<Seat>, Trouble>,
    ) -> bool {
        let got = word(answer);
        let refused = got == expected;
        self.expect(booking, tale.told().0, expected, got);
        refused
    }

    /// A seated guest who cancels: the tables go to the one who waits for them, and a late worker asks again with
    /// the key of the cancelled booking.
    pub fn leave(&mut self, place: &Place) -> Result<Option<Turn>, String> {
        let Story::Cancel { heir } = self.booking(place.booking).story else { return Ok(None) };
        self.cancel(place.booking)?;
        let answer = self.confirm_again(place);
        let refused = self.must_refuse(place.booking, Tale::CancelledKey, "HF304", &answer);
        self.journal.tale(Tale::CancelledKey, refused);
        Ok(Some(Turn { booking: heir, first_wish: Some(place.tables.clone()) }))
    }
}
