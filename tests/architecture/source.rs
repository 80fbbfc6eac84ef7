//! Files of the repository, and their text without what is only written about code.

use std::fs;
use std::path::{Path, PathBuf};

/// One file: its path from the root of the repository, with forward slashes, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    pub fn ends(&self, extension: &str) -> bool {
        self.path.ends_with(extension)
    }

    /// The name without folder and extension.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default()
    }

    /// A script of ours says so in its first line, or is called so.
    pub fn is_shell(&self) -> bool {
        self.ends(".sh") || self.text.lines().next().is_some_and(|line| line.starts_with("#!") && line.ends_with("sh"))
    }
}

/// Every text that is written by hand, but for frozen installs.
pub fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    for folder in ["src", "sql", "tests", "toolchain", "monitoring", "docs", ".ci", ".cargo"] {
        collect(&root.join(folder), &mut found);
    }
    let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    found.extend(pages.into_iter().chain(["Makefile", "Cargo.toml"]).map(|name| root.join(name)));
    found.sort();
    let file = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok()?;
        let path = path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/");
        Some(File { path, text })
    };
    found.into_iter().filter_map(file).filter(|file| !is_frozen(file)).collect()
}

/// What a release installed, and what is made from the rest: the way from one to the next, and migrations as files.
fn is_frozen(file: &File) -> bool {
    ["sql/holdfast--", "sql/migration/", "tests/upgrade/"].iter().any(|folder| file.is_in(folder))
}

/// Files below one folder.
pub fn files_in(folder: &str) -> Vec<File> {
    files().into_iter().filter(|file| file.is_in(folder)).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let made = ["target", "results", "output_iso", "mutants.out"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !made {
            collect(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Rust without comments and without the insides of its literals; every line stays where it was.
pub fn rust_code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        for skipped in &chars[at..end] {
            code.push(if *skipped == '\n' { '\n' } else { ' ' });
        }
        at = end;
        if let Some(next) = chars.get(at).filter(|_| literal_end(&chars, at) == at) {
            code.push(*next);
            at += 1;
        }
    }
    code
}

/// Where the comment or literal that starts here ends; the same place when none starts here.
fn literal_end(chars: &[char], at: usize) -> usize {
    let here = |offset: usize| chars.get(at + offset).copied().unwrap_or('\n');
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match here(0) {
        '/' if here(1) == '/' => line_end(chars, at),
        '/' if here(1) == '*' => comment_end(chars, at),
        '"' => quote_end(chars, at + 1, '"'),
        'r' if !in_word && (here(1) == '"' || here(1) == '#' && matches!(here(2), '"' | '#')) => raw_end(chars, at),
        // A char, not a lifetime.
        '\'' if here(1) == '\\' || here(2) == '\'' => quote_end(chars, at + 1, '\''),
        _ => at,
    }
}

fn line_end(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|at| chars[*at] == '\n').unwrap_or(chars.len())
}

/// Comments nest.
fn comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn quote_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut at = at;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let closes = |end: usize| chars[end] == '"' && chars[end + 1..].iter().take(hashes).all(|c| *c == '#');
    (at + 2 + hashes..chars.len())
        .find(|end| closes(*end))
        .map_or(chars.len(), |end| (end + 1 + hashes).min(chars.len()))
}

/// SQL in lower case without comments and without the insides of its strings; lines stay where they were.
pub fn sql_code(text: &str) -> String {
    let chars: Vec<char> = text.to_lowercase().chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('-', Some('-')) => line_end(&chars, at),
            ('/', Some('*')) => comment_end(&chars, at),
            ('\'', _) => quote_end(&chars, at + 1, '\''),
            _ => {
                code.push(chars[at]);
                at += 1;
                continue;
            }
        };
        chars[at..end].iter().for_each(|c| code.push(if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// A word or a single sign, on its line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token<'a> {
    pub line: usize,
    pub text: &'a str,
    /// Does it touch what stands before it?
    pub touches: bool,
}

pub fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = vec![];
    let (mut line, mut end_before) = (1, usize::MAX);
    let mut rest = code.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        if c.is_whitespace() {
            line += usize::from(c == '\n');
            continue;
        }
        let mut end = start + c.len_utf8();
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        while let Some((_, next)) = rest.next_if(|(_, next)| word(c) && word(*next)) {
            end += next.len_utf8();
        }
        found.push(Token { line, text: &code[start..end], touches: start == end_before });
        end_before = end;
    }
    found
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // b \"c\n'd' /* e /* f */\n g */ h \"i \\\" j\" r#\"k \" l\"# 'm: m '\\'' n\n";
    let code = rust_code(text);
    let words: Vec<&str> = tokens(&code).iter().map(|token| token.text).collect();
    assert_eq!(words, ["a", "h", "'", "m", ":", "m", "n"]);
    assert_eq!(code.lines().count(), text.lines().count());
    let words: Vec<String> =
        tokens(&sql_code("A -- b\n'c '' d' /* e */ f(g)")).iter().map(|token| token.text.to_owned()).collect();
    assert_eq!(words, ["a", "f", "(", "g", ")"]);
}

#[test]
fn tokens_know_their_line_and_whether_they_touch() {
    let code = "a(b)\n c ::d";
    let of: Vec<(usize, &str, bool)> = tokens(code).iter().map(|t| (t.line, t.text, t.touches)).collect();
    assert_eq!(
        of,
        [
            (1, "a", false),
            (1, "(", true),
            (1, "b", true),
            (1, ")", true),
            (2, "c", false),
            (2, ":", false),
            (2, ":", true),
            (2, "d", true),
        ]
    );
}
