//! The hold: whose it is, whether it still stands, and what it says about the floor it was taken on.

pub mod request;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::rules::Id;
use crate::rules::booking::adjacency::{self, Edges};
use crate::rules::booking::table::Table;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::request::Expectation;
use crate::rules::json::Json;
use crate::rules::refusal::{self, CheckResult, Refusal};

/// Seconds that a hold lives unless its taker says otherwise, and the longest it may live (a week).
pub const TTL_SECONDS: i32 = 180;
pub const TTL_MAX_SECONDS: i32 = 7 * 24 * 3600;
/// Seconds beyond its deadline for which a hold still stands (G6: none). Statements call it `limit.hold_grace`.
pub const GRACE_SECONDS: i64 = 0;

#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    pub id: Id,
    pub booking: Option<Id>,
    pub restaurant: Id,
    pub start: Option<Instant>,
    pub end: Option<Instant>,
    pub expires_at: Instant,
    /// `active`, `expired`, `confirmed` or `cancelled`.
    pub status: String,
    pub metadata: Json,
    /// Sorted; filled in once the tables are locked.
    pub members: Vec<Id>,
}

/// How a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEnd {
    /// Its tables became the booking's.
    Confirmed,
    /// Superseded or handed back.
    Cancelled,
    /// Its deadline had passed.
    Expired,
}

/// A hold that is locked, and how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldEnding {
    pub hold: Id,
    pub booking: Option<Id>,
    pub restaurant: Id,
    pub end: HoldEnd,
}

/// How holds are taken and how they end: as the application did it, or as the owner of its schema says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldPolicy {
    /// The row goes; else it stays, closed.
    pub deletes: bool,
    /// A mirror among the allocations is ours to write.
    pub mirrors: bool,
    /// A hold lives to the end of its window at least.
    pub to_window_end: bool,
    pub longest_seconds: i32,
}

impl Default for HoldPolicy {
    fn default() -> HoldPolicy {
        HoldPolicy { deletes: false, mirrors: true, to_window_end: false, longest_seconds: TTL_MAX_SECONDS }
    }
}

impl HoldEnd {
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            HoldEnd::Confirmed => "confirmed",
            HoldEnd::Cancelled => "cancelled",
            HoldEnd::Expired => "expired",
        }
    }
}

impl Hold {
    /// May this hold be confirmed for this booking, judged at `now`?
    pub fn check(&self, booking: Id, restaurant: Id, now: Instant) -> Result<(), Refusal> {
        self.checks(booking, restaurant, now).into_iter().try_for_each(|(_, result)| result)
    }

    /// The same, each check under its name.
    pub fn checks(&self, booking: Id, restaurant: Id, now: Instant) -> [CheckResult; 4] {
        let owner = match self.booking {
            Some(owner) if owner != booking => Err(refusal::hold_of_other_booking(self.id, owner, booking)),
            _ => Ok(()),
        };
        let home = if self.restaurant == restaurant { Ok(()) } else { Err(refusal::hold_of_other_restaurant(self.id)) };
        let live = self.live(now);
        let tables = if self.members.is_empty() { Err(refusal::hold_without_tables(self.id)) } else { Ok(()) };
        [("hold_owner", owner), ("hold_restaurant", home), ("hold_live", live), ("hold_has_tables", tables)]
    }

    /// Does it still keep its tables?
    pub fn live(&self, now: Instant) -> Result<(), Refusal> {
        match self.status.as_str() {
            "active" if self.is_live(now) => Ok(()),
            "active" | "expired" => Err(refusal::hold_expired(self.id, self.expires_at)),
            // Consumed or handed back: for any other key there is no such hold any more (F17).
            ended => Err(refusal::hold_ended(self.id, ended)),
        }
    }

    /// Ending it now: by its own deadline, when that has passed.
    #[must_use]
    pub fn ending(&self, now: Instant) -> HoldEnding {
        let end = if self.is_live(now) { HoldEnd::Cancelled } else { HoldEnd::Expired };
        HoldEnding { hold: self.id, booking: self.booking, restaurant: self.restaurant, end }
    }

    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        is_live(self.expires_at, now)
    }

    pub fn window(&self) -> Result<Window, Refusal> {
        let (Some(start), Some(end)) = (self.start, self.end) else {
            return Err(refusal::hold_window_missing(self.id));
        };
        Window::new(start, end).ok_or_else(|| refusal::hold_window_invalid(self.id, start, end))
    }

    #[must_use]
    pub fn requires_adjacency(&self) -> bool {
        requires_adjacency(&self.metadata)
    }

    fn adjacency(&self) -> Option<Json> {
        self.metadata.at(&["selection", "snapshot", "adjacency"]).filter(|snapshot| !snapshot.is_null())
    }

    /// What the caller expects against what the hold says. A missing side is a difference, not a pass (F17).
    pub fn check_expectation(&self, expected: &Expectation) -> Result<(), Refusal> {
        if let Some(policy) = &expected.policy_version {
            let actual = self.metadata.at(&["policyVersion"]).and_then(|version| version.scalar());
            if actual.as_deref() != Some(policy) {
                return Err(refusal::policy_version_changed(self.id, policy, actual.as_deref()));
            }
        }
        if let Some(hash) = &expected.adjacency_hash {
            let actual = self.adjacency().and_then(|snapshot| snapshot.at(&["hash"])?.scalar());
            if actual.as_deref() != Some(hash) {
                let actual = actual.unwrap_or_else(|| "none".to_owned());
                return Err(self.floor_changed(format!("Expected snapshot {hash}, the hold has {actual}")));
            }
        }
        Ok(())
    }

    /// The hold's own picture of its tables against the floor as it is now.
    pub fn check_floor(&self, tables: &[&Table], edges: &Edges) -> Result<(), Refusal> {
        let chosen = self.metadata.at(&["selection", "tableIds"]).and_then(id_set);
        if chosen.is_some_and(|chosen| !chosen.iter().eq(self.members.iter())) {
            return Err(self.floor_changed("The hold's members are not the tables that were selected"));
        }
        let zones: BTreeSet<Id> = tables.iter().filter_map(|table| table.zone).collect();
        let zones_then = self.metadata.at(&["selection", "snapshot", "zoneIds"]).and_then(id_set);
        if zones_then.is_some_and(|then| !then.is_empty() && then != zones) {
            return Err(self.floor_changed("The tables stand in other zones than when they were held"));
        }
        let Some(snapshot) = self.adjacency() else { return Ok(()) };
        let then = adjacency::read_snapshot(&snapshot)
            .ok_or_else(|| self.floor_changed("The snapshot's edges cannot be read"))?;
        if adjacency::within(&then, &self.members) != adjacency::within(edges, &self.members) {
            return Err(self.floor_changed("The tables have other neighbours than when they were held"));
        }
        Ok(())
    }

    fn floor_changed(&self, what: impl Into<String>) -> Refusal {
        refusal::adjacency_snapshot_changed(self.id, what)
    }
}

/// Does an open hold with this deadline still stand? It is dead from its deadline on (G6).
#[must_use]
pub fn is_live(expires_at: Instant, now: Instant) -> bool {
    now < expires_at.after_seconds(GRACE_SECONDS)
}

/// Do these words of a hold ask for tables that stand side by side?
#[must_use]
pub fn requires_adjacency(metadata: &Json) -> bool {
    metadata.at(&["requireAdjacency"]).and_then(|wanted| wanted.flag()).unwrap_or(false)
}

fn id_set(value: Json) -> Option<BTreeSet<Id>> {
    value.items()?.iter().map(|id| id.string()?.parse().ok()).collect()
}

/// The metadata of a new hold: the caller's, and a picture of the floor where the caller brought none.
#[must_use]
pub fn with_floor(metadata: Option<Json>, tables: &[&Table], edges: &Edges) -> Json {
    let given = metadata.filter(|metadata| !metadata.is_null());
    let mut fields = match given.as_ref().map(Json::fields) {
        Some(Some(fields)) => fields,
        Some(None) => return given.unwrap_or_default(),
        None => BTreeMap::new(),
    };
    fields.entry("selection".to_owned()).or_insert_with(|| {
        let ids: BTreeSet<Id> = tables.iter().map(|table| table.id).collect();
        let zones: BTreeSet<Id> = tables.iter().filter_map(|table| table.zone).collect();
        let members: Vec<Id> = ids.iter().copied().collect();
        let snapshot = adjacency::snapshot(&adjacency::within(edges, &members));
        json!({"tableIds": ids, "snapshot": {"zoneIds": zones, "adjacency": snapshot}}).into()
    });
    Json::object(fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
}
