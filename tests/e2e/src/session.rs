//! One connection, and what a test asks of it.

use chrono::{DateTime, Utc};
use postgres::types::FromSqlOwned;
use postgres::{Client, SimpleQueryMessage};
use serde_json::Value;
use uuid::Uuid;

use crate::{Call, Literal, Refusal, ground};

/// A connection that knows the id of its server process.
pub struct Session {
    pub client: Client,
    pub pid: i32,
}

/// One row of the answer to a confirm or an assign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub table: Uuid,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub merge_group: Option<Uuid>,
}

/// A single table from `start` to `end`, as the answer shows it.
#[must_use]
pub fn seat(table: Uuid, start: DateTime<Utc>, end: DateTime<Utc>) -> Seat {
    Seat { table, start, end, merge_group: None }
}

impl From<&Value> for Seat {
    fn from(row: &Value) -> Seat {
        let text = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("no {name} in {row}"));
        let instant = |name: &str| DateTime::parse_from_rfc3339(text(name)).expect("an instant").to_utc();
        Seat {
            table: text("table_id").parse().expect("a table id"),
            start: instant("start_at"),
            end: instant("end_at"),
            merge_group: row["merge_group_id"].as_str().map(|id| id.parse().expect("a group id")),
        }
    }
}

impl Session {
    #[must_use]
    pub fn new(client: Client) -> Session {
        Session::try_new(client).expect("a process id")
    }

    pub fn try_new(mut client: Client) -> Result<Session, postgres::Error> {
        // By the simple protocol, which also passes through a pooler.
        let rows = client.simple_query("select pg_backend_pid()")?;
        let pid = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        let pid = pid.unwrap_or_default();
        Ok(Session { client, pid })
    }

    /// Runs statements that must succeed.
    pub fn run(&mut self, sql: &str) {
        self.try_run(sql).unwrap_or_else(|refusal| panic!("{sql}\n{refusal:?}"));
    }

    /// Runs statements that may be refused.
    pub fn try_run(&mut self, sql: &str) -> Result<(), Refusal> {
        self.client.batch_execute(&ground::say(sql)).map_err(Refusal::from)
    }

    /// The one value of a query.
    pub fn value<T: FromSqlOwned>(&mut self, sql: &str) -> T {
        self.client.query_one(&*ground::say(sql), &[]).unwrap_or_else(|error| panic!("{sql}\n{error:?}")).get(0)
    }

    /// Does the server still answer?
    pub fn is_alive(&mut self, sql: &str) -> bool {
        self.client.batch_execute(sql).is_ok()
    }

    /// The first column of every row of a query.
    pub fn column<T: FromSqlOwned>(&mut self, sql: &str) -> Vec<T> {
        let rows = self.client.query(&*ground::say(sql), &[]).unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The rows of a call as JSON, or why it was refused.
    pub fn call(&mut self, call: &Call) -> Result<Vec<Value>, Refusal> {
        let sql = format!("select to_jsonb(answer) from {} as answer", call.sql());
        let rows = self.client.query(&*ground::say(&sql), &[]).map_err(Refusal::from)?;
        Ok(rows.iter().map(|row| ground::hear_row(row.get::<_, Option<Value>>(0).unwrap_or(Value::Null))).collect())
    }

    /// The rows of a call that must succeed.
    pub fn done(&mut self, call: &Call) -> Vec<Value> {
        self.call(call).unwrap_or_else(|refusal| panic!("{}\n{refusal:?}", call.sql()))
    }

    /// The single row that a native call returns.
    pub fn outcome(&mut self, call: &Call) -> Value {
        let mut rows = self.done(call);
        assert_eq!(rows.len(), 1, "a native call returns one row: {rows:?}");
        rows.remove(0)
    }

    /// The seats that a confirm or an assign answers.
    pub fn seats(&mut self, call: &Call) -> Vec<Seat> {
        self.done(call).iter().map(Seat::from).collect()
    }

    /// The error of a call that must be refused.
    pub fn refused(&mut self, call: &Call) -> Refusal {
        match self.call(call) {
            Ok(rows) => panic!("not refused: {}\n{rows:?}", call.sql()),
            Err(refusal) => refusal,
        }
    }

    /// The rows of a query through the simple protocol: every value as text.
    pub fn simple(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Refusal> {
        let messages = self.client.simple_query(&ground::say(sql)).map_err(Refusal::from)?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Inserts a row with an id and returns that id.
    pub fn insert(&mut self, table: &str, values: &[(&str, &dyn Literal)]) -> Uuid {
        let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
        let literals: Vec<String> = values.iter().map(|(_, value)| value.literal()).collect();
        self.value(&format!(
            "insert into public.{table} ({}) values ({}) returning id",
            columns.join(", "),
            literals.join(", ")
        ))
    }

    /// Changes one column of one row.
    pub fn set(&mut self, table: &str, id: Uuid, column: &str, value: impl Literal) {
        let sql = format!("update public.{table} set {column} = {} where id = '{id}'", value.literal());
        let changed = self.client.execute(&*ground::say(&sql), &[]).unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
        assert_eq!(changed, 1, "{sql}");
    }

    /// One column of one row, as text.
    pub fn get(&mut self, table: &str, id: Uuid, column: &str) -> Option<String> {
        // What became of a hold that was deleted is remembered, in the words of the status that it would have.
        let kept = if column == "status" { "ended" } else { column };
        let remembered = if table == "table_holds" && ground::deletes_holds() {
            format!(" union all select ({kept})::text from public.holdfast_ended_holds where hold_id = '{id}'")
        } else {
            String::new()
        };
        let value: Option<String> =
            self.value(&format!("select ({column})::text from public.{table} where id = '{id}'{remembered}"));
        value.map(ground::hear)
    }

    /// How many rows of a table meet a condition.
    pub fn count(&mut self, table: &str, condition: &str) -> i64 {
        self.value(&format!("select count(*) from public.{table} where {condition}"))
    }
}
