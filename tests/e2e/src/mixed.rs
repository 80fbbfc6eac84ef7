//! Guests who do whatever can become of an attempt, for programs that cut them off.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use uuid::Uuid;

use crate::{Cluster, Dice, Session};

/// Label sets whose sum does not hold, or that do not rest.
const DRIFT: &str = "select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object('sum', o.sum)), '[]')
  from holdfast.stat_confirm c
  left join (select database, schema, function, path, sum(count)::bigint as sum from holdfast.stat_outcomes
             group by database, schema, function, path) o
    on (o.database, o.schema, o.function, o.path) is not distinct from (c.database, c.schema, c.function, c.path)
  where c.started <> c.ended + c.in_flight + c.prepared or c.ended <> coalesce(o.sum, 0) or c.in_flight <> 0";

/// The sum holds for each label set, and nothing is in flight. A client reads its error before the server has ended the
/// transaction, so it may take a moment.
#[track_caller]
pub fn assert_no_drift(session: &mut Session) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let drift: serde_json::Value = session.value(DRIFT);
        if drift == serde_json::json!([]) {
            return;
        }
        assert!(Instant::now() < give_up, "{drift:#}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Some bookings, and a table for each guest.
pub struct Guests<'a> {
    pub cluster: &'a Cluster,
    pub database: &'a str,
    pub bookings: Vec<Uuid>,
    pub tables: Vec<Uuid>,
    pub seed: u64,
}

impl Guests<'_> {
    /// A session, as soon as the server has any: it may be recovering.
    #[must_use]
    pub fn connect(&self) -> Client {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(mut client) = self.cluster.server.try_connect(self.database, "guest")
                && client.batch_execute("set deadlock_timeout = '20ms'").is_ok()
            {
                return client;
            }
            assert!(Instant::now() < give_up, "the server does not come back");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// One guest goes on until it is enough; an error ends what was begun, and a session that was ended is replaced.
    pub fn go_on(&self, number: usize, enough: &AtomicBool) {
        let (mut dice, mut own) = (Dice::new(self.seed + number as u64), self.connect());
        while !enough.load(Relaxed) {
            let _ = self.next(&mut dice, number).lines().try_for_each(|line| own.batch_execute(line));
            if own.batch_execute("rollback").is_err() || own.is_closed() {
                own = self.connect();
            }
        }
    }

    /// What a guest does next, a statement a line: done, refused, rolled back, prepared, a hold, a limit in time. Each key
    /// ends with its booking.
    fn next(&self, dice: &mut Dice, guest: usize) -> String {
        let (booking, table) = (self.bookings[dice.roll(self.bookings.len())], self.tables[guest]);
        let (key, gid) = (format!("{} of {booking}", dice.roll(1 << 30)), dice.roll(1 << 30));
        let confirm =
            format!("select confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], '{key}')");
        let assign =
            format!("select assign_tables_atomic_v2('{booking}', array['{table}']::uuid[], 'first of {booking}')");
        match dice.roll(9) {
            0 => confirm,
            1 => assign,
            2 => format!("begin\n{confirm}\nrollback"),
            3 => format!("begin\nsavepoint a\n{assign}\nsavepoint b\n{confirm}\nrollback to a\n{assign}\ncommit"),
            4 => format!("begin\n{assign}\nprepare transaction 'of {guest} {gid}'\ncommit prepared 'of {guest} {gid}'"),
            5 => format!("begin\n{confirm}\n{assign}\nprepare transaction 'of {guest} {gid}'"),
            6 => format!(
                "begin\nselect hold_id, release_hold_and_emit(hold_id) \
                 from hold_tables('{booking}', array['{table}']::uuid[])\n{}",
                if dice.roll(2) == 0 { "commit" } else { "rollback" }
            ),
            7 => format!(
                "select atomic_confirm_and_transition_within('{booking}', '{}', '{key}', {})",
                Uuid::new_v4(),
                1 + dice.roll(20)
            ),
            _ => format!(
                "do $$ begin for n in 1 .. 40 loop begin \
                   if n % 2 = 0 then {}; raise 'not that way'; end if; \
                   perform confirm_hold_assignment_with_transition('{booking}', '{{}}'::uuid[], 'none of {booking}'); \
                 exception when others then null; end; end loop; end $$",
                assign.replacen("select", "perform", 1)
            ),
        }
    }
}
