//! One call to be made, with every value that a rival's statement may ask for.

use chrono::{DateTime, SecondsFormat, Utc};
use postgres::types::ToSql;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the adjacency of tables that nobody put side by side hashes to.
const NO_EDGES: &str = "392f9ccf13ae2351a29c7473570d91310130db606e90a89e3915a215df14da55";

/// A booking with the tables and the window that it is to get.
#[derive(Debug, Clone)]
pub struct Item {
    pub booking: Uuid,
    pub restaurant: Uuid,
    pub zone: Uuid,
    /// Ascending.
    pub tables: Vec<Uuid>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// A hold of its own: one that is there, or the name of one to be made.
    pub hold: Uuid,
    pub expires: DateTime<Utc>,
}

impl Item {
    /// What a hold made by holdfast says of itself.
    #[must_use]
    pub fn metadata(&self) -> Value {
        json!({
            "selection": {
                "snapshot": {
                    "zoneIds": [self.zone],
                    "adjacency": {"hash": NO_EDGES, "edges": [], "undirected": true},
                },
                "tableIds": self.tables,
            },
            "holdRequest": {"ttlSeconds": 180},
        })
    }
}

/// The values of a call: what a client that checks nothing has to know before it asks.
#[derive(Debug)]
pub struct Job {
    pub item: Item,
    /// The hold that is confirmed; None by tables.
    pub hold: Option<Uuid>,
    group: Option<Uuid>,
    key: String,
    reason: &'static str,
    now: DateTime<Utc>,
    table_set_hash: String,
    checksum: String,
    request: Value,
    basis: Value,
    metadata: Value,
    sync_key: String,
    sync_payload: Value,
    held_key: String,
    held_payload: Value,
}

impl Job {
    /// As an item of a list.
    #[must_use]
    pub fn item(&self) -> Value {
        json!({"booking_id": self.item.booking, "table_ids": self.item.tables, "idempotency_key": self.key})
    }

    #[must_use]
    pub fn new(item: Item, by_hold: bool) -> Job {
        let now = Utc::now();
        let (booking, restaurant, tables) = (item.booking, item.restaurant, &item.tables);
        let (start, end) = (zulu(item.start), zulu(item.end));
        let named: Vec<String> = tables.iter().map(Uuid::to_string).collect();
        let group = (tables.len() > 1).then(Uuid::new_v4);
        let (key, version) = ("key".to_owned(), now.timestamp_micros());
        let fingerprint = format!(
            r#"{{"actor":null,"booking":"{booking}","intent":"confirm","require_adjacency":false,"tables":["{}"],"target_status":"confirmed","window":{{"end":"{end}","start":"{start}"}}}}"#,
            named.join("\",\"")
        );
        let hold = item.hold;
        Job {
            hold: by_hold.then_some(hold),
            group,
            reason: if by_hold { "auto_assign_confirm" } else { "auto_assign_atomic_confirm" },
            now,
            table_set_hash: sha256_hex(&named.join(",")),
            checksum: sha256_hex(&fingerprint),
            request: json!({"intent": "confirm", "target_status": "confirmed"}),
            basis: json!({"window": "derived"}),
            metadata: if by_hold { item.metadata() } else { json!({}) },
            sync_key: format!("{booking}:{start}:{end}:{}", named.join(",")),
            sync_payload: json!({
                "bookingId": booking, "restaurantId": restaurant, "tableIds": tables, "freedTableIds": [], "startAt": start,
                "endAt": end, "status": "confirmed", "mergeGroupId": group, "idempotencyKey": key, "version": version + 1,
            }),
            held_key: format!("{booking}:{hold}:hold.confirmed"),
            held_payload: json!({
                "bookingId": booking, "restaurantId": restaurant, "holdId": hold, "tableIds": tables, "zoneId": item.zone,
                "actorId": null, "startAt": start, "endAt": end, "expiresAt": item.expires.to_rfc3339_opts(SecondsFormat::AutoSi, true),
                "idempotencyKey": key, "metadata": item.metadata(), "version": version + 2,
            }),
            key,
            item,
        }
    }

    /// The value of a parameter of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> &(dyn ToSql + Sync) {
        match name {
            "booking" => &self.item.booking,
            "restaurant" => &self.item.restaurant,
            "zone" => &self.item.zone,
            "tables" => &self.item.tables,
            "start" => &self.item.start,
            "end" => &self.item.end,
            "expires" => &self.item.expires,
            "hold" => &self.hold,
            "group" => &self.group,
            "key" => &self.key,
            "reason" => &self.reason,
            "now" => &self.now,
            "table_set_hash" => &self.table_set_hash,
            "checksum" => &self.checksum,
            "request" => &self.request,
            "basis" => &self.basis,
            "metadata" => &self.metadata,
            "sync_key" => &self.sync_key,
            "sync_payload" => &self.sync_payload,
            "held_key" => &self.held_key,
            "held_payload" => &self.held_payload,
            other => panic!("no rival may ask for {other}"),
        }
    }
}

/// As holdfast writes an instant that has whole seconds.
fn zulu(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
