//! The fields that a replay compares: two requests under one key that agree in all of them are the same request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::booking::window::Window;
use crate::rules::confirm::fingerprint::{Fingerprint, window_json};
use crate::rules::confirm::request::{Intent, Request, Selection};

impl Fingerprint {
    /// As asked: what the caller left open stays open. Refusals are bound to this.
    #[must_use]
    pub fn literal(request: &Request) -> Fingerprint {
        let (tables, hold) = match &request.selection {
            Selection::Tables(tables) => (json!(tables), Value::Null),
            Selection::Hold(hold) => (Value::Null, json!(hold)),
        };
        let mut fingerprint = Fingerprint::of(request, tables, request.window.map_or(Value::Null, window_json));
        fingerprint.0.insert("hold".to_owned(), hold.into());
        fingerprint
    }

    /// As resolved: the tables and the window that were meant. Answers are bound to this.
    #[must_use]
    pub fn resolved(request: &Request, tables: &[Id], window: Window) -> Fingerprint {
        Fingerprint::of(request, json!(tables), window_json(window))
    }

    fn of(request: &Request, tables: Value, window: Value) -> Fingerprint {
        let intent = match request.intent {
            Intent::Confirm => "confirm",
            Intent::Assign => "assign",
        };
        let mut fields = BTreeMap::from([
            ("booking".to_owned(), json!(request.booking).into()),
            ("tables".to_owned(), tables.into()),
            ("window".to_owned(), window.into()),
            ("intent".to_owned(), json!(intent).into()),
            ("target_status".to_owned(), json!(request.target).into()),
            ("require_adjacency".to_owned(), json!(request.require_adjacency).into()),
            ("actor".to_owned(), json!(request.actor).into()),
        ]);
        // Automatic paths share a key and bring holds and words of their own; a person's call is taken literally.
        if request.actor.is_some() {
            fields.insert("hold".to_owned(), json!(request.selection.hold()).into());
            fields.insert("reason".to_owned(), json!(request.history.reason).into());
            fields.insert("metadata".to_owned(), request.history.metadata.clone().unwrap_or_default());
            fields.insert("changed_by".to_owned(), json!(request.history.changed_by).into());
        }
        Fingerprint(fields)
    }
}
