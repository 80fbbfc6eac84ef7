//! Our SQL for one application: names of our scripts give way to the application's. What stands in the place of a name is
//! never read again, and stays what it was: a name, in a literal and in a body as well.

/// What the names of our scripts stand for.
#[derive(Debug, Clone, Default)]
pub struct Names<'a> {
    /// In the place of `app`, as SQL quotes it.
    pub schema: &'a str,
    /// In the place of `original`, as SQL quotes it; empty: it stays.
    pub legacy: &'a str,
    /// In the place of whole qualified names.
    pub words: Vec<(&'a str, &'a str)>,
}

/// The script for an application.
#[must_use]
pub fn render(text: &str, names: &Names) -> String {
    let mut rendered = String::with_capacity(text.len() + 256);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // A name behind a point is a part of another one.
        let is_part = rendered.ends_with('.');
        let length = match first {
            '\'' => {
                let end = closed(rest, "'");
                let inside = rest[1..end].strip_suffix('\'').unwrap_or(&rest[1..end]);
                rendered += &format!("'{}'", literal(&inside.replace("''", "'"), names).replace('\'', "''"));
                end
            }
            '"' => copy(&mut rendered, rest, closed(rest, "\"")),
            '-' if rest.starts_with("--") => copy(&mut rendered, rest, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                copy(&mut rendered, rest, rest.find("*/").map_or(rest.len(), |end| end + 2))
            }
            '$' => match tag(rest) {
                Some(tag) => {
                    let body = &rest[tag.len()..];
                    let end = body.find(tag).unwrap_or(body.len());
                    rendered += &dollars(tag, &render(&body[..end], names));
                    (end + 2 * tag.len()).min(rest.len())
                }
                None => copy(&mut rendered, rest, 1),
            },
            first if is_word(first) => {
                let end = word(rest);
                match given(rest, names).filter(|_| !is_part) {
                    Some((given, length)) => {
                        rendered += given;
                        length
                    }
                    None => copy(&mut rendered, rest, end),
                }
            }
            other => copy(&mut rendered, rest, other.len_utf8()),
        };
        rest = &rest[length..];
    }
    rendered
}

/// A statement with a number for each name of a parameter, `:booking`: its place in the list. What stands between quotes or
/// in a comment names none, nor does a cast. None: the list lacks a name.
#[must_use]
pub fn numbered(text: &str, names: &[&str]) -> Option<String> {
    let mut numbered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => closed(rest, "'"),
            '"' => closed(rest, "\""),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ':' if rest.starts_with("::") => 2,
            ':' if rest[1..].starts_with(|c: char| is_word(c) && !c.is_ascii_digit()) => {
                let end = 1 + word(&rest[1..]);
                let place = names.iter().position(|name| *name == &rest[1..end])?;
                numbered += &format!("${}", place + 1);
                rest = &rest[end..];
                continue;
            }
            other => other.len_utf8(),
        };
        copy(&mut numbered, rest, length);
        rest = &rest[length..];
    }
    Some(numbered)
}

fn copy(rendered: &mut String, rest: &str, length: usize) -> usize {
    rendered.push_str(&rest[..length]);
    length
}

/// The content of a literal: the schema alone, or names within. What looks like a literal in it is none.
fn literal(inside: &str, names: &Names) -> String {
    if inside == "app" {
        return names.schema.to_owned();
    }
    let mut rendered = String::with_capacity(inside.len() + 64);
    let mut rest = inside;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) { word(rest) } else { first.len_utf8() };
        let found = given(rest, names).filter(|_| is_word(first) && !rendered.ends_with('.'));
        let (text, length) = found.unwrap_or((&rest[..end], end));
        rendered += text;
        rest = &rest[length..];
    }
    rendered
}

/// Behind the mark that closes what the text begins with; two of them are one character.
fn closed(text: &str, mark: &str) -> usize {
    let mut at = 1;
    while let Some(found) = text[at..].find(mark) {
        at += found + 1;
        if !text[at..].starts_with(mark) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// The mark of a body between dollars.
fn tag(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 1;
    let name = &text[1..end];
    let is_tag = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| &text[..=end])
}

/// A body between dollars that do not occur in it.
fn dollars(tag: &str, body: &str) -> String {
    let name = tag.trim_matches('$');
    let other = |number: u32| format!("${name}_{number}$");
    let free = |tag: &String| format!("{body}{tag}").find(tag.as_str()) == Some(body.len());
    let tag = std::iter::once(tag.to_owned()).chain((1..).map(other)).find(free).unwrap_or_default();
    format!("{tag}{body}{tag}")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> usize {
    text.find(|c: char| !is_word(c)).unwrap_or(text.len())
}

/// What stands for the name at the beginning of a text, and how much of the text that is.
fn given<'a>(text: &str, names: &'a Names) -> Option<(&'a str, usize)> {
    let first = word(text);
    let second = text[first..].strip_prefix('.')?;
    let whole = &text[..first + 1 + word(second)];
    if let Some((_, given)) = names.words.iter().find(|(name, _)| *name == whole) {
        return Some((given, whole.len()));
    }
    match &text[..first] {
        "app" => Some((names.schema, first)),
        "legacy" if !names.legacy.is_empty() => Some((names.legacy, first)),
        _ => None,
    }
}
