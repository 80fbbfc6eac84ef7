//! Holds: taken, locked, closed.

use std::collections::{BTreeMap, BTreeSet};

use pgrx::pg_sys;

use super::Store;
use super::columns::{Columns, CountRow, columns};
use super::parameter::{self, Ids};
use super::probe::{self, NotDirect, ProbeKey, Reader, Shape, probe};
use super::row::{self, Row, Word};
use super::statement::statement;
use super::table::{MembersOf, TableById};
use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::hold::request::HoldRequest;
use crate::rules::hold::{Hold, HoldEnd, HoldEnding, HoldPolicy, TTL_MAX_SECONDS};
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;
use crate::rules::schema::application_tables::HOLD_STATUSES;

columns!(HoldRow {
    id: Id,
    booking_id: Option<Id>,
    restaurant_id: Id,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    expires_at: Option<Instant>,
    status: String,
    metadata: Json,
});
statement!("holds_lock" locks "holds", HoldsLock { booking: Option<Id>, hold: Option<Id> } -> HoldRow);
statement!("holds_read" reads "holds", HoldsRead { booking: Option<Id>, hold: Option<Id> } -> HoldRow);
statement!("holds_of_booking_lock" locks "holds_of_booking", HoldsOfBookingLock { booking: Option<Id> } -> HoldRow);
statement!("holds_of_booking_read" reads "holds_of_booking", HoldsOfBookingRead { booking: Option<Id> } -> HoldRow);
// The same by probes: which holds, and each of them; those that are not named without what else they say.
columns!(LiveHoldRow { id: Id, status: Word });
/// Indexes may have the live ones only.
pub(super) const LIVE: &[Shape] = &[Shape::Call(pg_sys::F_ENUM_EQ, &[Shape::Column("status"), Shape::Label("active")])];
probe!(all where LIVE, "table_holds", LiveHoldsOf { booking_id: Id } -> LiveHoldRow);
columns!(NamedHoldRow {
    booking_id: Option<Id>,
    restaurant_id: Id,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    expires_at: Option<Instant>,
    status: Word,
    metadata: Json,
});
probe!(one "table_holds", NamedHold { id: Id } -> NamedHoldRow);
columns!(OtherHoldRow {
    booking_id: Option<Id>,
    restaurant_id: Id,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    expires_at: Option<Instant>,
    status: Word,
});
probe!(one "table_holds", OtherHold { id: Id } -> OtherHoldRow);
columns!(HeldRow { start_at: Option<Instant>, end_at: Option<Instant>, tables: Vec<Id> });
statement!("hold_read", HoldRead { hold: Id } -> HeldRow);
statement!("hold_extend", HoldExtend { hold: Id, expires_at: Instant });
columns!(OwnHoldRow {
    id: Id,
    booking_id: Option<Id>,
    restaurant_id: Id,
    start_at: Option<Instant>,
    end_at: Option<Instant>,
    expires_at: Option<Instant>,
    status: String,
    metadata: Json,
    created_by: Option<Id>,
    members: Vec<Id>,
});
statement!(
    "holds_own",
    HoldsOwn {
        booking: Option<Id>,
        created_by: Option<Id>,
        table: Option<Id>,
        start: Option<Instant>,
        end: Option<Instant>,
    } -> OwnHoldRow
);
columns!(OverdueRow { id: Id, booking_id: Option<Id>, restaurant_id: Id });
statement!(
    "holds_overdue_on",
    HoldsOverdueOn { now: Instant, restaurant: Id, tables: Ids, start: Instant, end: Instant } -> OverdueRow
);
statement!("hold_ended_read", HoldEndedRead { hold: Id } -> HoldRow);
statement!("ended_holds_prune", EndedHoldsPrune { cutoff: Instant, batch: i32 } -> CountRow);
columns!(PolicyRow { ending: Option<String>, mirrors: bool, to_window_end: bool, longest_seconds: Option<i32> });
statement!("hold_policy_read", HoldPolicyRead {} -> PolicyRow);
probe!(all "holdfast_hold_policy", EveryHoldPolicy {} -> PolicyRow);
statement!("hold_policy_write", HoldPolicyWrite<'a> { ending: &'a str, mirrors: bool, to_window_end: bool });

/// The feature of a schema in which attach wrote down how holds end.
pub(super) const ENDED_HOLDS: &str = "ended_holds";

/// What a hold stands for; the window is None when it is unusable.
pub struct HeldTables {
    pub window: Option<Window>,
    pub tables: Vec<Id>,
}

/// A hold of a row that a statement or a probe found; a probe reads its words another way, and not always all.
macro_rules! held {
    ($row:ident, $id:expr, $status:expr, $metadata:expr) => {
        Hold {
            id: $id,
            booking: $row.booking_id(),
            restaurant: $row.restaurant_id(),
            start: $row.start_at(),
            end: $row.end_at(),
            expires_at: $row.expires_at().unwrap_or(Instant::NEVER),
            status: $status,
            metadata: $metadata,
            members: Vec::new(),
        }
    };
}

fn read(row: &Row<HoldRow>) -> Hold {
    held!(row, row.id(), row.status(), row.metadata())
}

/// A hold to be taken.
pub struct NewHold<'a> {
    pub id: Id,
    pub booking: Option<Id>,
    pub restaurant: Id,
    pub zone: Option<Id>,
    pub tables: &'a [Id],
    pub window: Window,
    pub expires_at: Instant,
    pub created_by: Option<Id>,
    pub metadata: Json,
    /// Is its mirror ours to write?
    pub mirrored: bool,
}

impl Store {
    /// Locks the named hold and the live holds of the booking, by id.
    pub fn holds_lock(&self, booking: Option<Id>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        let found = match self.connection.directly(|reader| probe_holds(reader, (booking, hold), true))? {
            Some(found) => found,
            None if hold.is_some() => self.run(HoldsLock { booking, hold }, read)?,
            None => self.run(HoldsOfBookingLock { booking }, read)?,
        };
        self.with_ended(found, hold)
    }

    /// The same, without a lock.
    pub fn holds_read(&self, booking: Option<Id>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        let found = match self.connection.directly(|reader| probe_holds(reader, (booking, hold), false))? {
            Some(found) => found,
            None if hold.is_some() => self.run(HoldsRead { booking, hold }, read)?,
            None => self.run(HoldsOfBookingRead { booking }, read)?,
        };
        self.with_ended(found, hold)
    }

    fn with_ended(&self, found: Vec<Hold>, hold: Option<Id>) -> Result<BTreeMap<Id, Hold>, Failure> {
        let mut found: BTreeMap<Id, Hold> = found.into_iter().map(|hold| (hold.id, hold)).collect();
        // Deleted when it ended: what became of it makes the same answers as a row that was closed.
        if let Some(id) = hold.filter(|id| !found.contains_key(id) && self.attachment.has(ENDED_HOLDS)) {
            let ended = self.run(HoldEndedRead { hold: id }, read)?;
            found.extend(ended.into_iter().map(|hold| (hold.id, hold)));
        }
        Ok(found)
    }

    /// The window and the tables of a hold, without a lock.
    pub fn hold_read(&self, hold: Id) -> Result<Option<HeldTables>, Failure> {
        let rows = self.run(HoldRead { hold }, |row| HeldTables {
            window: row::window(row.start_at(), row.end_at()),
            tables: row.tables(),
        })?;
        Ok(rows.into_iter().next())
    }

    /// Locks the open holds of whoever asks, with their tables. Judged by what the locked row says.
    pub fn holds_own(&self, request: &HoldRequest) -> Result<Vec<Hold>, Failure> {
        // A booking that has none is the one that most holds are for.
        let has_none = self.connection.directly(|reader| match request.booking {
            Some(booking_id) if reader.rows(LiveHoldsOf { booking_id }, |_| ())?.is_empty() => {
                reader.looks_at::<_, MembersOf>()?;
                reader.looks_at::<_, TableById>()?;
                reader.locks_in::<_, OtherHold>()
            }
            _ => Err(NotDirect::Rare),
        })?;
        if has_none.is_some() {
            return Ok(Vec::new());
        }
        let window = request.window;
        let parameters = HoldsOwn {
            booking: request.booking,
            created_by: request.created_by,
            table: request.tables.first().copied(),
            start: window.map(Window::start),
            end: window.map(Window::end),
        };
        let rows = self.run(parameters, |row| {
            let own = Hold { members: row.members(), ..held!(row, row.id(), row.status(), row.metadata()) };
            (own, row.created_by())
        })?;
        let own = |(hold, taker): &(Hold, Option<Id>)| {
            let by_taker = request.booking.is_some() || *taker == request.created_by;
            hold.status == "active" && hold.booking == request.booking && by_taker
        };
        Ok(rows.into_iter().filter(own).map(|(hold, _)| hold).collect())
    }

    /// Locks open holds on the tables that are over, but for those that somebody has locked.
    pub fn holds_overdue_on(
        &self,
        restaurant: Id,
        tables: &[Id],
        window: Window,
        now: Instant,
    ) -> Result<Vec<HoldEnding>, Failure> {
        let parameters = HoldsOverdueOn {
            now,
            restaurant,
            tables: parameter::ids(tables),
            start: window.start(),
            end: window.end(),
        };
        self.run(parameters, |row| HoldEnding {
            hold: row.id(),
            booking: row.booking_id(),
            restaurant: row.restaurant_id(),
            end: HoldEnd::Expired,
        })
    }

    /// Gives a locked hold a later deadline; the rows written.
    pub fn hold_extend(&self, hold: Id, expires_at: Instant) -> Result<i64, Failure> {
        let rows = self.run(HoldExtend { hold, expires_at }, |_| ())?;
        Ok(rows.len() as i64)
    }

    /// Forgets what became of holds that ended before the cutoff; how many.
    pub fn ended_holds_prune(&self, cutoff: Instant, batch: i32) -> Result<i64, Failure> {
        if !self.attachment.has(ENDED_HOLDS) {
            return Ok(0);
        }
        let counts = self.run(EndedHoldsPrune { cutoff, batch }, |row| row.count())?;
        Ok(counts.into_iter().next().unwrap_or_default())
    }

    /// How holds are taken and how they end, as attach found it or the owner says.
    pub fn hold_policy(&self) -> Result<HoldPolicy, Failure> {
        Ok(self.hold_policy_found()?.unwrap_or_default())
    }

    /// The same; None: nobody wrote anything down.
    pub fn hold_policy_found(&self) -> Result<Option<HoldPolicy>, Failure> {
        if !self.attachment.has(ENDED_HOLDS) {
            return Ok(None);
        }
        let policy = |row: &Row<PolicyRow>| HoldPolicy {
            deletes: row.ending().as_deref() == Some("delete"),
            mirrors: row.mirrors(),
            to_window_end: row.to_window_end(),
            longest_seconds: row.longest_seconds().unwrap_or(TTL_MAX_SECONDS),
        };
        let rows = match self.connection.directly(|reader| reader.rows(EveryHoldPolicy {}, policy))? {
            Some(rows) => rows,
            None => self.run(HoldPolicyRead {}, policy)?,
        };
        Ok(rows.into_iter().next())
    }

    /// Writes down what the application does, unless something stands there already.
    pub fn hold_policy_write(&self, policy: HoldPolicy) -> Result<(), Failure> {
        let ending = if policy.deletes { "delete" } else { "close" };
        self.run(HoldPolicyWrite { ending, mirrors: policy.mirrors, to_window_end: policy.to_window_end }, |_| ())
            .map(drop)
    }

    /// Does this schema remember how far its commits were looked at again?
    pub fn has_verified(&self) -> bool {
        !self.attachment.lacks("holdfast_commit_scan")
    }
}

/// As the statements: the named hold and the live ones of the booking, by id. Which they are is read before the first lock.
/// The named one is what it has become; another one counts if it still is live, and of the booking.
fn probe_holds(
    reader: &Reader,
    (booking, named): (Option<Id>, Option<Id>),
    locks: bool,
) -> Result<Vec<Hold>, NotDirect> {
    let mut wanted: BTreeSet<Id> = named.into_iter().collect();
    if let Some(booking_id) = booking {
        let of_booking = |row: &Row<LiveHoldRow>| Some((row.id(), is_active(&row.status())?));
        for found in reader.rows(LiveHoldsOf { booking_id }, of_booking)? {
            let (id, is_active) = found.ok_or(NotDirect::Sql(probe::UNKNOWN_WORD))?;
            wanted.extend(is_active.then_some(id));
        }
    }
    if locks && wanted.is_empty() {
        reader.locks_in::<_, OtherHold>()?;
    }
    let mut holds = Vec::new();
    for id in wanted {
        if named == Some(id) {
            holds.extend(of_key(reader, locks, NamedHold { id }, |row: &Row<NamedHoldRow>| {
                held!(row, id, row.status().0, row.metadata())
            })?);
            continue;
        }
        let found = of_key(reader, locks, OtherHold { id }, |row: &Row<OtherHoldRow>| {
            held!(row, id, row.status().0, Json::default())
        })?;
        // Deleted, or given another id: the statement finds what there is.
        let hold = found.ok_or(NotDirect::Sql("a hold went away"))?;
        let is_active = is_active(&Word(hold.status.clone())).ok_or(NotDirect::Sql(probe::UNKNOWN_WORD))?;
        if named.is_some() || (is_active && hold.booking == booking) {
            holds.push(hold);
        }
    }
    Ok(holds)
}

pub(super) fn is_active(status: &Word) -> Option<bool> {
    status.among(HOLD_STATUSES).map(|status| status == "active")
}

fn of_key<C: Columns, P: ProbeKey<C>>(
    reader: &Reader,
    locks: bool,
    key: P,
    read: impl FnMut(&Row<C>) -> Hold,
) -> Result<Option<Hold>, NotDirect> {
    let found = if locks { reader.locked(key, read)? } else { reader.rows(key, read)? };
    Ok(found.into_iter().next())
}
