//! Random calls on random floors: mostly in order, so that confirms and every refusal come up.

use std::collections::BTreeMap;

use holdfast::rules::Id;
use holdfast::rules::booking::adjacency::Edges;
use holdfast::rules::booking::capacity::CapacityPolicy;
use holdfast::rules::booking::table::{Allocation, Assignment, Blocker, Resource, Table};
use holdfast::rules::booking::window::Window;
use holdfast::rules::confirm::request::{Intent, Request, Selection};
use holdfast::rules::confirm::resolved_request::ResolvedRequest;
use holdfast::rules::confirm::snapshot::{OwnHold, Snapshot};
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use crate::{
    ACTOR, HOLD, OTHER_BOOKING, OTHER_ZONE, ZONE, ask, assignment, booking, claim, claim_of, clock, edges, hold, hours,
    now, own_hold, snapshot, statuses, table, table_ids,
};

/// A call, what it stands for, and everything its decision looks at.
#[derive(Debug, Clone)]
pub struct Evening {
    pub request: Request,
    pub resolved: ResolvedRequest,
    pub snapshot: Snapshot,
}

/// Any decision that a server could be asked for.
pub fn evenings() -> impl Strategy<Value = Evening> {
    (calls(), floors(), standings(), own_holds(), blockers(), any::<(bool, bool)>()).prop_map(
        |((request, numbers), floor, standing, holds, blockers, (settled, assignments_exclude))| {
            let named = matches!(request.selection, Selection::Hold(_)).then(|| hold(&numbers));
            let window = request.window.unwrap_or(hours(18, 20));
            let resolved = ResolvedRequest::new(&request, table_ids(&numbers), window);
            let mut own_holds: BTreeMap<Id, OwnHold> = holds;
            if named.is_some() {
                own_holds.insert(HOLD, own_hold(&numbers, clock(17, 30)));
            }
            let mirrors = own_holds.keys().map(|id| claim_of(Resource::Hold, *id, window));
            let (assignments, mut allocations) = if settled { settle(&numbers, window) } else { standing };
            allocations.extend(mirrors);
            let snapshot =
                Snapshot { hold: named, own_holds, assignments, allocations, blockers, assignments_exclude, ..floor };
            Evening { request, resolved, snapshot }
        },
    )
}

/// The call and the numbers of its tables.
pub fn calls() -> impl Strategy<Value = (Request, Vec<u128>)> {
    let numbers = subsequence((1..=6).collect::<Vec<u128>>(), 1..=4);
    let target = prop::option::weighted(0.7, Just("confirmed".to_owned()));
    let custom = prop::option::weighted(0.3, windows());
    let actor = prop::option::of(Just(ACTOR));
    (any::<bool>(), any::<bool>(), numbers, target, custom, actor, prop::bool::weighted(0.2)).prop_map(
        |(confirm, by_hold, numbers, target, window, actor, require_adjacency)| {
            let selection = if by_hold { Selection::Hold(HOLD) } else { Selection::Tables(table_ids(&numbers)) };
            let intent = if confirm { Intent::Confirm } else { Intent::Assign };
            (Request { intent, target, window, actor, require_adjacency, ..ask(selection) }, numbers)
        },
    )
}

/// Windows of whole hours around the booking's; the moment of the decision is in some of them.
pub fn windows() -> impl Strategy<Value = Window> {
    (15_i64..20, 1_i64..5).prop_map(|(from, length)| hours(from, from + length))
}

fn any_table(number: u128) -> impl Strategy<Value = Table> {
    let usually = || prop::bool::weighted(0.97);
    let zone = prop::option::weighted(0.97, prop_oneof![20 => Just(ZONE), 1 => Just(OTHER_ZONE)]);
    (usually(), usually(), usually(), usually(), zone, 1..=6_i32).prop_map(
        move |(ours, active, in_service, movable, zone, capacity)| Table {
            restaurant: if ours { crate::RESTAURANT } else { crate::NOBODY },
            active,
            out_of_service: !in_service,
            mobility: if movable { "movable".to_owned() } else { "fixed".to_owned() },
            zone,
            capacity,
            ..table(number)
        },
    )
}

/// Neighbours among six tables: any graph.
pub fn graphs() -> impl Strategy<Value = Edges> {
    let pairs: Vec<(u128, u128)> = (1..=6).flat_map(|a| (a + 1..=6).map(move |b| (a, b))).collect();
    subsequence(pairs, 0..=15).prop_map(|pairs| edges(&pairs))
}

/// Tables, policy and the booking's own state; nobody has a table yet.
fn floors() -> impl Strategy<Value = Snapshot> {
    let tables: Vec<_> = (1..=6).map(any_table).collect();
    let lock = prop::option::weighted(0.1, prop_oneof![Just(ZONE), Just(OTHER_ZONE)]);
    let status = prop_oneof![8 => Just("pending"), 1 => Just("confirmed"), 1 => Just("cancelled")];
    (tables, graphs(), lock, status, 1..=8_i32, 0..=2_i32, any::<bool>()).prop_map(
        |(tables, edges, zone_lock, status, party_size, extra_seats, enforce_min_party)| {
            let mut rules = statuses();
            rules.current_holds_tables = status != "cancelled";
            let mut own = booking();
            own.status = status.to_owned();
            own.party_size = party_size;
            own.zone_lock = zone_lock;
            Snapshot {
                booking: own,
                tables: tables.into_iter().map(|table| (table.id, table)).collect(),
                statuses: rules,
                policy: CapacityPolicy { extra_seats, enforce_min_party },
                edges,
                ..snapshot()
            }
        },
    )
}

type Rows = (Vec<Assignment>, Vec<Allocation>);

/// Earlier tables of the booking, some without claim or window, some claims without a table, and any groups.
fn standings() -> impl Strategy<Value = Rows> {
    let row = (prop::bool::weighted(0.35), prop::bool::weighted(0.9), any::<bool>(), prop::option::of(0..2_u128));
    prop::collection::vec((row, windows(), prop::bool::weighted(0.1)), 6).prop_map(|rows| {
        let (mut assignments, mut allocations): Rows = (vec![], vec![]);
        for (number, ((assigned, claimed, usual, group), window, orphan)) in (1..).zip(rows) {
            let window = if usual { hours(18, 20) } else { window };
            let group = group.map(|group| Id::from_u128(0x800 + group));
            if assigned {
                assignments.push(assignment(number, window, group));
            }
            if (assigned && claimed) || orphan {
                allocations.push(claim(number, window));
            }
        }
        allocations.extend((0..2).map(|group| {
            let group = Id::from_u128(0x800 + group);
            claim_of(Resource::MergeGroup, group, hours(18, 20))
        }));
        (assignments, allocations)
    })
}

/// Exactly what is asked for stands already.
fn settle(numbers: &[u128], window: Window) -> Rows {
    let group = (numbers.len() > 1).then(|| Id::from_u128(0x800));
    let mut allocations: Vec<Allocation> = numbers.iter().map(|number| claim(*number, window)).collect();
    allocations.extend(group.map(|group| claim_of(Resource::MergeGroup, group, window)));
    (numbers.iter().map(|number| assignment(*number, window, group)).collect(), allocations)
}

/// Other open holds of the booking, live or past their deadline.
fn own_holds() -> impl Strategy<Value = BTreeMap<Id, OwnHold>> {
    let one = (subsequence((1..=6).collect::<Vec<u128>>(), 1..=3), -30_i64..30);
    prop::collection::vec(one, 0..3).prop_map(|holds| {
        let ids = (0..).map(|place| Id::from_u128(0xD1 + place));
        let deadline = |minutes: i64| now().after_seconds(minutes * 60);
        ids.zip(holds).map(|(id, (numbers, minutes))| (id, own_hold(&numbers, deadline(minutes)))).collect()
    })
}

/// What others have there; half of it may be freed. Mostly nothing.
pub fn blockers() -> impl Strategy<Value = Vec<Blocker>> {
    let blocker = (any::<Index>(), 0..3_u8, any::<bool>(), 1..=6_u128, windows()).prop_map(
        |(place, kind, released, number, window)| {
            let id = Id::from_u128(0x700 + place.index(8) as u128);
            let table = crate::table_id(number);
            match kind {
                0 => Blocker::Allocation { id, table, released },
                1 => Blocker::Assignment { id, table, owner: OTHER_BOOKING, window, released },
                _ => Blocker::Hold { hold: id, table },
            }
        },
    );
    prop_oneof![
        3 => Just(vec![]),
        1 => prop::collection::vec(blocker, 1..4).prop_map(each_row_once),
        1 => prop::collection::vec((0..8_u128, 1..=6_u128), 1..4).prop_map(|freed| {
            let freed = freed.into_iter().map(|(id, number)| (Id::from_u128(0x700 + id), crate::table_id(number)));
            freed.map(|(id, table)| Blocker::Allocation { id, table, released: true }).collect()
        }),
    ]
}

/// An assignment is one row, on one table: no two blockers are the same one.
fn each_row_once(mut blockers: Vec<Blocker>) -> Vec<Blocker> {
    for (place, blocker) in (0x7a0..).zip(&mut blockers) {
        if let Blocker::Assignment { id, .. } = blocker {
            *id = Id::from_u128(place);
        }
    }
    blockers
}

/// Does somebody stand in the way who may not be moved?
#[must_use]
pub fn is_blocked(blockers: &[Blocker]) -> bool {
    blockers.iter().any(|blocker| match blocker {
        Blocker::Hold { .. } => true,
        Blocker::Allocation { released, .. } | Blocker::Assignment { released, .. } => !released,
    })
}
