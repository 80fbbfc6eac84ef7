//! Many confirms in one call: what a caller may list, and what becomes of an item's failure.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::window::Instant;
use crate::rules::confirm::request::{Arguments, Expectation, History, Named};
use crate::rules::json::Json;
use crate::rules::refusal::failure::{Failure, sqlstate_unpack};
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};

/// The longest list: one transaction keeps the locks of all of it.
pub const MOST_ITEMS: usize = 10_000;

/// What an error does that is no refusal, such as that of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchMode {
    /// It ends the call, and nothing of it stays.
    Raise,
    /// It is the answer of its item, or of its group, alone.
    Isolate,
}

impl BatchMode {
    /// NULL is the first.
    pub fn of(given: Option<&str>) -> Result<BatchMode, Refusal> {
        match given {
            None | Some("raise") => Ok(BatchMode::Raise),
            Some("isolate") => Ok(BatchMode::Isolate),
            Some(_) => Err(refusal::argument_invalid("p_mode must be raise or isolate")),
        }
    }
}

/// One confirm of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub arguments: Arguments,
    /// Items of one name are done all or not at all.
    pub group: Option<String>,
}

/// The members that an item may have: the arguments of a single confirm, without their `p_`, and its group.
const MEMBERS: &[&str] = &[
    "booking_id",
    "table_ids",
    "hold_id",
    "idempotency_key",
    "require_adjacency",
    "assigned_by",
    "start_at",
    "end_at",
    "target_status",
    "history_changed_by",
    "history_reason",
    "history_metadata",
    "expected_policy_version",
    "expected_adjacency_hash",
    "group",
];

/// The items of a list, in its order. One that is no item refuses the whole list, before anything is written.
pub fn items(given: Option<&Json>) -> Result<Vec<Item>, Refusal> {
    let list = given.and_then(Json::items).ok_or_else(|| refusal::argument_invalid("p_items must be an array"))?;
    if list.len() > MOST_ITEMS {
        return Err(refusal::argument_invalid(format!("p_items must not have more than {MOST_ITEMS} items"))
            .detail(format!("It has {}", list.len())));
    }
    list.iter().enumerate().map(|(place, json)| item(place + 1, json)).collect()
}

fn item(ordinal: usize, json: &Json) -> Result<Item, Refusal> {
    let fields = json.fields().ok_or_else(|| malformed(ordinal, "it is not an object"))?;
    if let Some(unknown) = fields.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let known = format!("An item has members of these names: {}", MEMBERS.join(", "));
        let shown: String = unknown.chars().take(60).collect();
        return Err(malformed(ordinal, &format!("{shown} is no member of an item")).detail(known));
    }
    Members { ordinal, fields }.item()
}

fn malformed(ordinal: usize, why: &str) -> Refusal {
    refusal::argument_invalid(format!("Item {ordinal} of p_items: {why}"))
}

struct Members {
    ordinal: usize,
    fields: BTreeMap<String, Json>,
}

impl Members {
    fn item(&self) -> Result<Item, Refusal> {
        let named = match (self.given("table_ids"), self.given("hold_id")) {
            (Some(_), None) => Named::Tables(self.ids("table_ids")?),
            (None, Some(_)) => Named::Hold(self.id("hold_id")?),
            _ => return Err(malformed(self.ordinal, "it must have either table_ids or hold_id")),
        };
        let history = History {
            changed_by: self.id("history_changed_by")?,
            reason: match self.fields.contains_key("history_reason") {
                true => self.text("history_reason")?,
                false => Some("auto_assign_atomic_confirm".to_owned()),
            },
            metadata: match self.fields.get("history_metadata") {
                Some(metadata) => Some(metadata.clone()).filter(|metadata| !metadata.is_null()),
                None => Some(Json::object([])),
            },
        };
        let arguments = Arguments {
            start: self.instant("start_at")?,
            end: self.instant("end_at")?,
            require_adjacency: self.read("require_adjacency", "true or false", Json::flag)?,
            actor: self.id("assigned_by")?,
            target: match self.fields.contains_key("target_status") {
                true => self.text("target_status")?,
                false => Some("confirmed".to_owned()),
            },
            history,
            expectation: Expectation {
                policy_version: self.text("expected_policy_version")?,
                adjacency_hash: self.text("expected_adjacency_hash")?,
            },
            named,
            ..Arguments::by_hold(self.id("booking_id")?, None, self.text("idempotency_key")?)
        };
        Ok(Item { arguments, group: self.text("group")? })
    }

    /// A member that is there and not null.
    fn given(&self, name: &str) -> Option<&Json> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn read<T>(&self, name: &str, wanted: &str, read: impl Fn(&Json) -> Option<T>) -> Result<Option<T>, Refusal> {
        let read = |value| read(value).ok_or_else(|| malformed(self.ordinal, &format!("{name} must be {wanted}")));
        self.given(name).map(read).transpose()
    }

    fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.read(name, "a string", Json::string)
    }

    fn id(&self, name: &str) -> Result<Option<Id>, Refusal> {
        self.read(name, "a uuid", id)
    }

    fn ids(&self, name: &str) -> Result<Option<Vec<Option<Id>>>, Refusal> {
        let one = |value: &Json| if value.is_null() { Some(None) } else { id(value).map(Some) };
        self.read(name, "an array of uuids", |value| value.items()?.iter().map(one).collect())
    }

    /// With its offset: without one it would mean another instant in each session.
    fn instant(&self, name: &str) -> Result<Option<Instant>, Refusal> {
        self.read(name, "a time with its offset, as 2027-05-01T19:00:00Z", |value| Instant::of_text(&value.string()?))
    }
}

fn id(value: &Json) -> Option<Id> {
    value.string()?.parse().ok()
}

/// A member of the item's group was refused, or failed.
#[must_use]
pub fn group_refused(group: &str, ordinal: usize, why: Outcome) -> Refusal {
    let message = format!("Another item of the group {group} was not done");
    Refusal::new(Outcome::GroupRefused, message).detail(format!("Item {ordinal} came to {}", why.entry().name))
}

/// In `isolate`, does the failure end its item alone? A cancel, a server that lacks something, and a schema that is not
/// what it was end every other item as well. So does what can not be: that is an alarm, and no item's answer. Above READ
/// COMMITTED so does a lost race.
#[must_use]
pub fn is_of_item_alone(failure: &Failure, read_committed: bool) -> bool {
    match failure {
        Failure::Refused(refusal) | Failure::Undone(refusal) => match refusal.outcome {
            Outcome::NotAttached | Outcome::BrokenInvariant => false,
            Outcome::SerializationFailure => read_committed,
            _ => true,
        },
        Failure::Server(error) => {
            let code = sqlstate_unpack(error.sqlstate);
            let lost = code == "40001" && !read_committed;
            !lost && !["53", "57", "58", "XX"].iter().any(|class| code.starts_with(class))
        }
    }
}

/// The failure that ends a call: DETAIL says at the end which item it was.
#[must_use]
pub fn naming_item(failure: Failure, ordinal: usize, booking: Option<Id>) -> Failure {
    let place = match booking {
        Some(booking) => format!("Item {ordinal} of p_items, booking {booking}"),
        None => format!("Item {ordinal} of p_items"),
    };
    let named = |detail: Option<String>| Some(detail.map_or(place.clone(), |detail| format!("{detail}\n{place}")));
    match failure {
        Failure::Server(mut error) => {
            error.detail = named(error.detail);
            Failure::Server(error)
        }
        Failure::Undone(refusal) => Failure::Undone(Refusal { detail: named(refusal.detail.clone()), ..refusal }),
        Failure::Refused(refusal) => Failure::Refused(Refusal { detail: named(refusal.detail.clone()), ..refusal }),
    }
}
