//! Expressions as the server prints them, and as we write them.

/// Types whose names are of several words.
const SEVERAL_WORDS: &[&str] = &[
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
    "character varying",
    "double precision",
];

/// An expression without its casts, brackets and spaces, and without the server's own schema.
#[must_use]
pub fn bare(expression: &str) -> String {
    let mut bare = String::new();
    let lower = expression.to_lowercase().replace("pg_catalog.", "");
    let mut words = lower.split("::");
    bare.push_str(words.next().unwrap_or_default());
    for word in words {
        let word = SEVERAL_WORDS.iter().find_map(|kind| word.strip_prefix(kind)).unwrap_or(word);
        // The name of a type, with its schema and quotes, ends where something else begins.
        let mut in_quotes = false;
        bare.push_str(word.trim_start_matches(|c: char| {
            in_quotes ^= c == '"';
            in_quotes || c.is_alphanumeric() || "_.\"".contains(c)
        }));
    }
    bare.retain(|c| !c.is_whitespace() && !"()".contains(c));
    bare
}
