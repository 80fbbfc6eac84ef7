//! The page for callers, "Time limits and retries", does what it says: its SQL in psql, its Python with psycopg, its
//! TypeScript with Node and pg.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use holdfast_e2e::{Floor, Room};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the clone")
}

/// The page's block in a language.
fn block(language: &str) -> String {
    let page = fs::read_to_string(root().join("docs/confirm-and-retry.md")).expect("the page");
    let block = page.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("the page has no {language}")).to_owned()
}

/// Runs a program and returns what it printed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{words}\n{}", String::from_utf8_lossy(&output.stderr));
    words
}

/// For each table a booking and its hold, by their ids.
fn pairs(floor: &mut Floor, room: &Room) -> Vec<String> {
    let held = room.tables.iter().map(|table| floor.held(room, &[*table]));
    held.flat_map(|(booking, hold)| [booking.to_string(), hold.to_string()]).collect()
}

#[test]
fn the_sql_of_the_page_runs() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    let script = env::temp_dir().join(format!("holdfast-page-{}.sql", process::id()));
    fs::write(&script, block("sql")).expect("a script");
    let server = floor.server();
    let said = printed(
        Command::new(server.programs.join("psql"))
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-v", "key=evening-1"])
            .args(["-v", &format!("booking={booking}"), "-v", &format!("hold={hold}")])
            .args(["-h", &server.host, "-p", &server.port.to_string(), "-U", &server.user, "-d", &floor.name, "-f"])
            .arg(&script),
    );
    fs::remove_file(script).expect("the script goes");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("confirmed|done|"), "{said}");
    assert!(lines[1..].iter().all(|line| line.starts_with("committed|")), "{said}");
    assert_eq!(floor.get("bookings", booking, "status").as_deref(), Some("confirmed"));
}

/// What the page's two functions are put through.
const STORY: &str = r#"
dsn, (booking, hold), (other, other_hold), locked = sys.argv[1], sys.argv[2:4], sys.argv[4:6], sys.argv[6:8]
row = confirm(dsn, booking, hold, "key", 4000)
assert (row["outcome"], row["replayed"]) == ("confirmed", False), row
assert (again := confirm(dsn, booking, hold, "key", 4000))["replayed"] and again["assignments"] == row["assignments"]
assert ask(dsn, FENCE, booking, "key", 0)["outcome"] == "committed"
# A limit that passes: somebody has the booking locked.
with psycopg.connect(dsn) as blocker:
    blocker.execute("select from bookings where id = %s for update", (locked[0],))
    began = time.monotonic()
    row = confirm(dsn, *locked, "key", 200)
    assert row["outcome"] == "timeout_before_confirm" and row["hold_released"], row
    assert time.monotonic() - began >= 0.2
# The session ends in the middle, and the call never comes back: fenced, and it stays so.
with psycopg.connect(dsn, autocommit=True) as blocker:
    blocker.execute("alter role postgres in database " + psycopg.connect(dsn).info.dbname + " set statement_timeout = '300ms'")
    with blocker.transaction():
        blocker.execute("select from table_inventory for update")
        row = confirm(dsn, other, other_hold, "key", 4000)
    assert row["outcome"] == "fenced", row
    blocker.execute("alter role postgres in database " + psycopg.connect(dsn).info.dbname + " reset statement_timeout")
assert confirm(dsn, other, other_hold, "key", 4000)["outcome"] == "fenced"
print("told")
"#;

#[test]
fn the_python_of_the_page_does_what_it_says() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let pairs = pairs(&mut floor, &room);
    let folder = root().join(".toolchain");
    let wheels = ["psycopg", "typing-extensions"].map(|name| folder.join(name));
    for wheel in &wheels {
        printed(Command::new(root().join("toolchain/get-wheel")).arg(wheel.file_name().expect("a name")).arg(wheel));
    }
    let server = floor.server();
    // psycopg without its compiled part looks for the system's libpq; the one of the server under test will do.
    let folders = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let places = [server.programs.join("../lib")].into_iter().chain(env::split_paths(&folders));
    let library = places.map(|folder| folder.join("libpq.so.5")).find_map(|path| path.canonicalize().ok());
    let library = library.map_or_else(String::new, |path| {
        format!("import ctypes.util\nctypes.util.find_library = lambda name: {path:?}\n")
    });
    let program = format!("import sys\n{library}{}{STORY}", block("python"));
    let dsn = format!("host={} port={} user={} dbname={}", server.host, server.port, server.user, floor.name);
    let said = printed(
        Command::new("python3")
            .env("PYTHONPATH", env::join_paths(&wheels).expect("two folders"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PSYCOPG_IMPL", "python")
            .args(["-c", &program, &dsn])
            .args(&pairs),
    );
    assert_eq!(said, "told\n");
}

#[test]
fn the_typescript_of_the_page_does_what_it_says() {
    let mut floor = Floor::new();
    let room = floor.room(4);
    let pairs = pairs(&mut floor, &room);
    let got = printed(&mut Command::new(root().join("toolchain/get-node")));
    let (node, folder) = got.trim().split_once('\n').expect("a program and a folder");
    let story = fs::read_to_string(root().join("tests/e2e/typescript/story.ts")).expect("the story");
    let program = Path::new(folder).join(format!("page-{}.ts", process::id()));
    fs::write(&program, format!("{}{story}", block("ts"))).expect("a program");
    let server = floor.server();
    let said = printed(
        Command::new(node)
            .args([&program, Path::new(&server.host)])
            .args([&server.port.to_string(), &server.user, &floor.name])
            .args(&pairs),
    );
    fs::remove_file(program).expect("the program goes");
    assert_eq!(said, "told\n");
}
