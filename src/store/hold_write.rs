//! Takes holds and ends them.

use super::Store;
use super::columns::columns;
use super::hold::{ENDED_HOLDS, NewHold};
use super::parameter::{self, Ids, Texts};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::booking::window::Instant;
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
statement!("hold_members_add", HoldMembersAdd { hold: Id, tables: Ids });
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
statement!("mirrors_remove", MirrorsRemove { holds: Ids, bookings: Ids });
statement!("holds_close", HoldsClose { holds: Ids, ends: Texts });
statement!("hold_close", HoldClose<'a> { hold: Id, status: &'a str });
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
        let NewHold { id, booking, restaurant, created_by, expires_at, zone, .. } = hold;
        let (start, end) = (hold.window.start(), hold.window.end());
        let tables = parameter::ids(hold.tables);
        let taken = HoldAdd {
            hold: id,
            booking,
            restaurant,
            zone,
            start,
            end,
            expires_at,
            created_by,
            metadata: hold.metadata,
        };
        self.at_once(|| {
            let taken = self.write(taken)?;
            let members = self.write(HoldMembersAdd { hold: id, tables })?;
            let mirror = MirrorAdd { hold: id, booking, restaurant, start, end, created_by };
            let mirrored = if hold.mirrored { self.write(mirror)? } else { 0 };
            Ok(vec![taken, members, mirrored])
        })
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
            [(hold, end)] => self.write(HoldClose { hold, status: end.label() }),
            _ => self.write(HoldsClose { holds: ids(holds), ends: ends(holds) }),
        }
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
