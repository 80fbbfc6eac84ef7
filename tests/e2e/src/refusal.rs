//! What a caller reads when the database says no.

use postgres::Error;

use crate::ground;

/// Every field of an error that reaches a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub datatype: Option<String>,
    pub constraint: Option<String>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let Some(db) = error.as_db_error() else {
            // A session that is ended may close before its last words were read.
            assert!(error.is_closed(), "not an answer of the server: {error}");
            return Refusal { sqlstate: "08006".to_owned(), message: error.to_string(), ..Refusal::default() };
        };
        let owned = |field: Option<&str>| field.map(str::to_owned);
        let refusal = Refusal {
            sqlstate: db.code().code().to_owned(),
            message: db.message().to_owned(),
            detail: db.detail().map(ground::hear_detail),
            hint: owned(db.hint()),
            context: owned(db.where_()),
            schema: db.schema().map(ground::hear_schema),
            table: owned(db.table()),
            column: owned(db.column()),
            datatype: owned(db.datatype()),
            constraint: owned(db.constraint()),
        };
        refusal.assert_without_rust();
        refusal
    }
}

impl Refusal {
    /// SQLSTATE and message, to the letter.
    pub fn says(&self, sqlstate: &str, message: &str) -> &Refusal {
        assert_eq!((self.sqlstate.as_str(), self.message.as_str()), (sqlstate, message), "{self:?}");
        self
    }

    /// The DETAIL, to the letter.
    pub fn detail(&self, detail: &str) -> &Refusal {
        assert_eq!(self.detail.as_deref(), Some(detail), "{self:?}");
        self
    }

    /// The HINT, to the letter.
    pub fn hint(&self, hint: &str) -> &Refusal {
        assert_eq!(self.hint.as_deref(), Some(hint), "{self:?}");
        self
    }

    /// The DETAIL, whose first words are these: behind them stands who has the table, and until when.
    pub fn detail_begins(&self, words: &str) -> &Refusal {
        let detail = self.detail.as_deref().unwrap_or_default();
        assert!(detail.starts_with(&format!("{words}: ")), "{self:?}");
        self
    }

    /// The HINT, whose first words are these; behind them, as JSON, stands who has the table, and until when.
    pub fn hint_begins(&self, words: &str) -> &Refusal {
        let hint = self.hint.as_deref().unwrap_or_default();
        assert!(hint.starts_with(&format!("{words} {{")), "{self:?}");
        self
    }

    /// Who has the table, as the HINT says it to a program.
    #[must_use]
    pub fn occupant(&self) -> serde_json::Value {
        let hint = self.hint.as_deref().unwrap_or_default();
        let object = hint.find('{').map(|at| &hint[at..]).and_then(|object| serde_json::from_str(object).ok());
        object.unwrap_or_else(|| panic!("no JSON at the end of the HINT: {self:?}"))
    }

    /// A HINT that begins with this code of the catalogue.
    pub fn code(&self, code: &str) -> &Refusal {
        let hint = self.hint.as_deref().unwrap_or_default();
        assert!(hint.starts_with(&format!("{code}: ")) && hint.len() > code.len() + 2, "no {code} in {self:?}");
        self
    }

    /// SQLSTATE and detail of a booking whose status does not allow it; the expected statuses in any order.
    pub fn says_status(&self, current: &str, expected: &[&str]) -> &Refusal {
        self.says("P0004", "booking_state_conflict");
        let detail = self.detail.as_deref().unwrap_or_default();
        let start = format!("Current status {current} does not match expected ");
        let mut found: Vec<&str> = detail.strip_prefix(&start).unwrap_or(detail).split(", ").collect();
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{self:?}");
        self
    }

    /// The fields that an idempotency mismatch names, as a map of `field` to `(first, this)`.
    pub fn differences(&self) -> Vec<(String, serde_json::Value, serde_json::Value)> {
        let hint = self.hint.as_deref().unwrap_or_default();
        let list: serde_json::Value =
            serde_json::from_str(hint).unwrap_or_else(|error| panic!("the HINT is not JSON ({error}): {self:?}"));
        let list = ground::hear_row(list);
        let rows = list.as_array().expect("a JSON array");
        rows.iter()
            .map(|row| {
                assert_eq!(row.as_object().map(serde_json::Map::len), Some(3), "field, first and this: {row}");
                (row["field"].as_str().expect("a name").to_owned(), row["first"].clone(), row["this"].clone())
            })
            .collect()
    }

    /// No text of ours that only a programmer could read.
    fn assert_without_rust(&self) {
        let shown = format!("{self:?}");
        for rust in ["panicked", "src/", ".rs", "backtrace", "unwrap", "Option::", "Some(\\\"", "SpiError", "pgrx"] {
            assert!(!shown.contains(rust), "Rust text {rust:?} reached the client: {shown}");
        }
    }
}
