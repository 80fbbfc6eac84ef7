//! The fields that a replay compares: two requests under one key that agree in all of them are the same request.

use std::collections::BTreeMap;

use crate::rules::Id;
use crate::rules::booking::window::Window;
use crate::rules::confirm::fingerprint::Fingerprint;
use crate::rules::confirm::request::{Intent, Request, Selection};
use crate::rules::json::Json;

impl Fingerprint {
    /// As asked: what the caller left open stays open. Refusals are bound to this.
    #[must_use]
    pub fn literal(request: &Request) -> Fingerprint {
        let (tables, hold) = match &request.selection {
            Selection::Tables(tables) => (Json::of(tables), Json::default()),
            Selection::Hold(hold) => (Json::default(), Json::of(hold)),
        };
        let mut fingerprint = Fingerprint::of(request, tables, Json::of(&request.window));
        fingerprint.0.insert("hold".to_owned(), hold);
        fingerprint
    }

    /// As resolved: the tables and the window that were meant. Answers are bound to this.
    #[must_use]
    pub fn resolved(request: &Request, tables: &[Id], window: Window) -> Fingerprint {
        Fingerprint::of(request, Json::of(&tables), Json::of(&window))
    }

    fn of(request: &Request, tables: Json, window: Json) -> Fingerprint {
        let intent = match request.intent {
            Intent::Confirm => "confirm",
            Intent::Assign => "assign",
        };
        let mut fields = BTreeMap::from([
            ("booking".to_owned(), Json::of(&request.booking)),
            ("tables".to_owned(), tables),
            ("window".to_owned(), window),
            ("intent".to_owned(), Json::of(&intent)),
            ("target_status".to_owned(), Json::of(&request.target)),
            ("require_adjacency".to_owned(), Json::of(&request.require_adjacency)),
            ("actor".to_owned(), Json::of(&request.actor)),
        ]);
        // Automatic paths share a key and bring holds and words of their own; a person's call is taken literally.
        if request.actor.is_some() {
            fields.insert("hold".to_owned(), Json::of(&request.selection.hold()));
            fields.insert("reason".to_owned(), Json::of(&request.history.reason));
            fields.insert("metadata".to_owned(), request.history.metadata.clone().unwrap_or_default());
            fields.insert("changed_by".to_owned(), Json::of(&request.history.changed_by));
        }
        Fingerprint(fields)
    }
}
