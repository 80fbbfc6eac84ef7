//! Takes holds and ends them.

use super::Store;
use super::booking::ReferencedRestaurant;
use super::columns::columns;
use super::hold::{ENDED_HOLDS, EveryHoldPolicy, NewHold, PolicyRow};
use super::parameter::{self, EnumLabel, Ids, Texts};
use super::probe::{NotDirect, probe};
use super::row::Row;
use super::statement::statement;
use super::writer::{RowWrite, written};
use crate::rules::Id;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::hold::{Hold, HoldEnd, HoldEnding};
use crate::rules::json::Json;
use crate::rules::refusal::failure::Failure;

statement!(
    "hold_add",
    HoldAdd {
        hold: Id,
        booking: Option<Id>,
        restaurant: Id,
        zone: Option<Id>,
        start: Instant,
        end: Instant,
        expires_at: Instant,
        created_by: Option<Id>,
        metadata: Json,
    }
);
written!(
    insert "table_holds",
    NewHoldRow {
        id: Id,
        booking_id: Option<Id>,
        restaurant_id: Id,
        zone_id: Option<Id>,
        start_at: Instant,
        end_at: Instant,
        expires_at: Instant,
        created_by: Option<Id>,
        metadata: Json,
        status: EnumLabel<'static>,
    }
);
statement!("hold_members_add", HoldMembersAdd { hold: Id, tables: Ids });
written!(insert "table_hold_members", NewMember { hold_id: Id, table_id: Id });
statement!(
    "mirror_add",
    MirrorAdd {
        hold: Id,
        booking: Option<Id>,
        restaurant: Id,
        start: Instant,
        end: Instant,
        created_by: Option<Id>,
    }
);
written!(
    insert "allocations",
    NewMirror {
        booking_id: Option<Id>,
        restaurant_id: Id,
        resource_type: EnumLabel<'static>,
        resource_id: Id,
        window: Window,
        shadow: bool,
        created_by: Option<Id>,
    }
);
statement!("mirrors_remove", MirrorsRemove { holds: Ids, bookings: Ids });
statement!("holds_close", HoldsClose { holds: Ids, ends: Texts });
statement!("hold_close", HoldClose<'a> { hold: Id, status: &'a str });
columns!(DeadlineRow { expires_at: Option<Instant> });
probe!(one "table_holds", DeadlineOf { id: Id } -> DeadlineRow);
written!(update "table_holds", ClosedHold<'a> { status: EnumLabel<'a>, expires_at: Instant });
statement!("hold_adopt", HoldAdopt<'a> { hold: Id, status: &'a str, booking: Id });
columns!(RememberedRow { hold_id: Id });
statement!(
    "holds_remember",
    HoldsRemember<'a> {
        holds: Ids,
        ends: Texts,
        booking: Option<Id>,
        key: Option<&'a str>,
        now: Instant,
    } -> RememberedRow
);
statement!("holds_delete", HoldsDelete { holds: Ids });

impl Store {
    /// Takes a hold with its members and its mirror; the rows written.
    pub fn hold_take(&self, hold: NewHold) -> Result<Vec<i64>, Failure> {
        self.at_once(|| {
            let mirrored = hold.mirrored;
            Ok(vec![
                self.hold_add(&hold)?,
                self.hold_members_add(&hold)?,
                if mirrored { self.mirror_add(&hold)? } else { 0 },
            ])
        })
    }

    fn hold_add(&self, hold: &NewHold) -> Result<i64, Failure> {
        let NewHold { id, booking, restaurant, created_by, expires_at, zone, .. } = *hold;
        let (start, end) = (hold.window.start(), hold.window.end());
        let row = NewHoldRow {
            id,
            booking_id: booking,
            restaurant_id: restaurant,
            zone_id: zone,
            start_at: start,
            end_at: end,
            expires_at,
            created_by,
            metadata: hold.metadata.clone(),
            status: EnumLabel("active"),
        };
        let taken = self.connection.write_directly(|reader| {
            reader.hold_for(NewHoldRow::TARGET, ReferencedRestaurant { id: restaurant })?;
            reader.insert_all([row])
        })?;
        if let Some(taken) = taken {
            return Ok(taken);
        }
        let metadata = hold.metadata.clone();
        self.write(HoldAdd { hold: id, booking, restaurant, zone, start, end, expires_at, created_by, metadata })
    }

    fn hold_members_add(&self, hold: &NewHold) -> Result<i64, Failure> {
        let rows = hold.tables.iter().map(|table| NewMember { hold_id: hold.id, table_id: *table });
        let added = self.connection.write_directly(|reader| reader.insert_all(rows))?;
        added.map_or_else(|| self.write(HoldMembersAdd { hold: hold.id, tables: parameter::ids(hold.tables) }), Ok)
    }

    fn mirror_add(&self, hold: &NewHold) -> Result<i64, Failure> {
        let NewHold { id, booking, restaurant, created_by, .. } = *hold;
        let row = NewMirror {
            booking_id: booking,
            restaurant_id: restaurant,
            resource_type: EnumLabel("hold"),
            resource_id: id,
            window: hold.window,
            shadow: true,
            created_by,
        };
        let added = self.connection.write_directly(|reader| reader.insert_all([row]))?;
        let (start, end) = (hold.window.start(), hold.window.end());
        added.map_or_else(|| self.write(MirrorAdd { hold: id, booking, restaurant, start, end, created_by }), Ok)
    }

    /// Ends holds that are locked and takes their mirrors away; the rows written: holds, mirrors. Triggers of the application
    /// may take mirrors away when a hold goes: ours comes first.
    pub fn holds_end(&self, endings: &[HoldEnding], now: Instant) -> Result<Vec<i64>, Failure> {
        let nobody = Id::nil();
        let holds: Vec<(Id, HoldEnd)> = endings.iter().map(|ending| (ending.hold, ending.end)).collect();
        let mirrors = MirrorsRemove {
            holds: parameter::ids(endings.iter().map(|ending| &ending.hold)),
            bookings: parameter::ids(endings.iter().map(|ending| ending.booking.as_ref().unwrap_or(&nobody))),
        };
        self.at_once(|| {
            let mirrors = self.write(mirrors)?;
            let closed = self.holds_close(&holds)?;
            Ok(vec![closed + self.holds_delete(&holds, closed, (None, None), now)?, mirrors])
        })
    }

    /// Ends the holds of a confirm, as a part of what is written at once; how many. `named` becomes the booking's, if it was
    /// taken before its booking was known.
    pub(super) fn holds_confirm(
        &self,
        (holds, named): (&[(Id, HoldEnd)], Option<&Hold>),
        booking: Id,
        key: Option<&str>,
        now: Instant,
    ) -> Result<i64, Failure> {
        if holds.is_empty() {
            return Ok(0);
        }
        let unowned = named.filter(|hold| hold.booking.is_none()).map(|hold| hold.id);
        let (adopted, own): (Vec<_>, Vec<_>) = holds.iter().copied().partition(|(hold, _)| Some(*hold) == unowned);
        let mut closed = if own.is_empty() { 0 } else { self.holds_close(&own)? };
        for (hold, end) in adopted {
            closed += self.write(HoldAdopt { hold, status: end.label(), booking })?;
        }
        Ok(closed + self.holds_delete(holds, closed, (Some(booking), key), now)?)
    }

    fn holds_close(&self, holds: &[(Id, HoldEnd)]) -> Result<i64, Failure> {
        match *holds {
            [(hold, end)] => self.hold_close(hold, end.label()),
            _ => self.write(HoldsClose { holds: ids(holds), ends: ends(holds) }),
        }
    }

    fn hold_close(&self, hold: Id, status: &str) -> Result<i64, Failure> {
        let closed = self.connection.write_directly(|reader| {
            let is_delete = |row: &Row<PolicyRow>| row.ending().as_deref() == Some("delete");
            if self.attachment.has(ENDED_HOLDS) && reader.rows(EveryHoldPolicy {}, is_delete)?.contains(&true) {
                // The statement updates nothing then, and fires the triggers of an update all the same.
                return Err(NotDirect::Rare);
            }
            let row = |row: &Row<DeadlineRow>| {
                let now = self.clock();
                let expires_at = row.expires_at().map_or(now, |deadline| deadline.min(now));
                ClosedHold { status: EnumLabel(status), expires_at }
            };
            reader.update(DeadlineOf { id: hold }, row)
        })?;
        if let Some(closed) = closed {
            return Ok(closed);
        }
        self.write(HoldClose { hold, status })
    }

    /// Deletes those that were not closed, where the application does, and remembers what became of them; how many.
    fn holds_delete(
        &self,
        holds: &[(Id, HoldEnd)],
        closed: i64,
        (booking, key): (Option<Id>, Option<&str>),
        now: Instant,
    ) -> Result<i64, Failure> {
        if closed == holds.len() as i64 || !self.attachment.has(ENDED_HOLDS) {
            return Ok(0);
        }
        let remembered = HoldsRemember { holds: ids(holds), ends: ends(holds), booking, key, now };
        let remembered = self.run(remembered, |row| row.hold_id())?;
        self.write_ids(&remembered, |holds| HoldsDelete { holds })
    }
}

fn ids(holds: &[(Id, HoldEnd)]) -> Ids {
    parameter::ids(holds.iter().map(|(hold, _)| hold))
}

fn ends(holds: &[(Id, HoldEnd)]) -> Texts {
    parameter::texts(holds.iter().map(|(_, end)| end.label()))
}
