//! The page for callers, "Time limits and retries", does what it says: its Python with psycopg, its TypeScript
//! with Node and pg, its Java with JDBC.

use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io, process, thread};

use holdfast_e2e::{Floor, Room, Server};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the clone")
}

/// The page's block in a language.
fn block(language: &str) -> String {
    let page = fs::read_to_string(root().join("docs/confirm-and-retry.md")).expect("the page");
    let block = page.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("the page has no {language}")).to_owned()
}

/// What the page says that the sample above it returns.
fn shown(language: &str) -> String {
    let page = fs::read_to_string(root().join("docs/confirm-and-retry.md")).expect("the page");
    let behind =
        page.split(&format!("```{language}\n")).nth(1).and_then(|rest| rest.split_once("```\n")).expect("a sample").1;
    let shown = behind.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an answer");
    shown.to_owned()
}

/// A text without its ids.
fn plain(text: &str) -> String {
    let is_id = |word: &&str| uuid::Uuid::parse_str(word).is_ok();
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').filter(is_id);
    words.fold(text.to_owned(), |text, id| text.replace(id, "…"))
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

/// What the page's functions are put through.
const STORY: &str = r#"
import os
import threading
dsn, (booking, hold), (other, other_hold), locked, busy = sys.argv[1], sys.argv[2:4], sys.argv[4:6], sys.argv[6:8], sys.argv[8:10]
commits = [sys.argv[10:12], sys.argv[12:14]]
row = confirm(dsn, booking, hold, "key", 4000)
print(row)
assert (row["outcome"], row["replayed"]) == ("confirmed", False), row
assert (again := confirm(dsn, booking, hold, "key", 4000))["replayed"] and again["assignments"] == row["assignments"]
assert ask(dsn, FENCE, booking, "key", 0)["outcome"] == "confirmed"
# A limit that passes: somebody has the booking locked.
with psycopg.connect(dsn) as blocker:
    blocker.execute("select from bookings where id = %s for update", (locked[0],))
    began = time.monotonic()
    row = confirm(dsn, *locked, "key", 200)
    assert row["outcome"] == "timeout_before_confirm" and row["hold_released"], row
    assert time.monotonic() - began >= 0.2
# Errors that leave unknown what happened, while time is left: no fence, and the same call does it.
impatient = dsn + " options='-c statement_timeout=200'"
with psycopg.connect(dsn) as blocker:
    blocker.execute("select from table_inventory for update")
    threading.Timer(0.5, blocker.rollback).start()
    assert confirm(impatient, *busy, "key", 20000)["outcome"] == "confirmed"
# And when none is left: fenced, and it stays so.
asks = ask
def ask(dsn, sql, *arguments):
    if sql == CONFIRM:
        raise psycopg.OperationalError("the connection is lost")
    return asks(dsn, sql, *arguments)
assert confirm(dsn, other, other_hold, "key", 200)["outcome"] == "fenced"
assert confirm(dsn, booking, hold, "key", 200)["outcome"] == "confirmed"
ask = asks
assert confirm(dsn, other, other_hold, "key", 4000)["outcome"] == "fenced"
# The first call is lost, and in its COMMIT until the fence: neither a passed limit nor a last answer to retry speaks for it.
for pair, options in zip(commits, ["", " options='-c lock_timeout=50 -c holdfast.retry_limit=0'"]):
    with psycopg.connect(dsn, cursor_factory=psycopg.RawCursor) as earlier:
        earlier.execute(CONFIRM, (*pair, "key", 60000))
        calls, outcomes = [], []
        def ask(dsn, sql, *arguments):
            calls.append(sql)
            if calls == [CONFIRM]:
                raise psycopg.OperationalError("the connection is lost")
            if sql == FENCE:
                earlier.commit()
            row = asks(dsn, sql, *arguments)
            outcomes.append(row["outcome"])
            return row
        row = confirm(dsn + options, *pair, "key", 1000)
        assert outcomes[0] == ("lock_timeout" if options else "timeout_before_confirm"), outcomes
        assert row["outcome"] == "confirmed" and calls.count(FENCE) == 1, (row, outcomes)
ask = asks
# And what was undone since is not told as confirmed.
assert ask(dsn, "select outcome from undo_confirm($1, $2)", booking, "key")["outcome"] == "undone"
assert ask(dsn, FENCE, booking, "key", 0)["outcome"] == os.environ["AFTER_UNDO"]
print("told")
"#;

/// What a fence says of an answer that was undone: the history's metadata knows of that, where there is such a column.
fn after_undo(floor: &mut Floor) -> &'static str {
    let knows: bool = floor.value(
        "select exists (select from information_schema.columns where table_name = 'booking_state_history' and column_name = 'metadata')",
    );
    if knows { "committed" } else { "confirmed" }
}

#[test]
fn the_python_of_the_page_does_what_it_says() {
    let mut floor = Floor::new();
    let room = floor.room(6);
    let (pairs, undone) = (pairs(&mut floor, &room), after_undo(&mut floor));
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
            .env("AFTER_UNDO", undone)
            .args(["-c", &program, &dsn])
            .args(&pairs),
    );
    assert_eq!(plain(&said), format!("{}told\n", shown("python")));
}

#[test]
fn the_typescript_of_the_page_does_what_it_says() {
    let mut floor = Floor::new();
    let room = floor.room(7);
    let (pairs, undone) = (pairs(&mut floor, &room), after_undo(&mut floor));
    let got = printed(&mut Command::new(root().join("toolchain/get-node")));
    let (node, folder) = got.trim().split_once('\n').expect("a program and a folder");
    let story = fs::read_to_string(root().join("tests/e2e/typescript/story.ts")).expect("the story");
    let program = Path::new(folder).join(format!("page-{}.ts", process::id()));
    fs::write(&program, format!("{}{story}", block("ts"))).expect("a program");
    let server = floor.server();
    let said = printed(
        Command::new(node)
            .env("AFTER_UNDO", undone)
            .args([&program, Path::new(&server.host)])
            .args([&server.port.to_string(), &server.user, &floor.name])
            .args(&pairs),
    );
    fs::remove_file(program).expect("the program goes");
    assert_eq!(plain(&said), format!("{}told\n", shown("ts")));
}

/// The server's socket as a port of this machine, for a driver that knows no sockets.
fn port(server: &Server) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let socket = Path::new(&server.host).join(format!(".s.PGSQL.{}", server.port));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = UnixStream::connect(&socket) else { continue };
            let (mut asks, mut answers) = (client.try_clone().expect("a handle"), client);
            let (mut to, mut from) = (server.try_clone().expect("a handle"), server);
            thread::spawn(move || {
                let _ = io::copy(&mut asks, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut answers);
                let _ = answers.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

#[test]
fn the_java_of_the_page_does_what_it_says() {
    let mut floor = Floor::new();
    let room = floor.room(6);
    let (pairs, undone) = (pairs(&mut floor, &room), after_undo(&mut floor));
    let got = printed(&mut Command::new(root().join("toolchain/get-java")));
    let (java, driver) = got.trim().split_once('\n').expect("a program and a driver");
    let block = block("java");
    let (imports, page) = block.split_once("\n\n").expect("imports come first");
    let story = fs::read_to_string(root().join("tests/e2e/java/Story.java")).expect("the story");
    let program = env::temp_dir().join(format!("holdfast-page-{}.java", process::id()));
    fs::write(&program, format!("{imports}\n\n{story}\n{page}")).expect("a program");
    let server = floor.server();
    let said = printed(
        Command::new(java)
            .env("AFTER_UNDO", undone)
            .args(["-cp", driver])
            .arg(&program)
            .args([&port(server).to_string(), &server.user, &floor.name])
            .args(&pairs),
    );
    fs::remove_file(program).expect("the program goes");
    assert_eq!(plain(&said), format!("{}told\n", shown("java")));
}
