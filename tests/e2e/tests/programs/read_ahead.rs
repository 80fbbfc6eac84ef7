//! After a restart nothing of the database is in memory. The worker asks for what a look at all live bookings will read.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{Books, Cluster, Session, eventually};

/// Asked for once a live booking.
const PROBED: &[&str] = &["booking_assignment_idempotency_pkey", "booking_state_history_booking_idx"];
/// Nobody asks for much of it.
const OTHER: &str = "capacity_outbox_dedupe_idx";

/// A house in which half of the bookings are to come, after a restart without anything of its indexes in memory. No step of
/// the worker reads them: no look is due, and nothing was committed.
fn restarted(cluster: &Cluster, interval_seconds: i32) -> Session {
    let mut session = cluster.install("house");
    session.run("alter system set holdfast.worker = off");
    session.run("select pg_reload_conf()");
    Books { bookings: 8000, restaurants: 4, live: 50 }.write(&mut session);
    session.run(
        "insert into public.holdfast_booking_scans (id) values (true) on conflict do nothing;
         update public.holdfast_booking_scans set look_at = 'infinity', pass_at = 'infinity'",
    );
    session.run("alter system reset holdfast.worker");
    session.run(&format!("alter system set holdfast.reconcile_interval = {interval_seconds}"));
    session.run("checkpoint");
    let files: Vec<String> = PROBED.iter().chain([&OTHER]).map(|index| file(&mut session, index)).collect();
    drop(session);
    cluster.stop();
    files.iter().for_each(|file| forget(file));
    cluster.launch();
    Session::new(cluster.connect("house"))
}

fn file(session: &mut Session, index: &str) -> String {
    session.value(&format!("select current_setting('data_directory') || '/' || pg_relation_filepath('public.{index}')"))
}

/// Has the system write a file and drop it from memory.
fn forget(file: &str) {
    let of = format!("of={file}");
    let told =
        Command::new("dd").args([&of, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]).status();
    assert!(told.is_ok_and(|status| status.success()), "dd of coreutils");
    let (kept, _) = in_memory(file);
    assert_eq!(kept, 0, "{file} does not leave memory: set TMPDIR to a folder on a disk");
}

/// Asks the system which pages of a file it has: mincore(2). The mapping is private, so that it has an address for Python.
const IN_MEMORY: &str = "
import ctypes, mmap, os, sys
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], 'rb') as file:
    pages = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
first = ctypes.c_char.from_buffer(pages)
kept = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
libc = ctypes.CDLL(None, use_errno=True)
if libc.mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), kept):
    sys.exit(os.strerror(ctypes.get_errno()))
print(sum(page & 1 for page in kept), len(kept))
";

/// Pages of a file that are in memory, and all of its pages.
fn in_memory(file: &str) -> (u64, u64) {
    let output = Command::new("python3").args(["-c", IN_MEMORY, file]).output().expect("python3");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(|number| number.parse().expect("a number"));
    let mut number = || numbers.next().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (number(), number())
}

/// The system may let go of a page again, or not follow each wish, when memory is short: all of them would be asked too much.
fn is_mostly_kept(file: &str) -> bool {
    let (kept, size) = in_memory(file);
    kept * 10 >= size * 9
}

fn cluster() -> Cluster {
    Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1 -c autovacuum=off")
}

#[test]
fn the_worker_asks_for_what_a_look_will_read() {
    let cluster = cluster();
    let mut session = restarted(&cluster, 10);
    for index in PROBED {
        let file = file(&mut session, index);
        let give_up = Instant::now() + Duration::from_secs(20);
        while !is_mostly_kept(&file) {
            assert!(Instant::now() < give_up, "{index}: {:?}", in_memory(&file));
            thread::sleep(Duration::from_millis(5));
        }
    }
    eventually(&mut session, "select runs > 0 from holdfast.stat_worker where database = current_database()");
    let other = file(&mut session, OTHER);
    let (kept, size) = in_memory(&other);
    assert!(kept < size / 2, "{OTHER}: {kept} of {size}");
    assert_eq!(session.value::<i64>("select coalesce(sum(errors), 0)::bigint from holdfast.stat_worker"), 0);
}

#[test]
fn nothing_is_read_ahead_where_nobody_looks() {
    let cluster = cluster();
    let mut session = restarted(&cluster, 0);
    eventually(&mut session, "select runs > 1 from holdfast.stat_worker where database = current_database()");
    for index in PROBED {
        let file = file(&mut session, index);
        let (kept, size) = in_memory(&file);
        assert!(kept < size / 2, "{index}: {kept} of {size}");
    }
}
