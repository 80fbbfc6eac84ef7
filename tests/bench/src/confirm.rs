//! What a confirm by hold costs on the application that keeps windows of holds by triggers and has a foreign key without an
//! index behind it: its own function against ours, in turns. CPU of the server's process, the client's is not in it.

use std::fs;

use holdfast_e2e::foreign::{Foreign, HOLD_WINDOWS};
use holdfast_e2e::{GRANTED, Session};

use super::{median, number};

const INDEX: &str = "create index ledger_group on booking_assignment_idempotency (merge_group_allocation_id)";

/// Whose function is called, in a database of its own.
struct Side {
    name: &'static str,
    foreign: Foreign,
    /// Milliseconds a confirm, round by round.
    spent: Vec<f64>,
    confirmed: usize,
}

impl Side {
    fn new(name: &'static str, ledger: usize, prepare: &str) -> Side {
        let mut foreign = HOLD_WINDOWS.install();
        foreign.run(&format!(
            "insert into booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window, table_set_hash)
             select '0ddba11a-0000-4000-8000-000000000205', 'old-' || n, '{{}}', '[2020-01-01, 2020-01-02)', md5(n::text)
             from generate_series(1, {ledger}) n"
        ));
        foreign.run(prepare);
        foreign.run("vacuum analyze");
        Side { name, foreign, spent: Vec::new(), confirmed: 0 }
    }

    /// Bookings on days of their own, each with a hold on one table; booking and hold.
    fn held(&mut self, batch: usize) -> Vec<(String, String)> {
        let from = self.confirmed;
        self.confirmed += batch;
        let rows = self.foreign.column::<String>(&format!(
            "with b as (
               insert into bookings (restaurant_id, start_at, end_at, party_size)
               select '0ddba11a-0000-4000-8000-000000000001', t, t + interval '2 hours', 2
               from (select timestamptz '2031-01-01 18:00Z' + n * interval '3 hours' as t from generate_series({from}, {from} + {batch} - 1) n) d
               returning id, restaurant_id, start_at, end_at
             ), h as (
               insert into table_holds (booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, metadata)
               select id, restaurant_id, '0ddba11a-0000-4000-8000-000000000002', start_at, end_at, end_at, '{{}}' from b returning id, booking_id
             ) select booking_id || ' ' || id from h"
        ));
        self.foreign.run(
            "insert into table_hold_members (hold_id, table_id)
             select id, '0ddba11a-0000-4000-8000-000000000101' from table_holds h
             where not exists (select from table_hold_members m where m.hold_id = h.id)",
        );
        rows.iter().filter_map(|row| row.split_once(' ')).map(|(b, h)| (b.to_owned(), h.to_owned())).collect()
    }

    fn confirm(&mut self, batch: usize) {
        let held = self.held(batch);
        let mut caller = self.foreign.session();
        let call = |(booking, hold): &(String, String)| {
            format!(
                "select count(*) from confirm_hold_assignment_tx(p_hold_id => '{hold}', p_booking_id => '{booking}',
                   p_idempotency_key => 'key', p_target_status => 'confirmed')"
            )
        };
        let (warm, counted) = held.split_at(batch / 10);
        let ask = |caller: &mut Session, one| assert_eq!(caller.value::<i64>(&call(one)), 1);
        warm.iter().for_each(|one| ask(&mut caller, one));
        let before = cpu_ms(caller.pid);
        counted.iter().for_each(|one| ask(&mut caller, one));
        self.spent.push((cpu_ms(caller.pid) - before) / counted.len() as f64);
    }
}

/// What a process has used, in milliseconds; the kernel counts in hundredths of a second.
fn cpu_ms(pid: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a server process of this machine");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) * 10.0
}

pub fn run() {
    let (ledger, rounds, batch) =
        (number("HOLDFAST_LEDGER", 200_000), number("HOLDFAST_ROUNDS", 7), number("HOLDFAST_BATCH", 300));
    let attach = format!("create extension holdfast cascade; select holdfast.attach('public', array['{GRANTED}'])");
    let mut sides = [
        Side::new("its own function", ledger, ""),
        Side::new("its own function, with an index behind the foreign key", ledger, INDEX),
        Side::new("holdfast, as attached", ledger, &attach),
    ];
    for _ in 0..rounds {
        sides.iter_mut().for_each(|side| side.confirm(batch));
    }
    println!("{ledger} ledger entries, {rounds} rounds in turns of {batch} confirms, CPU of the server's process");
    for side in &sides {
        let ratios = side.spent.iter().zip(&sides[0].spent).map(|(one, other)| one / other);
        println!(
            "{}: {:.2} ms a confirm, {:.2} of the first",
            side.name,
            median(side.spent.clone()),
            median(ratios.collect())
        );
    }
}
