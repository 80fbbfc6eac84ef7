//! How the documents are written: short sentences, nothing cited that is not defined, no sample that nobody runs.

use std::path::Path;

use holdfast::rules::reconcile::finding::catalogue::FINDINGS;
use holdfast::rules::refusal::outcome::CATALOGUE;

use super::source::{File, files};
use super::{assert_none, assert_one};

const WORDS: usize = 35;
/// Blocks in these languages are run by tests/e2e: pages, callers, adopt_page.
const RUN: &[&str] = &["sql", "python", "ts", "java", "js", "sh"];
/// What is shown and not run: pictures and payloads.
const SHOWN: &[&str] = &["text", "json"];
/// Made of the comments in SQL, which follow a form of their own.
const OF_COMMENTS: &[&str] = &["docs/functions.md", "docs/schema.md", "docs/settings.md"];

fn pages() -> Vec<File> {
    let is_page = |file: &File| {
        file.path.ends_with(".md")
            && (file.path.starts_with("docs/") || !file.path.contains("/") && file.path != "CHANGELOG.md")
    };
    files().into_iter().filter(is_page).collect()
}

/// The text outside of blocks: a paragraph, an item or a cell each.
fn passages(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut in_block = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            in_block = !in_block;
        }
        let begins = |line: &str| {
            line.is_empty()
                || line.starts_with(['#', '|', '<'])
                || line.starts_with("```")
                || line.starts_with("- ")
                || line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(". ")
        };
        if in_block || begins(line) {
            found.push(String::new());
        }
        if in_block || line.starts_with("```") || line.starts_with(['#', '<']) {
            continue;
        }
        if line.starts_with('|') {
            found.extend(line.trim_matches('|').split('|').map(str::to_owned));
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            *last += &format!(" {}", line.trim_start_matches("- "));
        }
    }
    found
}

fn long_sentences(page: &File) -> Vec<String> {
    let mut complaints = vec![];
    for passage in passages(&page.text) {
        let mut words = vec![];
        for word in passage.split_whitespace() {
            words.push(word);
            if words.len() == WORDS + 1 {
                complaints.push(format!("{}: more than {WORDS} words: {} …", page.path, words[..8].join(" ")));
            }
            if word.trim_end_matches(['*', '_', ')', '"']).ends_with(['.', '!', '?']) {
                words.clear();
            }
        }
    }
    complaints
}

/// Words of a letter or two and digits: G1, F28, HF101, HD07.
fn cited<'a>(text: &'a str, letters: &str) -> Vec<&'a str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let is = |word: &&str| {
        word.strip_prefix(letters)
            .is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
    };
    words.filter(is).collect()
}

/// The first cells of a page's table rows.
fn defined(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect()
}

fn undefined(file: &File, concepts: &str, contract: &str) -> Vec<String> {
    let (promises, faults) = (defined(concepts), defined(contract));
    let is_known = |word: &str| {
        promises.contains(&word)
            || faults.contains(&word)
            || CATALOGUE.iter().any(|entry| entry.code == word)
            || FINDINGS.iter().any(|entry| entry.code == word)
    };
    let words = ["G", "F", "HF", "HD"].into_iter().flat_map(|letters| cited(&file.text, letters));
    words.filter(|word| !is_known(word)).map(|word| format!("{}: {word} is defined nowhere", file.path)).collect()
}

/// Tests that a promise names, and that are not there.
fn unproved(concepts: &str, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let rows = concepts.lines().filter(|line| line.starts_with("| G"));
    let of = |row: &str| -> Vec<String> {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let proofs: Vec<&str> = cells.last().copied().unwrap_or_default().split('`').skip(1).step_by(2).collect();
        let none = proofs.is_empty().then(|| format!("{}: no test is named", cells[0].trim()));
        let missing = proofs.into_iter().filter(|name| !is_there(name));
        missing.map(|name| format!("{}: no test {name}", cells[0].trim())).chain(none).collect()
    };
    rows.flat_map(of).collect()
}

fn strange_blocks(page: &File) -> Vec<String> {
    let opening = page.text.lines().filter(|line| line.starts_with("```")).step_by(2);
    let strange = opening.filter(|line| !RUN.iter().chain(SHOWN).any(|language| line[3..] == **language));
    strange.map(|line| format!("{}: nobody runs a block of {:?}", page.path, &line[3..])).collect()
}

fn page(path: &str) -> String {
    files().into_iter().find(|file| file.path == path).expect("the page").text
}

#[test]
fn sentences_are_short() {
    let by_hand = pages().into_iter().filter(|page| !OF_COMMENTS.contains(&page.path.as_str()));
    assert_none(&by_hand.flat_map(|page| long_sentences(&page)).collect::<Vec<_>>());
}

#[test]
fn a_long_sentence_is_seen() {
    let of = |text: &str| long_sentences(&File::new("docs/a.md", text));
    let words = |count: usize| "word ".repeat(count);
    assert_one(&of(&format!("{}end.", words(35))), "docs/a.md: more than 35 words: word word");
    assert_one(&of(&format!("- an item\n- {}", words(36))), "more than 35");
    assert_one(&of(&format!("| a | {} |", words(36))), "more than 35");
    assert_none(&of(&format!("{}end. {}end.\n\n{}\n```sql\n{}\n```\n", words(34), words(34), words(35), words(80))));
}

#[test]
fn what_is_cited_is_defined() {
    let (concepts, contract) = (page("docs/concepts.md"), page("docs/contract.md"));
    let cites =
        |file: &&File| file.is_in("src/") || file.is_in("sql/") || file.path.ends_with(".md") && !file.is_in("tests/");
    let found: Vec<String> =
        files().iter().filter(cites).flat_map(|file| undefined(file, &concepts, &contract)).collect();
    assert_none(&found);
    for number in 1..=28 {
        assert!(defined(&contract).contains(&format!("F{number}").as_str()), "F{number} is not defined");
    }
}

#[test]
fn a_citation_of_nothing_is_seen() {
    let of = |text: &str| undefined(&File::new("docs/a.md", text), "| G1 | All. |", "| F1 | once | twice |");
    assert_one(&of("It breaks G13."), "G13 is defined nowhere");
    assert_one(&of("F29"), "F29 is");
    assert_one(&of("`HF999`"), "HF999");
    assert_one(&of("HD99."), "HD99");
    assert_none(&of("G1, F1, HF001, HD01; UTF8, G, PF99X"));
}

#[test]
fn every_promise_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let is_there = |name: &str| {
        let inside = root.join("e2e/tests");
        let folders = std::fs::read_dir(&inside).expect("the tests").flatten().map(|entry| entry.path());
        let in_folder = |folder: std::path::PathBuf| folder.join(format!("{name}.rs")).exists();
        folders.into_iter().any(in_folder) || inside.join(name).is_dir() || root.join(name).is_dir()
    };
    let concepts = page("docs/concepts.md");
    assert_none(&unproved(&concepts, is_there));
    assert_eq!(concepts.lines().filter(|line| line.starts_with("| G")).count(), 12, "G1 to G12");
    assert_one(&unproved("| G1 | All. | `atomic` |", |_| false), "G1: no test atomic");
    assert_one(&unproved("| G1 | All. | |", |_| true), "G1: no test is named");
}

#[test]
fn every_block_is_run_or_only_shown() {
    assert_none(&pages().iter().flat_map(strange_blocks).collect::<Vec<_>>());
    assert_one(
        &strange_blocks(&File::new("docs/a.md", "```go\nx\n```\n```sql\ny\n```")),
        "nobody runs a block of \"go\"",
    );
}
