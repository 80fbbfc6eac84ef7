//! Words that may stand in few places only.

use super::source::{File, files, files_in, rust_code, tokens};
use super::{assert_none, assert_one};

/// Where raw memory of the server is touched, and for what. Each of these files says so in its first line: `[unsafe]`.
const UNSAFE: &[(&str, &str)] = &[
    ("src/errors.rs", "an SQLSTATE of ours and the diagnostic fields: pgrx's report has no room for them"),
    ("src/worker_slots.rs", "shared memory, and the launcher's latch"),
    ("src/worker_slots/tasks.rs", "shared memory"),
    ("src/shared_memory/mod.rs", "asks whether the library is being preloaded"),
    ("src/shared_memory/part.rs", "asks for shared memory while the library is preloaded"),
    ("src/shared_memory/slice.rs", "asks for shared memory of a length that a setting says"),
    ("src/store/attachment.rs", "catalogue caches: relations, columns and types without a statement"),
    ("src/store/attribute.rs", "catalogue caches: a column"),
    ("src/store/client.rs", "asks the server whether the client is there"),
    ("src/store/columns.rs", "looks up columns of a descriptor"),
    ("src/store/time_limit.rs", "internal subtransactions"),
    ("src/store/guard.rs", "calls that raise by a long jump, caught with the whole error"),
    ("src/store/labels.rs", "enum labels, and an invalidation callback"),
    ("src/store/held_rows.rs", "ids of rows that are locked"),
    ("src/store/jsonb.rs", "jsonb to text and back by the server's own functions"),
    ("src/store/hooks.rs", "hooks of planner and executor, and a nest level of settings"),
    ("src/store/memory.rs", "memory contexts"),
    ("src/store/plan_cache.rs", "invalidation callbacks of the caches"),
    ("src/store/plan.rs", "SPI with kept plans and snapshots of our choice"),
    ("src/store/probe/expression.rs", "expressions and conditions of indexes"),
    ("src/store/probe/access.rs", "what a probe has to know of a table and its indexes"),
    ("src/store/probe/reader.rs", "an active snapshot, and rows that were copied out"),
    ("src/store/probe/scan.rs", "scans an index and locks the rows found"),
    ("src/store/probe/server.rs", "functions of the server under their own names"),
    ("src/store/read_ahead.rs", "reads buffers ahead"),
    ("src/store/rights.rs", "changes user and security context; catalogue caches"),
    ("src/store/row.rs", "datums to Rust and back, by the type that was checked"),
    ("src/store/row_lock.rs", "a row's header: who has it locked"),
    ("src/store/server.rs", "clock, locks, transaction ids"),
    ("src/store/visible.rs", "asks as the caller, behind a definer"),
    ("src/store/writer/access.rs", "what a written row has to know of a table, its constraints and indexes"),
    ("src/store/writer/direct.rs", "rows that were copied out when they were written"),
    ("src/store/writer/index.rs", "what the executor wants to know of an index"),
    ("src/store/writer/row.rs", "inserts, updates and deletes rows through the executor"),
    ("src/store/writer/server.rs", "functions of the executor under their own names"),
    ("src/telemetry/attempt_log.rs", "a report to the server's log, and what runs when a process ends"),
    ("src/telemetry/counters.rs", "shared memory"),
    ("src/telemetry/in_flight.rs", "shared memory, and the session's place among the server's"),
    ("src/telemetry/label_set.rs", "shared memory"),
    ("src/telemetry/orphaned.rs", "shared memory, and what runs when a transaction ends"),
    ("src/telemetry/recording.rs", "the clock, and the state of the transaction"),
    ("src/telemetry/saved.rs", "what runs when shared memory is made and given up"),
    ("src/telemetry/session.rs", "the clock, the database, and the part of the transaction"),
    ("src/telemetry/settle.rs", "the state of the transaction"),
    ("src/telemetry/shadow.rs", "shared memory"),
    ("src/telemetry/spans.rs", "shared memory"),
    ("src/telemetry/trace_ids.rs", "random numbers, and a setting of others"),
    ("src/timer.rs", "the server's timers"),
    ("src/transaction_end.rs", "callbacks at the end of a transaction"),
    ("src/unguarded.rs", "functions of the server that raise no error"),
    ("src/worker/counts.rs", "the server's statistics of another database"),
    ("src/worker/databases.rs", "scans pg_database without being in a database"),
    ("src/worker/launcher.rs", "background workers and their latches"),
    ("src/worker/session.rs", "a background worker's connection and signals"),
    ("src/worker/transaction.rs", "transactions outside of a client's statement"),
];

/// What the rules must not know: the server, the clock, the world outside.
const IMPURE: &[&str] =
    &["pgrx", "unsafe", "SystemTime", "chrono", "env", "fs", "net", "process", "thread", "rand", "println"];

fn is_rust(file: &File) -> bool {
    file.ends(".rs")
}

/// Complains about each token for which `wrong` is true.
fn each_word(file: &File, wrong: impl Fn(&str) -> bool, words: &str) -> Vec<String> {
    let code = rust_code(&file.text);
    let wrong = tokens(&code).into_iter().filter(|token| wrong(token.text));
    wrong.map(|token| format!("{}:{}: {} {words}", file.path, token.line, token.text)).collect()
}

fn purity(file: &File) -> Vec<String> {
    let impure = |word: &str| IMPURE.contains(&word);
    if file.is_in("src/rules/") { each_word(file, impure, "has no place in the rules") } else { vec![] }
}

fn spi(file: &File) -> Vec<String> {
    let spi = |word: &str| word.starts_with("SPI_") || word == "Spi" || word == "SpiClient";
    let speaks = file.is_in("src/store/") || file.path == "src/in_server_tests.rs";
    let elsewhere = file.is_in("src/") && !speaks;
    if elsewhere { each_word(file, spi, "stands outside of the store") } else { vec![] }
}

/// A function of the API decides nothing.
fn decisions(file: &File) -> Vec<String> {
    let decides = |word: &str| ["if", "match", "while", "loop"].contains(&word);
    if file.is_in("src/api/") { each_word(file, decides, "decides something in the api") } else { vec![] }
}

fn unfinished(file: &File) -> Vec<String> {
    let code = rust_code(&file.text);
    let tokens = tokens(&code);
    let pairs = tokens.windows(2).filter(|pair| {
        let macros = ["todo", "unimplemented", "dbg"];
        macros.contains(&pair[0].text) && pair[1].text == "!" || pair[0].text == "[" && pair[1].text == "ignore"
    });
    pairs
        .map(|pair| format!("{}:{}: {}{} is unfinished", file.path, pair[0].line, pair[0].text, pair[1].text))
        .collect()
}

fn unsafety(file: &File) -> Vec<String> {
    let code = rust_code(&file.text);
    let lines: Vec<&str> = file.text.lines().collect();
    let words = tokens(&code);
    let uses: Vec<usize> = (0..words.len()).filter(|at| words[*at].text == "unsafe").collect();
    if !UNSAFE.iter().any(|(path, _)| *path == file.path) {
        return uses
            .iter()
            .map(|at| format!("{}:{}: unsafe outside of its files", file.path, words[*at].line))
            .collect();
    }
    let mut complaints = vec![];
    if uses.is_empty() || !lines.first().is_some_and(|line| line.ends_with("[unsafe]")) {
        complaints.push(format!("{}: on the list of unsafe files, so the first line ends in [unsafe]", file.path));
    }
    for at in uses {
        let line = words[at].line;
        let why = match words.get(at + 1).map(|next| next.text) {
            Some("fn") => "# Safety",
            Some("{" | "impl") => "SAFETY:",
            _ => continue,
        };
        if !explained(&lines, line - 1, why) {
            complaints.push(format!("{}:{line}: no `{why}` above", file.path));
        }
    }
    complaints
}

/// Does the comment above the statement of this line (counted from 0) have the words?
fn explained(lines: &[&str], line: usize, words: &str) -> bool {
    let above = lines[..line].iter().rev().map(|line| line.trim());
    let mut in_comment = false;
    for line in above {
        let comment = line.starts_with("//") || line.starts_with("#[");
        if comment && line.contains(words) {
            return true;
        }
        // Up to the statement's own beginning, then through its comment.
        if !comment && (in_comment || line.is_empty() || line.ends_with([';', '{', '}'])) {
            return false;
        }
        in_comment |= comment;
    }
    false
}

fn complaints(files: &[File], check: impl Fn(&File) -> Vec<String>) -> Vec<String> {
    files.iter().filter(|file| is_rust(file)).flat_map(check).collect()
}

#[test]
fn the_rules_are_pure() {
    assert_none(&complaints(&files_in("src/rules/"), purity));
}

#[test]
fn an_impure_rule_is_seen() {
    let rule = |text: &str| purity(&File::new("src/rules/hold.rs", text));
    assert_one(&rule("fn f() {}\nuse pgrx::Uuid;"), "hold.rs:2: pgrx");
    assert_one(&rule("let now = std::time::SystemTime::now();"), "SystemTime");
    assert_none(&rule("// pgrx\nconst S: &str = \"pgrx\";"));
    assert_none(&purity(&File::new("src/store/row.rs", "use pgrx::Uuid;")));
}

#[test]
fn only_the_store_speaks_spi() {
    assert_none(&complaints(&files_in("src/"), spi));
}

#[test]
fn spi_elsewhere_is_seen() {
    assert_one(&spi(&File::new("src/commands/hold.rs", "SPI_connect();")), "SPI_connect");
    assert_one(&spi(&File::new("src/api/hold.rs", "Spi::run(\"\")")), "Spi stands outside");
    assert_none(&spi(&File::new("src/store/plan.rs", "SPI_connect();")));
}

#[test]
fn a_function_of_the_api_decides_nothing() {
    assert_none(&complaints(&files_in("src/"), decisions));
}

#[test]
fn a_decision_in_the_api_is_seen() {
    assert_one(&decisions(&File::new("src/api/hold.rs", "fn f(a: bool) { if a {} }")), "if decides");
    assert_one(
        &decisions(&File::new("src/api/hold.rs", "fn f(a: bool) {\n match a { _ => {} } }")),
        "hold.rs:2: match",
    );
    assert_none(&decisions(&File::new("src/api/hold.rs", "/// if\nfn f(a: u8) -> bool { matches!(a, 1) }")));
    assert_none(&decisions(&File::new("src/commands/hold.rs", "fn f(a: bool) { if a {} }")));
}

#[test]
fn nothing_is_left_for_later() {
    assert_none(&complaints(&files(), unfinished));
}

#[test]
fn something_left_for_later_is_seen() {
    for text in ["fn f() { todo!() }", "fn f() { unimplemented!() }", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"] {
        assert_one(&unfinished(&File::new("tests/e2e/tests/hold.rs", text)), "is unfinished");
    }
    assert_none(&unfinished(&File::new("src/lib.rs", "// todo!()\nlet ignore = [1]; let todo = 1;")));
}

#[test]
fn unsafe_stays_in_its_rooms_and_says_why() {
    assert_none(&complaints(&files_in("src/"), unsafety));
}

#[test]
fn unsafe_without_reason_is_seen() {
    let of = |path: &str, text: &str| unsafety(&File::new(path, text));
    let known = |text: &str| of("src/errors.rs", &format!("//! Raises. [unsafe]\n{text}"));
    assert_one(&of("src/api/hold.rs", "fn f() { unsafe { g() } }"), "hold.rs:1: unsafe outside");
    assert_one(&of("src/errors.rs", "// SAFETY: fine.\nunsafe { g() }"), "ends in [unsafe]");
    assert_one(&known("fn f() {}"), "on the list");
    assert_one(&known("fn f() {\n    unsafe { g() }\n}"), "errors.rs:3: no `SAFETY:`");
    assert_one(&known("// SAFETY: of another.\nlet a = 1;\nlet b = unsafe { g() };"), "no `SAFETY:`");
    assert_one(&known("/// Does it.\nunsafe fn f() {}"), "no `# Safety`");
    assert_none(&known("// SAFETY: fine,\n// on two lines.\nlet a = f(\n    unsafe { g() },\n);"));
    assert_none(&known("/// # Safety\n/// Always.\npub unsafe fn f() {}\nunsafe extern \"C\" {}"));
}
