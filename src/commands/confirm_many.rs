//! Many confirms in one call and one transaction: a loop over what a single confirm does.
//!
//! Whoever was answered before is answered again, without a lock. At the first item that was not, the locks of all that
//! are left are taken, each kind by id: items that take their locks in the order of a list would deadlock with another
//! list, and with single calls. Then the items are done in their order, a group where its first item stands.

use std::cell::Cell;
use std::collections::HashMap;

use super::confirm::{Answer, ended, replay, unanswered};
use super::{Call, CallEnd, Refusals, rollout};
use crate::rules::Id;
use crate::rules::attempt::function::Function;
use crate::rules::attempt::phase::Phase;
use crate::rules::batch::{self, BatchMode, Item};
use crate::rules::booking::table::Assignment;
use crate::rules::confirm::request::{Arguments, Named, Request, Selection};
use crate::rules::json::Json;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_unpack};
use crate::rules::refusal::outcome::Outcome;
use crate::store::Store;
use crate::store::batch::ToLock;

/// What an item came to.
enum ItemEnd {
    Done(Answer),
    Refused(Refusal),
    /// Of a trigger, or of the server.
    Failed(Box<ServerError>),
}

/// The answer to an item.
pub struct ItemAnswer {
    pub booking: Option<Id>,
    pub key: Option<String>,
    pub outcome: Outcome,
    pub sqlstate: String,
    pub message: Option<String>,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub replayed: bool,
    pub receipt: Option<u64>,
    /// None where it was not done.
    pub rows: Vec<Assignment>,
}

impl ItemAnswer {
    fn of(item: Item, end: ItemEnd) -> ItemAnswer {
        let Arguments { booking, key, intent, .. } = item.arguments;
        let plain = |outcome: Outcome| ItemAnswer {
            booking,
            key,
            outcome,
            sqlstate: outcome.entry().sqlstate.to_owned(),
            message: None,
            detail: None,
            hint: None,
            replayed: false,
            receipt: None,
            rows: Vec::new(),
        };
        match end {
            ItemEnd::Done(Answer { rows, replayed, receipt }) => {
                ItemAnswer { rows, replayed, receipt, ..plain(intent.outcome()) }
            }
            ItemEnd::Refused(Refusal { outcome, message, detail, hint, replayed, .. }) => {
                ItemAnswer { message: Some(message), detail, hint: Some(hint), replayed, ..plain(outcome) }
            }
            ItemEnd::Failed(error) => {
                let sqlstate = sqlstate_unpack(error.sqlstate);
                let ServerError { message, detail, hint, .. } = *error;
                ItemAnswer { sqlstate, message: Some(message), detail, hint, ..plain(Outcome::Failed) }
            }
        }
    }
}

/// Confirms each item, and answers each in the order of the items.
pub fn confirm_many(store: &Store, items: Option<&Json>, mode: Option<&str>) -> Result<Vec<ItemAnswer>, Failure> {
    answered(store, items, mode, false)
}

/// The same by the owner's rule for row security, if there is one: what the caller does not see is not found.
pub fn confirm_many_seen(store: &Store, items: Option<&Json>, mode: Option<&str>) -> Result<Vec<ItemAnswer>, Failure> {
    answered(store, items, mode, store.has_row_security())
}

fn answered(store: &Store, items: Option<&Json>, mode: Option<&str>, hides: bool) -> Result<Vec<ItemAnswer>, Failure> {
    let mode = BatchMode::of(mode)?;
    let items = batch::items(items)?;
    let _watch = store.watch_client();
    let unseen = if hides { unseen(store, &items)? } else { Vec::new() };
    let (locked, taken_back) = (Cell::new(false), Cell::new(false));
    let ends = Batch { store, mode, items: &items, unseen, locked, taken_back }.run()?;
    Ok(items.into_iter().zip(ends).map(|(item, end)| ItemAnswer::of(item, end)).collect())
}

/// Asked of each item before the first is begun, as a single call asks before it looks at anything.
fn unseen(store: &Store, items: &[Item]) -> Result<Vec<Option<Refusal>>, Failure> {
    let of = |(place, Item { arguments, .. }): (usize, &Item)| {
        let hold = if let Named::Hold(hold) = arguments.named { hold } else { None };
        let asked = store.for_item(|store| store.unseen(arguments.booking, hold));
        asked.map_err(|failure| batch::naming_item(failure, place + 1, arguments.booking))
    };
    items.iter().enumerate().map(of).collect()
}

struct Batch<'a> {
    store: &'a Store,
    mode: BatchMode,
    items: &'a [Item],
    /// The refusals of those that the caller does not see; none of any where there is no such rule.
    unseen: Vec<Option<Refusal>>,
    /// Are the locks taken of all that are left?
    locked: Cell<bool>,
    /// Is all that the failed item did taken back?
    taken_back: Cell<bool>,
}

impl Batch<'_> {
    fn run(&self) -> Result<Vec<ItemEnd>, Failure> {
        let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, item) in self.items.iter().enumerate() {
            if let Some(group) = &item.group {
                groups.entry(group).or_default().push(place);
            }
        }
        let mut ends: Vec<Option<ItemEnd>> = self.items.iter().map(|_| None).collect();
        for (place, item) in self.items.iter().enumerate() {
            let Some(group) = &item.group else {
                ends[place] = Some(self.store.for_item(|store| self.alone(store, place))?);
                continue;
            };
            // The others of its group are done where its first stands.
            let members = groups.remove(group.as_str()).unwrap_or_default();
            let done = match members.is_empty() {
                true => Vec::new(),
                false => self.store.for_item(|store| self.together(store, group, &members))?,
            };
            members.into_iter().zip(done).for_each(|(member, end)| ends[member] = Some(end));
        }
        Ok(ends.into_iter().flatten().collect())
    }

    /// One that stands for itself. Its refusals are returned, and bind its key.
    fn alone(&self, store: &Store, place: usize) -> Result<ItemEnd, Failure> {
        self.taken_back.set(false);
        let done = self.one(store, place, |call, request| match self.mode {
            BatchMode::Raise => unanswered(call, request, Refusals::Returned),
            BatchMode::Isolate => {
                let done = store.in_part(|_| unanswered(call, request, Refusals::Returned));
                self.taken_back.set(done.is_err());
                done
            }
        });
        done.map_or_else(|failure| self.end_of(place, failure), |answer| Ok(ItemEnd::Done(answer)))
    }

    /// A group: all of it, or nothing. What is taken back binds no key, so no refusal of it does.
    fn together(&self, store: &Store, group: &str, members: &[usize]) -> Result<Vec<ItemEnd>, Failure> {
        if !self.locked.get() && self.any_unanswered(store, members)? {
            self.lock_from(store, members[0])?;
        }
        let locked = self.locked.get();
        let mut answers = Vec::with_capacity(members.len());
        let mut failed = None;
        let done = store.in_part(|_| {
            for place in members {
                match self.one(store, *place, |call, request| unanswered(call, request, Refusals::Raised)) {
                    Ok(answer) => answers.push(answer),
                    Err(failure) => {
                        failed = Some(failure.clone());
                        return Err(undone(failure));
                    }
                }
            }
            Ok(())
        });
        self.taken_back.set(true);
        let Some(failure) = failed else {
            done?;
            return Ok(answers.into_iter().map(ItemEnd::Done).collect());
        };
        let (at, why) = (answers.len(), failure.outcome());
        let mut ends = vec![self.end_of(members[at], failure)?];
        // Where keys were forgotten since the look above, locks were taken within the group, and are gone with it.
        self.locked.set(locked);
        let refusal = batch::group_refused(group, members[at] + 1, why);
        let written: Vec<_> = (members.iter().zip(&answers)).filter(|(_, answer)| !answer.replayed).collect();
        let is_written = |place: usize| {
            let item = &self.items[place].arguments;
            let same = |of: &usize| (self.items[*of].arguments.booking, &self.items[*of].arguments.key);
            written.iter().any(|(of, _)| same(of) == (item.booking, &item.key))
        };
        // What an earlier transaction, or an item before the group, answered is nothing that the group did.
        let before = members.iter().zip(&answers).map(|(place, answer)| match answer.replayed && !is_written(*place) {
            true => ItemEnd::Done(answer.clone()),
            false => ItemEnd::Refused(refusal.clone()),
        });
        ends.splice(0..0, before.collect::<Vec<_>>());
        for place in &members[at + 1..] {
            ends.push(ItemEnd::Refused(self.not_done(*place, &refusal)));
        }
        Ok(ends)
    }

    /// One that is not begun, because its group was given up: counted as what it came to.
    fn not_done(&self, place: usize, refusal: &Refusal) -> Refusal {
        if self.hidden(place).is_some() {
            return refusal.clone();
        }
        let answered = |refusal: &Refusal| CallEnd::Answered(Outcome::GroupRefused, Some(refusal.clone()));
        let told = Call::begin(self.store, Function::ConfirmMany).run(answered, |call| {
            call.describe(&self.items[place].arguments);
            Ok(refusal.clone())
        });
        told.unwrap_or_else(|_| refusal.clone())
    }

    /// The single confirm: answered as before, or done by `fresh`.
    fn one(
        &self,
        store: &Store,
        place: usize,
        fresh: impl FnOnce(&Call, &Request) -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        if let Some(refusal) = self.hidden(place) {
            return Err(refusal.clone().into());
        }
        let arguments = self.items[place].arguments.clone();
        let done = arguments.intent.outcome();
        Call::begin(store, Function::ConfirmMany).run(ended(store, done), |call| {
            call.is_item(place + 1, self.items.len());
            call.describe(&arguments);
            if let Some(refusal) = rollout::must_be_ours(store, arguments.booking)? {
                return Err(refusal.into());
            }
            let request = arguments.check()?;
            call.remember(|| store.begun(&request, store.clock()));
            call.reach(Phase::Replay);
            if let Some(answer) = replay(store, &request)? {
                return Ok(answer);
            }
            self.lock_from(store, place)?;
            fresh(call, &request)
        })
    }

    /// The refusal of one that its caller does not see. It is no attempt: nothing is counted or shown of it.
    fn hidden(&self, place: usize) -> Option<&Refusal> {
        self.unseen.get(place)?.as_ref()
    }

    /// Is it refused whatever its key is bound to? Of such a one nothing is locked.
    fn is_kept_out(&self, store: &Store, place: usize) -> Result<bool, Failure> {
        let booking = self.items[place].arguments.booking;
        Ok(self.hidden(place).is_some() || rollout::must_be_ours(store, booking)?.is_some())
    }

    /// Is one of them still to be done? Counted as nobody's: each is asked again.
    fn any_unanswered(&self, store: &Store, members: &[usize]) -> Result<bool, Failure> {
        for place in members {
            let arguments = &self.items[*place].arguments;
            if !self.is_kept_out(store, *place)?
                && let Ok(request) = arguments.clone().check()
            {
                match replay(store, &request) {
                    Ok(None) => return Ok(true),
                    Ok(Some(_)) | Err(Failure::Refused(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(false)
    }

    /// Takes the locks of this item and of all behind it, once.
    fn lock_from(&self, store: &Store, place: usize) -> Result<(), Failure> {
        if self.locked.get() {
            return Ok(());
        }
        let mut requests = Vec::new();
        for (place, Item { arguments, .. }) in self.items.iter().enumerate().skip(place) {
            if !self.is_kept_out(store, place)? {
                // What makes no sense is refused when its turn comes.
                requests.extend(arguments.clone().check());
            }
        }
        let mut wanted = ToLock::default();
        for request in &requests {
            wanted.bookings.push(request.booking);
            wanted.keys.extend(request.key.as_deref().map(|key| (request.booking, key)));
            match &request.selection {
                Selection::Tables(tables) => wanted.tables.extend(tables),
                Selection::Hold(hold) => wanted.holds.push(*hold),
            }
        }
        store.batch_lock(&wanted)?;
        self.locked.set(true);
        Ok(())
    }

    /// What a failure means for its item. One that is not its own to answer ends the call, and says which item it was.
    fn end_of(&self, place: usize, failure: Failure) -> Result<ItemEnd, Failure> {
        let alone = self.mode == BatchMode::Isolate
            && self.taken_back.get()
            && batch::is_of_item_alone(&failure, self.store.is_read_committed());
        match failure {
            Failure::Refused(refusal) => Ok(ItemEnd::Refused(refusal)),
            Failure::Undone(refusal) if alone => Ok(ItemEnd::Refused(refusal)),
            Failure::Server(error) if alone => Ok(ItemEnd::Failed(error)),
            // Before the locks are there it is not the item's: they are those of all.
            failure if !self.locked.get() => Err(failure),
            failure => Err(batch::naming_item(failure, place + 1, self.items[place].arguments.booking)),
        }
    }
}

/// A refusal before which others of its group have written.
fn undone(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) => Failure::Undone(refusal),
        failure => failure,
    }
}
