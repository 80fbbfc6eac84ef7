//! The whole way on each application that others wrote: doctor, migration, rehearsal, attach, an evening, rollout, brake, shadow
//! and back; afterwards the schema is what it was, but for columns, which the page names.

use holdfast_e2e::foreign::{APPLICATIONS, Application, Foreign};
use holdfast_e2e::script::differences;
use holdfast_e2e::{GRANTED, Refusal};

const TABLE: &str = "0ddba11a-0000-4000-8000-000000000101";

/// Columns that stay behind, as docs/adopt.md says.
const COLUMNS: &[&str] = &[
    "auto_assign_idempotency_key",
    "auto_assign_last_result",
    "outcome",
    "request",
    "refusal",
    "assignment_ids",
    "hold_id",
    "transaction_id",
    "basis",
    "table_set_hash",
    "payload_checksum",
    "expires_at",
    "claimed_by",
    "last_error",
];

struct Way {
    foreign: Foreign,
    application: &'static Application,
}

fn booking(number: u8) -> String {
    format!("0ddba11a-0000-4000-8000-0000000002{number:02}")
}

impl Way {
    fn sql(&self, text: &str) -> String {
        text.replace("SCHEMA", self.application.schema)
    }

    fn run(&mut self, text: &str) {
        let text = self.sql(text);
        self.foreign.run(&text);
    }

    fn texts(&mut self, text: &str) -> Vec<String> {
        let text = self.sql(text);
        self.foreign.column(&text)
    }

    fn dump(&self) -> Vec<String> {
        self.foreign.server().dump(&self.foreign.name, self.application.schema)
    }

    fn psql(&self, script: &str) {
        let roles = format!("roles={{{GRANTED}}}");
        let said = self.foreign.server().psql(&self.foreign.name, script, &["overlap=window", &roles]);
        assert_eq!(said.code, Some(0), "{}: {said:?}", self.application.name);
    }

    fn script(&mut self, form: &str) -> String {
        self.texts(&format!("select holdfast.migration('SCHEMA', '{form}')")).remove(0)
    }

    /// What a service does, with no right on any table.
    fn confirm(&mut self, number: u8, key: &str) -> Result<(), Refusal> {
        let (booking, path) = (booking(number), self.application.search_path);
        let call = self.sql(&format!(
            "select * from SCHEMA.confirm_hold_assignment_with_transition('{booking}', '{{{TABLE}}}', '{key}')"
        ));
        let mut service = self.foreign.session_as(GRANTED);
        service.run(&format!("set search_path = {path}"));
        service.try_run(&call)
    }

    fn unassign(&mut self, number: u8) {
        let booking = booking(number);
        self.run(&format!("select * from SCHEMA.unassign_tables_atomic('{booking}')"));
    }

    fn held(&mut self, number: u8) -> String {
        let call = format!(
            "select hold_id::text from SCHEMA.hold_tables(p_booking_id => '{}', p_table_ids => '{{{TABLE}}}')",
            booking(number)
        );
        self.texts(&call).remove(0)
    }

    fn adopt(&mut self) {
        let name = self.application.name;
        let asked = self.texts("select what from holdfast.doctor('SCHEMA') where state in ('missing', 'wrong')");
        assert!(!asked.is_empty(), "{name}: doctor has something to say");
        let script = self.script("run");
        self.psql(&script);
        let against = self.texts(
            "select step || ': ' || coalesce(message, '') from holdfast.rehearse('SCHEMA') where passed = false and step not like 'legacy: %'",
        );
        assert!(against.is_empty(), "{name}: {against:#?}");
        self.foreign.adopt();
        let amiss = self.texts(
            "select what || ': ' || why from holdfast.doctor('SCHEMA') where state in ('missing', 'wrong')
             and what not like 'shared_preload%'",
        );
        assert!(amiss.is_empty(), "{name}: {amiss:#?}");
    }

    /// Two bookings of an evening want the same table.
    fn evening(&mut self) {
        let name = self.application.name;
        let hold = self.held(5);
        assert_eq!(self.texts(&format!("select SCHEMA.release_hold_and_emit('{hold}')::text")), ["true"], "{name}");
        let hold = self.held(6);
        let confirm = self.sql(&format!(
            "select string_agg(assignment_id::text, ' ') from SCHEMA.atomic_confirm_and_transition(
               p_booking_id => '{}', p_hold_id => '{hold}', p_idempotency_key => 'one')",
            booking(6)
        ));
        let answer: String = self.foreign.value(&confirm);
        assert_eq!(self.foreign.value::<String>(&confirm), answer, "{name}: a replay");
        assert_eq!(self.confirm(5, "two").expect_err(name).sqlstate, "P0001", "{name}: the table is taken");
        self.unassign(6);
        self.confirm(5, "two").unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        self.unassign(5);
    }

    /// A share, the application's own functions, the brake, and each shadow.
    fn rollout(&mut self) {
        let name = self.application.name;
        let keeps = self.application.deletes_holds;
        for (number, row) in [
            "mode, percentage) values ('on', 50",
            "mode) values ('original'",
            "mode) values ('shadow'",
            "mode) values ('rehearse'",
        ]
        .into_iter()
        .enumerate()
        {
            let insert = self.sql(&format!("insert into SCHEMA.holdfast_rollout ({row})"));
            if !keeps {
                assert_eq!(self.foreign.try_run(&insert).expect_err(row).sqlstate, "22023", "{name}: {row}");
                continue;
            }
            self.foreign.run(&insert);
            self.confirm(5, &format!("share-{number}")).unwrap_or_else(|refusal| panic!("{name}, {row}: {refusal:?}"));
            self.unassign(5);
            self.run("delete from SCHEMA.holdfast_rollout");
        }
        let database = self.foreign.name.clone();
        self.run(&format!("alter database {database} set holdfast.atomic_confirm_enabled = off"));
        let braked = self.confirm(5, "brake");
        assert_eq!(braked.is_ok(), keeps, "{name}: the brake leads to its own functions: {braked:?}");
        self.run(&format!("alter database {database} reset holdfast.atomic_confirm_enabled"));
        self.unassign(5);
        self.confirm(5, "after all").unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    }
}

#[test]
fn from_doctor_to_detach_on_each() {
    for application in APPLICATIONS {
        let mut way = Way { foreign: application.install(), application };
        let name = application.name;
        way.run(&format!(
            "create extension holdfast cascade;
             update SCHEMA.bookings set start_at = '2031-05-01 18:00Z', end_at = '2031-05-01 20:00Z' where id in ('{}', '{}')",
            booking(5),
            booking(6)
        ));
        let (before, back) = (way.dump(), way.script("back"));
        way.adopt();
        way.evening();
        way.rollout();
        way.run("select holdfast.detach('SCHEMA', false)");
        way.psql(&back);
        // A column that was the last has a comma behind it now.
        let plain = |lines: Vec<String>| -> Vec<String> {
            lines.iter().map(|line| line.trim().trim_end_matches(',').to_owned()).collect()
        };
        let (before, after) = (plain(before), plain(way.dump()));
        let named = |line: &&String| COLUMNS.iter().any(|column| line[2..].split(' ').next() == Some(column));
        let other: Vec<String> = differences(&before, &after);
        let other: Vec<&String> = other.iter().filter(|line| line.starts_with('-') || !named(line)).collect();
        assert!(other.is_empty(), "{name}: {other:#?}");
    }
}
