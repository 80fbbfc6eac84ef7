//! The page of events: what is said of each field stands here, the examples come from a server.

use std::collections::BTreeMap;

use holdfast_e2e::{Call, Floor, Session, atomic_confirm, within};
use serde_json::Value;
use uuid::Uuid;

use super::generated::assert_page;

struct Event {
    name: &'static str,
    when: &'static str,
    /// Each field with its type and meaning.
    fields: &'static [(&'static str, &'static str, &'static str)],
}

const BOOKING: (&str, &str, &str) = ("bookingId", "uuid", "The booking.");
const RESTAURANT: (&str, &str, &str) = ("restaurantId", "uuid", "Its restaurant.");
const VERSION: (&str, &str, &str) = (
    "version",
    "number",
    "Its place among the booking's events, of whatever type. This one tells what happened: deliver it, also after a later one.",
);
const VERSION_OF_STATE: (&str, &str, &str) = (
    "version",
    "number",
    "Its place among the booking's events, of whatever type. This one tells how things stand: ignore it where you have seen a higher version of this type for the booking.",
);
const HOLD: (&str, &str, &str) = ("holdId", "uuid", "The hold.");

const EVENTS: &[Event] = &[
    Event {
        name: "capacity.assignment.sync",
        when: "A call gave, took or freed tables of a booking: a confirm, an assignment, an unassignment, an undo, or a move to a status that frees tables.",
        fields: &[
            BOOKING,
            RESTAURANT,
            ("tableIds", "uuid[]", "The tables that the booking has after the change, ascending. Empty: none is left."),
            ("freedTableIds", "uuid[]", "The tables that it had before and has no more."),
            ("startAt", "instant or null", "When the tables are taken from. Null: it is not known any more."),
            ("endAt", "instant or null", "When they are taken to."),
            ("status", "text", "The booking's status after the change."),
            ("mergeGroupId", "uuid or null", "The group of joined tables. Null: one table, or none."),
            ("idempotencyKey", "text or null", "The key of the call. Null: it had none."),
            VERSION_OF_STATE,
        ],
    },
    Event {
        name: "capacity.hold.confirmed",
        when: "A confirm used a hold.",
        fields: &[
            BOOKING,
            RESTAURANT,
            HOLD,
            ("tableIds", "uuid[]", "The tables that were confirmed, ascending."),
            ("zoneId", "uuid or null", "The zone of the tables."),
            ("actorId", "uuid or null", "Who confirmed. Null: an automatic call."),
            ("startAt", "instant", "When the tables are taken from."),
            ("endAt", "instant", "When they are taken to."),
            ("expiresAt", "instant", "The deadline that the hold had."),
            ("idempotencyKey", "text or null", "The key of the call."),
            ("metadata", "object", "The metadata of the hold."),
            VERSION,
        ],
    },
    Event {
        name: "capacity.hold.released",
        when: "A live hold was handed back, or its deadline passed and upkeep closed it. A call that hands its hold back writes it, too; if it timed out, before its `capacity.attempt.timed_out`.",
        fields: &[
            ("bookingId", "uuid or null", "The booking. Null: the hold was of no booking yet."),
            RESTAURANT,
            HOLD,
            ("actorId", "uuid or null", "Who handed it back. Null: its deadline passed, or nobody was named."),
            VERSION,
        ],
    },
    Event {
        name: "capacity.attempt.timed_out",
        when: "The time limit of a call passed before the booking was confirmed.",
        fields: &[
            BOOKING,
            ("holdId", "uuid or null", "The hold that was to be confirmed."),
            ("attemptId", "uuid", "The attempt. It is new in each call."),
            ("phase", "text", "What it was at: see `phase` of `holdfast_attempts` in [schema](schema.md)."),
            ("elapsedMs", "number", "How long it took, in milliseconds."),
            ("tries", "number", "How often it was tried inside the limit."),
            ("holdReleased", "boolean", "Whether the hold was handed back. False: it ends by its own deadline."),
            VERSION,
        ],
    },
    Event {
        name: "capacity.assignment.undone",
        when: "`undo_confirm` took back what a key did. A `capacity.assignment.sync` follows.",
        fields: &[
            BOOKING,
            RESTAURANT,
            ("tableIds", "uuid[]", "The tables that were taken back."),
            ("restoredTableIds", "uuid[]", "The tables of an earlier success that the booking has again."),
            ("status", "text or null", "The status afterwards. Null: it stayed."),
            VERSION,
        ],
    },
];

/// Each kind of event once, by what makes it happen.
fn make_all(floor: &mut Floor) {
    let room = floor.room(4);
    let [one, two, three, four] = room.tables[..] else { panic!("four tables") };
    let (booking, hold) = floor.held(&room, &[one, two]);
    floor.done(&atomic_confirm(booking, hold, "evening-1"));
    let unused = floor.hold(&room, None, &[three]);
    floor.done(&Call::new("release_hold_and_emit").with("p_hold_id", unused));
    let undone = floor.booking(room.restaurant);
    floor.seats(&holdfast_e2e::confirm(undone, &[three], "evening-2"));
    let undo = Call::new("undo_confirm").with("p_booking_id", undone).with("p_idempotency_key", "evening-2");
    assert_eq!(floor.outcome(&undo)["outcome"], "undone");
    let (late, hold) = floor.held(&room, &[four]);
    let mut blocker = floor.session();
    blocker.run(&format!("begin; select from public.bookings where id = '{late}' for update"));
    assert_eq!(floor.outcome(&within(late, hold, "evening-3", 50))["outcome"], "timeout_before_confirm");
    blocker.run("rollback");
}

/// Ids by the order in which they come, and what differs from run to run as one that stands for it.
#[derive(Default)]
struct Plain(BTreeMap<String, String>, bool);

impl Plain {
    fn text(&mut self, text: &str) -> String {
        let mut plain = text.to_owned();
        let ids: Vec<&str> = text.split([':', ',']).filter(|word| Uuid::parse_str(word).is_ok()).collect();
        for id in ids {
            let number = self.0.len() + 1;
            let stands = self.0.entry(id.to_owned()).or_insert_with(|| format!("00000000-0000-4000-8000-{number:012}"));
            plain = plain.replace(id, stands);
        }
        plain
    }

    fn value(&mut self, name: &str, value: &Value) -> Value {
        match (name, value) {
            ("expiresAt", _) => "2027-05-01T17:10:00Z".into(),
            ("elapsedMs", _) => 50.into(),
            // Of a confirm's two events the first is that of the tables.
            ("version", _) => (1_809_190_800_000_000_i64 + i64::from(self.1)).into(),
            (_, Value::String(text)) => self.text(text).into(),
            (_, Value::Array(values)) => values.iter().map(|value| self.value("", value)).collect(),
            _ => value.clone(),
        }
    }
}

/// The payload of the first event of this name, in the order of the page, and its key.
fn example(session: &mut Session, event: &Event) -> String {
    let name = event.name;
    let first = |what: &str| {
        format!("select {what} from public.capacity_outbox where event_type = '{name}' order by id limit 1")
    };
    let payload: Value = session.value(&first("payload"));
    let dedupe: String = session.value(&first("dedupe_key"));
    let fields = payload.as_object().expect("an object");
    let known: Vec<&str> = event.fields.iter().map(|(name, ..)| *name).collect();
    let unknown: Vec<&String> = fields.keys().filter(|field| !known.contains(&field.as_str())).collect();
    assert!(unknown.is_empty(), "{name}: the page does not say what {unknown:?} is");
    let mut plain = Plain(BTreeMap::new(), name == "capacity.hold.confirmed");
    let mut lines = vec![];
    for field in known {
        // A hold of no booking has no booking's version.
        let Some(value) = fields.get(field) else {
            assert_eq!((name, field), ("capacity.hold.released", "version"), "{payload}");
            continue;
        };
        lines.push(format!("  \"{field}\": {}", plain.value(field, value)));
    }
    let dedupe = plain.text(&dedupe);
    let dedupe = match name {
        "capacity.attempt.timed_out" | "capacity.assignment.undone" => {
            let parts: Vec<&str> = dedupe.split(':').collect();
            format!("{}:7:{}", parts[0], parts[2])
        }
        _ => dedupe,
    };
    format!("```json\n{{\n{}\n}}\n```\n\nIts `dedupe_key`: `{dedupe}`.\n", lines.join(",\n"))
}

const HEAD: &str = "# Events

<!-- Made by `make docs`: the fields from tests/e2e/tests/documents/generated_events.rs, the examples from a server. -->

What holdfast tells others, as rows of `capacity_outbox`, written in the transaction that it tells of. An event exists
when that transaction commits, and not before. Without the table `capacity_outbox` no events are written.

| question | answer |
|---|---|
| In which order? | The events of one booking in the order of their `version`, which grows with each of them. Events of different bookings in no order. |
| What is a `version`? | A whole number of microseconds, above those of all earlier events of the booking. An event of no booking has the moment at which it was written. |
| How often? | At least once. Deliver under `dedupe_key`, so that a second one does nothing. |
| What is in a `dedupe_key`? | Nothing to be read. Each type has its form below. Where the outbox still has a row under that key, the id of the new event's transaction is appended. |
| How long to remember a `dedupe_key`? | From `outbox_ack` on, `holdfast.outbox_retention_days`, 7 at first, and no longer: then the row is deleted, and a later event may bear its key and has to be delivered. Before `outbox_ack`, as long as it takes: a dead event may be sent again. |
| A dead event that is [sent again](operate.md#outbox)? | It keeps its `version`, and comes after later ones. The field `version` says of each type what to do then. |
| Who takes them? | A relay, with `outbox_claim`, `outbox_ack` and `outbox_fail`: see [operate](operate.md). |
| How long are they kept? | Delivered ones `holdfast.outbox_retention_days`, dead ones `holdfast.outbox_dead_retention_days`. |
| Who has to poll? | Nobody: `listen holdfast_outbox` tells when events are due in some schema of the database. |

In one confirm by hold, `capacity.assignment.sync` comes first and `capacity.hold.confirmed` second. A confirm by tables writes
the first alone. The booking's other live holds, which a confirm closes, get no event of their own. A replay writes no event. An
instant is text in UTC, as in `2027-05-01T18:00:00Z`.
";

const TAIL: &str = "
## In observability_events

Where the application has that table, rows by the names that its services read are written there. The setting
`holdfast.observability_events` says which: types, groups like `transaction.*`, or `*`, separated by commas. Unless it says
otherwise, mismatches alone are.

| source | type | when |
|---|---|---|
| `capacity.atomic_confirm` | `transaction.reconciled_mismatch` | a booking does not agree after its commit |
| | `transaction.started`, `transaction.succeeded` | a confirm or assign that commits, not its replays |
| | `transaction.started`, `transaction.failed` | a call with a time limit was refused, and says so in a row |
| `bookings.inline_auto_assign` | `inline_auto_assign.confirm_succeeded`, `.succeeded` | the inline attempt confirmed; the second alone: it was confirmed |
| | `.timeout`, `.no_hold`, `.operation_aborted`, `.confirm_failed` | what kept it from that |
| `auto_assign` | `auto_assign.started`, `.attempt`, `.succeeded`, `.summary` | the background attempt confirmed |
| | `.started`, `.attempt_error`, `.failed`, `.summary` | it did not |
| | `.exited_already_confirmed` | there was nothing left to do |

`context` has `outcome` and `code` ([outcomes](outcomes.md)), `idempotencyKey`, `holdId`, `tableIds`, `attemptId` and
`durationMs`, as far as they are known; that of a mismatch has `findings` and `repaired` ([findings](findings.md)).
The severity is `info` for a success, `warning` for what may pass, `error` otherwise, and that of the finding for a
mismatch. A row is written with its call, and a rollback takes it back.

With `shared_preload_libraries`, the worker writes down a moment later what rolled back: because a call raised, or because its
caller took it back. The types are `transaction.failed` and those of the automatic paths; `endedAt` in `context` says when it
happened. Each is written at most once.
Lost is what the table refuses, and what newer attempts drive out first (`holdfast.spans`): `unobserved` in
`holdfast.stat_spans` counts it, beside `observed`. What was prepared (2PC) and rolled back then is not told, and is in neither of the two; the [counters](operate.md#counters) have it.
";

#[test]
fn the_page_of_events_is_what_a_server_tells() {
    let mut floor = Floor::new();
    make_all(&mut floor);
    let told: Vec<String> = floor.column("select distinct event_type from public.capacity_outbox order by 1");
    let mut known: Vec<&str> = EVENTS.iter().map(|event| event.name).collect();
    known.sort_unstable();
    assert_eq!(told, known, "each event has its place on the page");
    let order: Vec<String> = floor.column(
        "select event_type from public.capacity_outbox where idempotency_key = 'evening-1' order by (payload -> 'version')::bigint",
    );
    assert_eq!(order, ["capacity.assignment.sync", "capacity.hold.confirmed"], "as the page says");
    let mut text = HEAD.to_owned();
    for event in EVENTS {
        text += &format!("\n## `{}`\n\n{}\n\n| field | type | meaning |\n|---|---|---|\n", event.name, event.when);
        for (field, kind, meaning) in event.fields {
            text += &format!("| `{field}` | {kind} | {meaning} |\n");
        }
        text += &format!("\n{}", example(&mut floor, event));
    }
    assert_page("events.md", &(text + TAIL));
}
