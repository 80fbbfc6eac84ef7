//! Pages that are made from a server: functions, settings and events. `make docs` writes them, and these tests compare.

use std::fs;
use std::path::Path;

use holdfast_e2e::Floor;

/// The page as it stands, or the new text in its place when it is asked for.
pub fn assert_page(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var("HOLDFAST_WRITE").is_ok_and(|value| value == "1") {
        fs::write(&path, text).expect("the page is written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/{name} is not what the server says: make docs");
}

/// A text in parts, each with the mark that ends it; what stands in brackets is never parted.
fn parted<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let mut parts = vec![];
    let (mut from, mut depth) = (0, 0_i32);
    for (at, letter) in text.char_indices() {
        depth += i32::from("([{".contains(letter)) - i32::from(")]}".contains(letter));
        if depth == 0 && text[at..].starts_with(mark) {
            parts.push(&text[from..at + mark.len()]);
            from = at + mark.len();
        }
    }
    parts.push(&text[from..]);
    parts
}

/// An argument's words; None where there is only its name, which the signature has already.
fn argument(part: &str) -> Option<String> {
    let part = part.trim_end_matches("; ").trim_end_matches('.');
    part.contains(' ').then(|| format!("- {part}."))
}

/// A function's comment as a list: what it does, then each argument, then what it returns, raises and locks.
fn listed(comment: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for sentence in parted(comment, ". ").into_iter().map(str::trim).filter(|sentence| !sentence.is_empty()) {
        let starts_list =
            ["p_", "Returns ", "Raises ", "Locks ", "Retry ", "May be "].iter().any(|word| sentence.starts_with(word));
        match (starts_list, lines.last_mut()) {
            (false, Some(last)) if !last.is_empty() => *last += &format!(" {sentence}"),
            (false, Some(last)) => sentence.clone_into(last),
            _ if sentence.starts_with("p_") => {
                lines.extend(parted(sentence, "; ").into_iter().filter_map(argument));
            }
            _ => lines.push(format!("- {sentence}")),
        }
    }
    let (first, rest) = lines.split_first().expect("one at least");
    if rest.is_empty() { format!("{first}\n") } else { format!("{first}\n\n{}\n", rest.join("\n")) }
}

/// One function each: its arguments and result as the catalogue has them, and its comment.
fn functions_of(floor: &mut Floor, schema: &str) -> String {
    let rows: Vec<Vec<String>> = floor.column(&format!(
        "select array[p.proname::text, pg_get_function_arguments(p.oid), coalesce(pg_get_function_result(p.oid), ''),
           coalesce(obj_description(p.oid, 'pg_proc'), '')]
         from pg_proc p
         where p.pronamespace = '{schema}'::regnamespace and p.prorettype <> 'trigger'::regtype
           and (p.probin like '%holdfast%' or p.prokind = 'p')
         order by p.proname, p.oid::regprocedure::text"
    ));
    let mut text = String::new();
    for row in rows {
        let [name, arguments, result, comment] = &row[..] else { panic!("four columns") };
        let arguments = if arguments.is_empty() {
            String::new()
        } else {
            // A default may have a comma in it, a type may not.
            format!("\n  {}\n", arguments.replace(", p_", ",\n  p_").replace(", IN", ",\n  IN"))
        };
        let result = if result.is_empty() {
            String::new()
        } else {
            format!("\n→ {}", wrapped(&result.replace("TABLE", "table")))
        };
        text += &format!("\n### `{name}`\n\n```text\n{name}({arguments}){result}\n```\n\n{}", listed(comment));
    }
    text
}

/// A row's columns, a few a line.
fn wrapped(result: &str) -> String {
    let mut text = String::new();
    let mut length = 0;
    for part in result.split_inclusive(", ") {
        if length + part.len() > 100 {
            text = format!("{}\n  ", text.trim_end());
            length = 2;
        }
        text += part;
        length += part.len();
    }
    text
}

fn views(floor: &mut Floor) -> String {
    let rows: Vec<Vec<String>> = floor.column(
        "select array[n.nspname || '.' || c.relname, coalesce(obj_description(c.oid, 'pg_class'), '')]
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('holdfast', 'public') and c.relkind = 'v'
           and (n.nspname = 'holdfast' or c.relname like 'holdfast%')
         order by 1",
    );
    rows.iter().map(|row| format!("| `{}` | {} |\n", row[0].replace("public.", ""), row[1])).collect()
}

#[test]
fn the_page_of_functions_is_what_the_catalogue_says() {
    let mut floor = Floor::new();
    let text = format!(
        "# Functions\n\n<!-- Made by `make docs` from the comments in sql/contract and sql/install. -->\n\n\
         `\\df+` shows the same in psql. Call them with named arguments: `f(p_booking_id => …)`.\n\
         [The contract](contract.md) says what services rely on; [outcomes](outcomes.md) lists every answer.\n\n\
         ## In the application's schema\n\n\
         Installed by `attach` for the roles that it was given: all of them, those that mend and undo too. They act as the owner\n\
         of `bookings`, but for `confirm_with_retry`. They raise what they refuse, but for those whose row has an `outcome`.\n{}\n\
         ## In schema holdfast\n\n\
         The schema is an argument and the outcome is a row. They act with the caller's own rights, for a superuser with\n\
         those of the owner of `bookings`. PUBLIC may execute none of them.\n{}\n\
         ## Views\n\n| view | what it shows |\n|---|---|\n{}",
        functions_of(&mut floor, "public"),
        functions_of(&mut floor, "holdfast"),
        views(&mut floor)
    );
    assert_page("functions.md", &text);
}

#[test]
fn the_page_of_settings_is_what_the_server_says() {
    let mut floor = Floor::new();
    let rows: Vec<Vec<String>> = floor.column(
        "select array[name, case when boot_val = '' or boot_val is null then 'none' else boot_val || coalesce(' ' || unit, '') end,
           coalesce(min_val || ' to ' || max_val, '') || coalesce(' ' || unit, ''),
           case context when 'sighup' then 'reload' when 'postmaster' then 'restart' when 'superuser' then 'superuser' else context end,
           short_desc, coalesce(extra_desc, '')]
         from pg_settings where name like 'holdfast.%' order by name collate \"C\"",
    );
    let mut text = "# Settings\n\n<!-- Made by `make docs` from pg_settings. -->\n\n\
        None of them is needed. Preload the library to have all of them work: `shared_preload_libraries = 'holdfast'`, then\n\
        restart. Without it nothing is counted, no worker runs, and an attempt whose session ended is `never_seen`. Answers,\n\
        fences and limits are the same. Beside that line, two settings below need a restart. Where the library is not preloaded,\n\
        servers before 17 know a name for `alter system` only after `load 'holdfast'` in that session.\n\n\
        | changed by | how |\n|---|---|\n\
        | reload | `alter system set …`, then `select pg_reload_conf()` |\n\
        | restart | `alter system set …`, then a restart: it says how much shared memory is taken |\n\
        | superuser | as reload, or `alter database … set`, `alter role … set`, or `set` in a superuser's session |\n\
        | user | `set` in any session |\n\n\
        | setting | default | range | changed by | what it does |\n|---|---|---|---|---|\n"
        .to_owned();
    for row in &rows {
        let [name, default, range, context, short, long] = &row[..] else { panic!("six columns") };
        text += &format!("| `{name}` | {default} | {range} | {context} | {short} {long} |\n").replace("  |", " |");
    }
    assert!(rows.len() > 8, "few settings: {rows:?}");
    assert_page("settings.md", &text);
}

#[test]
fn a_comment_becomes_a_list() {
    let comment = "Does it. Really. p_key; p_a one (or NULL; a day. at most); p_b two. Returns a row. Raises 22023, 55000. Locks nothing.";
    let list = "Does it. Really.\n\n- p_a one (or NULL; a day. at most).\n- p_b two.\n- Returns a row.\n- Raises 22023, 55000.\n- Locks nothing.\n";
    assert_eq!(listed(comment), list);
    assert_eq!(listed("Says it."), "Says it.\n");
}
