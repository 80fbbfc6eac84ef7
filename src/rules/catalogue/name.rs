//! Names and texts as SQL writes them.

/// A text as SQL quotes it.
#[must_use]
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// A name as SQL quotes it when it has to: the server's own rule, but for keywords, which are always quoted here.
#[must_use]
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name != "window";
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Would this end a line, or show another text than it is?
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text for a person's terminal: what would end a line, or show another text than it is, is escaped.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// The first name of a dotted one, as SQL quotes it: a dot or a parenthesis may stand in the name itself.
#[must_use]
pub fn first_name(dotted: &str) -> &str {
    let mut quoted = false;
    let ends = |c: char| {
        quoted ^= c == '"';
        c == '.' && !quoted
    };
    dotted.split(ends).next().unwrap_or_default()
}
