//! What other sessions do between two calls and while a call waits for them.

use holdfast_e2e::{Call, Refusal, Session, behind};
use serde_json::Value;
use uuid::Uuid;

use super::left::{self, Account};
use super::stage::Stage;

/// What another session does, and what takes it back. $f has nothing, $l comes later and has nothing, $t is the table that
/// the first is confirmed on; $r is the restaurant.
const MEANWHILE: &[(&str, &str)] = &[
    (
        "insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         values ('$l', '$r', 'table', '$t', '[2027-05-01 19:00Z, 2027-05-01 21:00Z)')",
        "delete from public.allocations where booking_id = '$l'",
    ),
    (
        "insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
         values ('$f', '$r', 'table', '$t', '[2030-05-01 19:00Z, 2030-05-01 21:00Z)')",
        "delete from public.allocations where booking_id = '$f'",
    ),
    (
        "insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at)
         values ('$f', '$t', '2030-05-01 19:00Z', '2030-05-01 21:00Z')",
        "delete from public.booking_table_assignments where booking_id = '$f'",
    ),
    (
        "insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
         values ('$f', 'by table', '{}', '[2030-05-01 19:00Z, 2030-05-01 21:00Z)')",
        "delete from public.booking_assignment_idempotency where booking_id = '$f'",
    ),
    (
        "insert into public.booking_confirmation_results (booking_id, idempotency_key, restaurant_id, table_ids, assignment_window)
         values ('$f', 'by table', '$r', '{}', '[2030-05-01 19:00Z, 2030-05-01 21:00Z)')",
        "delete from public.booking_confirmation_results where booking_id = '$f'",
    ),
    (
        "insert into public.booking_state_history (id, booking_id, to_status) overriding system value values (1000001, '$l', 'pending')",
        "delete from public.booking_state_history where booking_id = '$l'",
    ),
    (
        "insert into public.capacity_outbox (id, event_type, dedupe_key, restaurant_id) overriding system value values (1000001, 'x', 'x', '$r')",
        "delete from public.capacity_outbox where event_type = 'x'",
    ),
];

/// The same to whatever table a call writes.
const ALTERED: &[(&str, &str)] = &[
    ("alter table $T add column more integer default 7", "alter table $T drop column more"),
    (
        "alter table $T add column more integer; alter table $T alter column more set default 1 / 0",
        "alter table $T drop column more",
    ),
    ("alter table $T add constraint extra check (false) not valid", "alter table $T drop constraint extra"),
    (
        "create trigger extra after insert or update on $T for each row execute function both_paths.note()",
        "drop trigger extra on $T",
    ),
    (
        "create trigger extra before insert or update on $T for each statement execute function both_paths.note()",
        "drop trigger extra on $T",
    ),
    (
        "create rule extra as on insert to $T do also insert into both_paths.noted (op) values ('x')",
        "drop rule extra on $T",
    ),
    ("create unique index extra on $T ((1)) where false", "drop index public.extra"),
    ("create table public.extra () inherits ($T)", "drop table public.extra"),
    ("alter table $T rename to extra", "alter table public.extra rename to $name"),
    (
        "alter table $T rename to extra; create view $T as select * from public.extra",
        "drop view $T; alter table public.extra rename to $name",
    ),
    (
        "alter table $T enable row level security, force row level security",
        "alter table $T disable row level security, no force row level security",
    ),
    ("alter table $T disable trigger all", "alter table $T enable trigger all"),
    ("vacuum", "select 1"),
];

const TABLES: [&str; 6] = [
    "allocations",
    "booking_table_assignments",
    "booking_assignment_idempotency",
    "booking_state_history",
    "capacity_outbox",
    "bookings",
];

struct Scene {
    stage: Stage,
    blocker: Session,
    call: Call,
}

impl Scene {
    fn new() -> Scene {
        let stage = Stage::new();
        let (blocker, call) = (stage.pair.floor.session(), stage.by_table());
        Scene { stage, blocker, call }
    }

    fn placed(&self, sql: &str) -> String {
        let ids: [(&str, Uuid); 4] = [
            ("$f", self.stage.fresh),
            ("$l", self.stage.later),
            ("$t", self.stage.room.tables[3]),
            ("$r", self.stage.room.restaurant),
        ];
        ids.iter().fold(sql.to_owned(), |sql, (name, id)| sql.replace(name, &id.to_string()))
    }

    /// The session by a path, which has done a call before.
    fn warm(&mut self, path: &str) -> Session {
        let mut session = self.stage.pair.floor.session();
        session.run(&format!("set holdfast.access_path = {path}; begin"));
        session.done(&self.call);
        left::rewind(&mut session);
        session
    }

    /// The call in a transaction that began before the other one's change, waiting for it.
    fn beside(&mut self, path: &str, level: &str, change: &str, end: &str) -> Vec<String> {
        let mut session = self.warm(path);
        session.run(&format!("begin {level}"));
        let account = Account::begun(&mut session);
        self.blocker.run(&format!("begin; {change}"));
        let pending = behind(&mut self.stage.pair.floor, self.blocker.pid, session, &self.call);
        self.blocker.run(end);
        let (session, answer) = pending.finish();
        self.told(account, session, answer)
    }

    /// The call after the other one's change, which it does not wait for.
    fn after(&mut self, path: &str, change: &str) -> Vec<String> {
        let mut session = self.warm(path);
        self.blocker.run(change);
        session.run("begin");
        let account = Account::begun(&mut session);
        let answer = session.call(&self.call);
        self.told(account, session, answer)
    }

    fn told(&mut self, mut account: Account, mut session: Session, answer: Result<Vec<Value>, Refusal>) -> Vec<String> {
        let is_done = answer.is_ok();
        account.heard(&mut session, answer);
        if is_done {
            account.left(&mut session, &self.stage.pair.rows());
        }
        left::rewind(&mut session);
        self.stage.pair.known().mask(&account)
    }
}

#[test]
fn rows_of_somebody_else_are_waited_for() {
    let mut scene = Scene::new();
    for (change, back) in MEANWHILE {
        let (change, back) = (scene.placed(change), scene.placed(back));
        for (level, end) in [("", "commit"), ("", "rollback"), ("isolation level repeatable read", "commit")] {
            let told = ["auto", "sql"].map(|path| {
                let told = scene.beside(path, level, &change, end);
                scene.blocker.run(&back);
                told
            });
            assert_eq!(told[0], told[1], "{level} {change}, {end}");
        }
    }
}

#[test]
fn tables_that_are_altered_meanwhile() {
    let mut scene = Scene::new();
    for (place, (change, back)) in ALTERED.iter().enumerate() {
        let name = TABLES[place % TABLES.len()];
        let [change, back] =
            [change, back].map(|sql| sql.replace("$T", &format!("public.{name}")).replace("$name", name));
        let told = ["auto", "sql"].map(|path| {
            let after = scene.after(path, &change);
            scene.blocker.run(&back);
            let mut beside = Vec::new();
            // These two do not lock a writer out.
            if change != "vacuum" && !change.contains("inherits") {
                beside = scene.beside(path, "", &change, "commit");
                scene.blocker.run(&back);
            }
            [after, beside]
        });
        assert_eq!(told[0], told[1], "{change}");
    }
}

/// A wait is given up with the same words.
#[test]
fn waits_that_are_given_up() {
    let mut scene = Scene::new();
    let locks = TABLES.iter().map(|table| format!("lock table public.{table} in access exclusive mode"));
    let changes: Vec<String> = MEANWHILE.iter().map(|(change, _)| scene.placed(change)).chain(locks).collect();
    for (number, change) in changes.iter().enumerate() {
        let limit = ["lock_timeout", "statement_timeout"][number % 2];
        let told = ["auto", "sql"].map(|path| {
            let mut session = scene.warm(path);
            scene.blocker.run(&format!("begin; {change}"));
            session.run(&format!("set {limit} = '400ms'; begin"));
            let account = Account::begun(&mut session);
            let answer = session.call(&scene.call);
            assert!(answer.is_err(), "{change}: it does not wait");
            session.run(&format!("rollback; reset {limit}"));
            scene.blocker.run("rollback");
            scene.told(account, session, answer)
        });
        assert_eq!(told[0], told[1], "{change}, {limit}");
    }
}
