//! One block of calls by all sessions of one rival, and what it took.

use std::sync::Barrier;
use std::time::Instant;
use std::{fs, thread};

use holdfast_e2e::Session;
use postgres::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cell::{Cell, Work};
use super::job::Job;
use super::rival::Rival;
use super::script::Prepared;

/// What one block came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    pub calls: usize,
    pub done: usize,
    pub refused: usize,
    /// Of the refused, those that were told a booking or a table.
    pub told: usize,
    pub deadlocks: usize,
    pub seconds: f64,
    /// Of the server's processes of these sessions, in microseconds.
    pub cpu_us: f64,
    pub wal_bytes: f64,
    /// Of one call, in microseconds.
    pub median_us: f64,
    pub p99_us: f64,
}

/// One session of a rival, with its statements prepared.
pub struct Caller {
    session: Session,
    statements: Vec<Prepared>,
    batch: Batch,
}

/// What is done and committed at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Batch {
    /// Each call by itself.
    Single,
    /// So many calls in a transaction.
    Transaction(usize),
    /// So many items in a call.
    List(usize),
}

enum Answer {
    Done,
    Refused { told: bool },
    Deadlock,
}

impl Caller {
    pub fn new(client: Client, rival: Rival, cell: &Cell) -> Caller {
        let mut session = Session::new(client);
        session.run(&format!(
            "set statement_timeout = 0; set synchronous_commit = {}; set plan_cache_mode = {}",
            if cell.sync { "on" } else { "off" },
            if rival.plans_once() { "force_generic_plan" } else { "auto" }
        ));
        let scripts = rival.statements(cell);
        let statements = scripts.iter().map(|script| Prepared::new(&mut session.client, script)).collect();
        let batch = match (cell.work, rival) {
            (Work::Batch(size), Rival::Holdfast) => Batch::List(size),
            (Work::Batch(size), Rival::Together) => Batch::Transaction(size),
            _ => Batch::Single,
        };
        Caller { session, statements, batch }
    }

    pub fn pid(&self) -> i32 {
        self.session.pid
    }

    fn call(&mut self, job: &mut Job) -> Answer {
        for statement in &self.statements {
            match statement.run(&mut self.session.client, job) {
                // A hold that the server named is the one to confirm.
                Ok(rows) => {
                    if let Some(hold) = rows.first().and_then(|row| row.try_get("hold_id").ok()) {
                        job.hold = hold;
                    }
                }
                Err(error) => {
                    let error =
                        error.as_db_error().unwrap_or_else(|| panic!("not an answer of the server: {error}")).clone();
                    if self.statements.len() > 1 {
                        let _ = self.session.client.batch_execute("rollback");
                    }
                    let known = ["P0001", "23P01", "40P01"].contains(&error.code().code());
                    assert!(known, "{error:?}");
                    let told = error
                        .detail()
                        .is_some_and(|detail| job.item.tables.iter().any(|table| detail.contains(&table.to_string())));
                    return if error.code().code() == "40P01" { Answer::Deadlock } else { Answer::Refused { told } };
                }
            }
        }
        Answer::Done
    }

    /// Many confirms in one call; what one of them took.
    fn list(&mut self, jobs: &[Job], measured: &mut Measured) -> Vec<f64> {
        let began = Instant::now();
        let items = Value::Array(jobs.iter().map(Job::item).collect());
        let sql = "select outcome from public.confirm_many($1)";
        let rows = self.session.client.query(sql, &[&items]).unwrap_or_else(|error| panic!("{error:?}"));
        let done = rows.iter().filter(|row| row.get::<_, &str>(0) == "confirmed").count();
        measured.done += done;
        measured.refused += rows.len() - done;
        vec![began.elapsed().as_secs_f64() * 1e6 / jobs.len() as f64; jobs.len()]
    }

    /// Every call of one session; what each took.
    fn work(&mut self, jobs: &mut [Job], measured: &mut Measured) -> Vec<f64> {
        if let Batch::List(size) = self.batch {
            return jobs.chunks(size).flat_map(|jobs| self.list(jobs, measured)).collect();
        }
        let size = if let Batch::Transaction(size) = self.batch { size } else { usize::MAX };
        let together = size < usize::MAX;
        let mut times = Vec::with_capacity(jobs.len());
        let count = jobs.len();
        for (number, job) in jobs.iter_mut().enumerate() {
            let began = Instant::now();
            if together && number % size == 0 {
                self.session.run("begin");
            }
            match self.call(job) {
                Answer::Done => measured.done += 1,
                Answer::Refused { told } => {
                    measured.refused += 1;
                    measured.told += usize::from(told);
                }
                Answer::Deadlock => measured.deadlocks += 1,
            }
            if together && ((number + 1) % size == 0 || number + 1 == count) {
                self.session.run("commit");
            }
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
        times
    }
}

/// Runs the jobs of each session at once; the observer is asked before and after, never meanwhile.
pub fn run(callers: &mut [Caller], jobs: Vec<Vec<Job>>, observer: &mut Session) -> Measured {
    let wal = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8";
    let processor = |callers: &[Caller]| callers.iter().map(|caller| processor_us(caller.pid())).sum::<f64>();
    let (wal_before, cpu_before) = (observer.value::<f64>(wal), processor(callers));
    let gate = Barrier::new(callers.len() + 1);
    let (mut whole, mut times, mut began) = (Measured::default(), Vec::new(), Instant::now());
    thread::scope(|scope| {
        let sessions: Vec<_> = callers
            .iter_mut()
            .zip(jobs)
            .map(|(caller, mut jobs)| {
                let gate = &gate;
                scope.spawn(move || {
                    let mut own = Measured { calls: jobs.len(), ..Measured::default() };
                    gate.wait();
                    let times = caller.work(&mut jobs, &mut own);
                    (own, times)
                })
            })
            .collect();
        gate.wait();
        began = Instant::now();
        for session in sessions {
            let (own, took) = session.join().expect("no unexpected answer");
            times.extend(took);
            whole.calls += own.calls;
            whole.done += own.done;
            whole.refused += own.refused;
            whole.told += own.told;
            whole.deadlocks += own.deadlocks;
        }
    });
    whole.seconds = began.elapsed().as_secs_f64();
    whole.cpu_us = processor(callers) - cpu_before;
    whole.wal_bytes = observer.value::<f64>(wal) - wal_before;
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    (whole.median_us, whole.p99_us) = (at(0.5), at(0.99));
    whole
}

/// What a process has used, to the nanosecond where the kernel keeps that, else to a hundredth of a second.
fn processor_us(pid: i32) -> f64 {
    let exact = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok();
    let nanoseconds = exact.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || {
            let (own, _) = crate::upkeep::worker::processor_time(pid);
            own * 1e6
        },
        |nanoseconds| nanoseconds / 1e3,
    )
}
