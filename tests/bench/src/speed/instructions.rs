//! Instructions of one call, by callgrind: these repeat within a percent on any machine, as times do not.
//!
//! Two sessions make few and many calls, after one that is not counted. What the last used more, by the calls that it made
//! more, is one call: without the start of a session, its plans and its end. valgrind comes from `toolchain/get-valgrind`.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use holdfast_e2e::{Cluster, Session};
use serde::{Deserialize, Serialize};

use super::block::{Caller, run};
use super::cell::{Cell, Work};
use super::job::{Item, Job};
use super::place::Place;
use super::rival::Rival::{self, Best, Classic, Floor, Holdfast, Select, Wrapped};
use super::supply::{Before, items, write};

const FEW: usize = 10;
const MANY: usize = 34;

/// One kind of call by one rival.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Counted {
    pub what: String,
    pub rival: Rival,
    pub instructions: f64,
}

/// What was counted in a run; nothing where there is no callgrind.
#[must_use]
pub fn read(folder: &Path) -> Vec<Counted> {
    let text = fs::read_to_string(folder.join("instructions.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The kinds of call, each with who makes it; the first is what the others are compared with.
fn kinds(bookings: usize) -> Vec<(&'static str, Cell, &'static [Rival])> {
    let cell = |work, by_hold, tables| Cell { by_hold, tables, ..Cell::new(work, bookings) };
    const CONFIRM: &[Rival] = &[Floor, Holdfast, Best, Classic];
    vec![
        ("fresh, one table", cell(Work::Fresh, false, 1), CONFIRM),
        ("fresh, three tables", cell(Work::Fresh, false, 3), CONFIRM),
        ("fresh, a hold of one", cell(Work::Fresh, true, 1), CONFIRM),
        ("fresh, a hold of three", cell(Work::Fresh, true, 3), CONFIRM),
        ("hold and confirm, one table", cell(Work::Hold, true, 1), &[Floor, Holdfast, Best]),
        ("replay, a hold of one", cell(Work::Replay, true, 1), &[Select, Wrapped, Holdfast, Best]),
    ]
}

/// The command; None where there is none.
pub fn valgrind() -> Option<String> {
    let valgrind = env::var("HOLDFAST_VALGRIND").ok().filter(|path| !path.is_empty());
    if valgrind.is_none() {
        eprintln!("no callgrind (HOLDFAST_VALGRIND): instructions are not counted");
    }
    valgrind
}

/// Counts every kind, unless an earlier run did, with the server below callgrind.
pub fn measure(place: &mut Place, bookings: usize, folder: &Path) {
    let Some(valgrind) = valgrind() else { return };
    if !read(folder).is_empty() {
        return;
    }
    let kinds = kinds(bookings);
    let database = place.database(&kinds[0].1, Floor);
    let counted = below_callgrind(place, &valgrind, |place, files| {
        let each = kinds.iter().flat_map(|(what, cell, rivals)| rivals.iter().map(move |rival| (what, cell, *rival)));
        each.map(|(what, cell, rival)| {
            let instructions = count(place, &database, cell, rival, files);
            Counted { what: (*what).to_owned(), rival, instructions }
        })
        .collect::<Vec<_>>()
    });
    fs::write(folder.join("instructions.json"), serde_json::to_string(&counted).expect("numbers")).expect("a file");
}

/// Does something with the server below callgrind, which writes what each process used to a folder.
pub fn below_callgrind<T>(place: &mut Place, valgrind: &str, work: impl FnOnce(&mut Place, &Path) -> T) -> T {
    let files = env::temp_dir().join(format!("holdfast-callgrind-{}", process::id()));
    fs::create_dir_all(&files).expect("a folder");
    place.cluster.give(&files);
    place.cluster.stop();
    let tool = [
        valgrind.to_owned(),
        "--tool=callgrind".to_owned(),
        "--quiet".to_owned(),
        format!("--callgrind-out-file={}/%p", files.display()),
        format!("--log-file={}/log.%p", files.display()),
    ];
    let mut server = place.cluster.launch_under(&tool);
    let done = work(place, &files);
    place.cluster.stop();
    let _ = server.wait();
    place.cluster.launch();
    if env::var("HOLDFAST_PROFILES").is_err() {
        let _ = fs::remove_dir_all(&files);
    }
    done
}

/// Instructions of one call.
pub fn count(place: &mut Place, database: &str, cell: &Cell, rival: Rival, files: &Path) -> f64 {
    // The first session pays for pages that nobody has read yet, or written since the checkpoint: it is not counted.
    let mut used = [0.0; 3];
    for (calls, used) in [MANY, FEW, MANY].into_iter().zip(&mut used) {
        let fresh = items(cell, MANY, false, place.calendar(database)).remove(0);
        let mut observer = Session::new(place.cluster.connect(database));
        write(&mut observer, &fresh.iter().collect::<Vec<_>>(), Before::of(cell));
        if cell.work == Work::Replay {
            session(&place.cluster, database, cell, Holdfast, &fresh[..1], &mut observer);
        }
        let asked: Vec<Item> =
            if cell.work == Work::Replay { vec![fresh[0].clone(); calls] } else { fresh[..calls].to_vec() };
        let pid = session(&place.cluster, database, cell, rival, &asked, &mut observer);
        *used = total(&files.join(pid.to_string()));
    }
    (used[2] - used[1]) / (MANY - FEW) as f64
}

/// One session that calls and ends; its process.
fn session(
    cluster: &Cluster,
    database: &str,
    cell: &Cell,
    rival: Rival,
    items: &[Item],
    observer: &mut Session,
) -> i32 {
    let caller = Caller::new(cluster.connect(database), rival, cell);
    let pid = caller.pid();
    let jobs = items.iter().map(|item| Job::new(item.clone(), cell.by_hold)).collect();
    let measured = run(&mut [caller], vec![jobs], observer);
    assert_eq!(measured.done, measured.calls, "{} by {}", cell.name(), rival.name());
    pid
}

/// What a process used, once it has ended and callgrind has said so.
fn total(file: &Path) -> f64 {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
        if let Some(number) = line.and_then(|rest| rest.trim().parse().ok()) {
            return number;
        }
        assert!(Instant::now() < give_up, "callgrind wrote nothing to {}", file.display());
        thread::sleep(Duration::from_millis(100));
    }
}
