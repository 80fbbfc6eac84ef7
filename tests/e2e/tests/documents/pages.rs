//! Every SQL block of the README and of docs/ runs as it stands there: the blocks of a page one after the other, in one
//! session of psql.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use holdfast_e2e::foreign::OLD;
use holdfast_e2e::{Floor, GRANTED, Server, Session, confirm};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the clone")
}

/// What a page is run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// A database with nothing in it.
    Bare,
    /// The reference schema, attached, with a booking and its hold.
    Attached,
    /// An application that had functions of its own, attached.
    Adopted,
}

fn ground(page: &str) -> Ground {
    match page {
        "README.md" | "quickstart.md" => Ground::Bare,
        "adopt.md" | "rollout-and-shadow.md" => Ground::Adopted,
        _ => Ground::Attached,
    }
}

/// The SQL of a page, each block with its place; what needs pg_cron is run where that is (`cron.rs`).
fn blocks(text: &str) -> String {
    let mut sql = String::new();
    for (number, part) in text.split("```sql\n").enumerate().skip(1) {
        let block = part.split("```").next().unwrap_or_default();
        if !block.contains("cron.schedule") {
            sql += &format!("\\echo block {number}\n{block}\n");
        }
    }
    sql
}

fn pages() -> Vec<(String, String)> {
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("a page"))
    };
    let docs = fs::read_dir(root().join("docs")).expect("docs").flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    paths.extend(["README.md", "SECURITY.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    paths.sort();
    paths.into_iter().map(read).collect()
}

/// What the pages call :'booking' and so on.
fn variables(session: &mut Session) -> Vec<String> {
    let room = session.room(2);
    let (booking, hold) = session.held(&room, &room.tables[..1]);
    let confirmed = session.booking(room.restaurant);
    session.seats(&confirm(confirmed, &room.tables[1..], "key"));
    let evening: String = session
        .value(&format!("select coalesce(booking_date, start_at::date)::text from bookings where id = '{booking}'"));
    vec![
        format!("restaurant={}", room.restaurant),
        format!("evening={evening}"),
        format!("table={}", room.tables[0]),
        format!("other_table={}", room.tables[1]),
        format!("booking={booking}"),
        format!("other_booking={confirmed}"),
        format!("hold={hold}"),
        "key=evening-1".to_owned(),
        format!("role={GRANTED}"),
    ]
}

fn run(server: &Server, database: &str, page: &str, sql: &str, variables: &[String]) -> String {
    let script = env::temp_dir().join(format!("holdfast-{page}-{database}-{}.sql", process::id()));
    fs::write(&script, sql).expect("a script");
    let mut command = Command::new(server.programs.join("psql"));
    command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", &server.host, "-p", &server.port.to_string()]);
    command.args(["-U", &server.user, "-d", database]).env("PGOPTIONS", "-c client_min_messages=warning");
    for variable in variables {
        command.args(["-v", variable]);
    }
    let output = command.arg("-f").arg(&script).output().expect("psql");
    fs::remove_file(script).expect("the script goes");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{page}: {out}\n{err}");
    out.into_owned()
}

/// Runs a page's SQL where it belongs, and returns what it printed.
fn run_page(page: &str, sql: &str) -> String {
    match ground(page) {
        Ground::Bare => {
            let floor = Floor::bare();
            run(floor.server(), &floor.name, page, sql, &[])
        }
        Ground::Attached => {
            let mut floor = Floor::new();
            let variables = variables(&mut floor);
            run(floor.server(), &floor.name, page, sql, &variables)
        }
        Ground::Adopted => {
            let mut foreign = OLD.install();
            foreign.adopt();
            let variables = variables(&mut foreign);
            let (server, name) = (foreign.server().clone(), foreign.name.clone());
            run(&server, &name, page, sql, &variables)
        }
    }
}

#[test]
fn every_block_of_sql_runs() {
    let mut blocks_run = 0;
    for (page, text) in pages() {
        let sql = blocks(&text);
        blocks_run += sql.matches("\\echo block").count();
        if !sql.is_empty() {
            run_page(&page, &sql);
        }
    }
    assert!(blocks_run > 20, "{blocks_run} blocks");
}

fn first_on_call() -> String {
    let page = fs::read_to_string(root().join("docs/operate.md")).expect("the page");
    let first = page.split("```sql\n").nth(1).and_then(|rest| rest.split_once(";\n")).expect("a statement").0;
    format!("{first};")
}

/// A hold that was handed back is seen, also where the application deletes its holds.
#[test]
fn the_first_statement_on_call_sees_holds_that_are_gone() {
    for ending in ["close", "delete"] {
        let mut floor = Floor::new();
        let variables = variables(&mut floor);
        let hold = variables.iter().find_map(|variable| variable.strip_prefix("hold=")).expect("a hold");
        floor.run(&format!(
            "insert into holdfast_hold_policy (id, ending) values (1, '{ending}')
               on conflict (id) do update set ending = excluded.ending;
             select release_hold_and_emit('{hold}')"
        ));
        let said = run(floor.server(), &floor.name, "operate.md", &first_on_call(), &variables);
        assert!(said.lines().any(|line| line.ends_with(&format!("|{hold}|cancelled"))), "{ending}: {said}");
        assert_eq!(floor.value::<i64>("select count(*) from holdfast_ended_holds") == 1, ending == "delete");
    }
}

/// Somebody on call asks for next week as well, and of a booking whose instants are derived.
#[test]
fn the_first_statement_on_call_finds_the_booking() {
    let first = first_on_call();
    let mut floor = Floor::new();
    let mut variables = variables(&mut floor);
    for (at, start) in [(0, "null"), (5, "(current_date + 5 + time '20:10') at time zone 'UTC'"), (30, "null")] {
        floor.run(&format!(
            "update bookings b set booking_date = current_date + {at}, start_time = '20:10', end_time = '22:00', end_at = null,
               start_at = {start} from restaurants r where r.id = b.restaurant_id"
        ));
        let evening: String = floor.value(&format!("select (current_date + {at})::text"));
        variables.retain(|variable| !variable.starts_with("evening="));
        variables.push(format!("evening={evening}"));
        let said = run(floor.server(), &floor.name, "operate.md", &first, &variables);
        assert_eq!(said.lines().count(), 2, "{evening}: {said}");
        assert!(said.lines().all(|line| line.contains(&evening) && line.contains("20:10")), "{evening}: {said}");
    }
}

/// A finding whose repair is a statement by hand is gone after it.
#[test]
fn what_is_mended_by_hand_is_mended() {
    let page = fs::read_to_string(root().join("docs/reconcile-and-audit.md")).expect("the page");
    let by_hand =
        page.split("**Mended by hand**").nth(1).and_then(|rest| rest.split("```sql\n").nth(1)).expect("statements");
    let by_hand = by_hand.split("```").next().expect("a block");
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.seats(&confirm(booking, &room.tables, "key"));
    let found = format!(
        "select coalesce(string_agg(f ->> 'finding', ','), '') from reconcile_booking('{booking}'), jsonb_array_elements(findings) f"
    );
    for (lost, finding) in [("idempotency_key", "key_lost"), ("allocation_id", "allocation_lost")] {
        floor.run(&format!("update booking_table_assignments set {lost} = null where booking_id = '{booking}'"));
        assert_eq!(floor.value::<String>(&found), finding);
        run(floor.server(), &floor.name, "reconcile-and-audit.md", by_hand, &[format!("booking={booking}")]);
        assert_eq!(floor.value::<String>(&found), "");
    }
}

/// What the rows say after each statement of the rollout's page, whatever stood there before.
#[test]
fn each_statement_of_the_rollout_does_what_its_page_says() {
    let page = fs::read_to_string(root().join("docs/rollout-and-shadow.md")).expect("the page");
    let first = page.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let rows =
        "select 'rows: ' || coalesce(string_agg(case when restaurant_id::text like '0000%' then 'all' else 'one' end
                || ' ' || mode || ' ' || percentage, ', ' order by restaurant_id), 'none') from holdfast_rollout";
    let statements = first.split_inclusive(";\n").map(|statement| format!("{statement}{rows};\n"));
    let said = run_page("rollout-and-shadow.md", &statements.collect::<String>());
    let found: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("rows: ")).collect();
    let expected = [
        "all shadow 100",
        "all on 5",
        "all on 5, one on 100",
        "all original 100, one on 100",
        "all original 100, one original 100",
        "all rehearse 100, one original 100",
        "none",
    ];
    assert_eq!(found, expected);
}

/// `make psql` opens the demo's database, where a schema is attached already.
#[test]
fn the_first_confirm_runs_beside_an_attached_schema() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let floor = Floor::new();
    let said = run(floor.server(), &floor.name, "README.md", &blocks(&readme), &[]);
    let answers: Vec<&str> = said.lines().filter(|line| line.starts_with("confirmed|")).collect();
    assert_eq!(answers, ["confirmed|f|done", "confirmed|t|done"], "{said}");
}

#[test]
fn time_limits_and_questions_answer_as_their_page_says() {
    let page = fs::read_to_string(root().join("docs/confirm-and-retry.md")).expect("the page");
    let first = page.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let said = run_page("confirm-and-retry.md", first);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("confirmed|done|"), "{said}");
    assert!(lines[1..].iter().all(|line| line.starts_with("committed|")), "{said}");
}
