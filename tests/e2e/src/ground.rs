//! Where the tests of this program take place: on the reference schema, or, when `HOLDFAST_APPLICATION` names one, on an
//! application that others wrote. A test speaks the words of the contract; here they become the application's own.

use std::borrow::Cow;
use std::env;
use std::sync::OnceLock;

use serde_json::Value;

use crate::SCHEMA;
use crate::foreign::{APPLICATIONS, Application};

/// The application that the environment names.
pub fn application() -> Option<&'static Application> {
    static NAMED: OnceLock<Option<&'static Application>> = OnceLock::new();
    *NAMED.get_or_init(|| {
        let name = env::var("HOLDFAST_APPLICATION").ok().filter(|name| !name.is_empty())?;
        let found = APPLICATIONS.into_iter().find(|application| application.name == name);
        Some(found.unwrap_or_else(|| panic!("HOLDFAST_APPLICATION: there is no application {name}")))
    })
}

/// Is this optional table of the contract not there?
pub fn lacks(table: &str) -> bool {
    application().is_some_and(|application| application.lacks.contains(&table))
}

/// Is a hold deleted when it ends?
pub fn deletes_holds() -> bool {
    application().is_some_and(|application| application.deletes_holds)
}

/// Do triggers of the application mirror what is held?
pub fn mirrors_holds() -> bool {
    application().is_some_and(|application| application.mirrors_holds)
}

/// The path of the application's sessions.
pub fn search_path() -> &'static str {
    application().map_or(SCHEMA, |application| application.search_path)
}

/// A statement of a test as the application has to hear it.
pub fn say(sql: &str) -> Cow<'_, str> {
    let Some(application) = application().filter(|application| application.speaks_otherwise()) else {
        return Cow::Borrowed(sql);
    };
    let schema = application.schema;
    let named = sql.replace("public.", &format!("{schema}.")).replace("'public'", &format!("'{schema}'"));
    let named = named.replace("search_path = public", &format!("search_path = {schema}"));
    // A hold's status has the same labels everywhere.
    let labels =
        application.labels.iter().filter(|(contract, _)| *contract != "cancelled" || !sql.contains("table_holds"));
    Cow::Owned(labels.fold(named, |sql, (contract, own)| sql.replace(&format!("'{contract}'"), &format!("'{own}'"))))
}

/// A status of the application as the contract calls it; any other text as it is.
pub fn hear(text: String) -> String {
    let labels = application().map_or(&[][..], |application| application.labels);
    labels.iter().find(|(_, own)| *own == text).map_or(text, |(contract, _)| (*contract).to_owned())
}

/// The columns of the application that the contract does not know, each after a comma.
pub fn own_columns() -> String {
    let own = application().map_or(&[][..], |application| application.own_columns);
    own.iter().map(|column| format!(",{column}")).collect()
}

/// A status of the contract that every application has a word for: pending where it has none for this one.
#[must_use]
pub fn or_pending(status: &str) -> &str {
    let unknown = |application: &Application| {
        !application.labels.is_empty()
            && status != "confirmed"
            && !application.labels.iter().any(|(contract, _)| *contract == status)
    };
    if application().is_some_and(unknown) { "pending" } else { status }
}

/// The sentence about statuses, with the contract's.
pub fn hear_detail(text: &str) -> String {
    if !text.starts_with("Current status ") {
        return text.to_owned();
    }
    text.split(' ')
        .map(|word| word.strip_suffix(',').map_or_else(|| hear(word.into()), |word| hear(word.into()) + ","))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The schema that an error names.
pub fn hear_schema(name: &str) -> String {
    let own = application().is_some_and(|application| application.schema.trim_matches('"') == name);
    if own { SCHEMA.to_owned() } else { name.to_owned() }
}

/// A row of an answer, its statuses as the contract calls them.
pub fn hear_row(row: Value) -> Value {
    match row {
        Value::String(text) => Value::String(hear(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(hear_row).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, hear_row(value))).collect())
        }
        other => other,
    }
}
