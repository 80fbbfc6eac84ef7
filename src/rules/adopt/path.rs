//! The search path of the application: what its triggers, defaults, CHECKs, policies and legacy functions name things by.

/// What statements of ours are read under, wherever they run.
pub const PINNED: &std::ffi::CStr = c"pg_catalog, pg_temp";

/// What begins the row in which attach records the path.
pub const RECORDED: &str = "search_path=";

/// What stands for the application's own schema in a recorded path: the schema may be renamed.
const OWN: &str = "$schema";

/// The path as attach records it: that of the SET clause of a function that holdfast replaced, else the application's schema and these others. The temporary schema comes
/// last, always and by name: a caller's temporary table must never be taken for one of the application's.
#[must_use]
pub fn recorded(set_clause: Option<&str>, schema: &str, others: &[&str]) -> String {
    let named = match set_clause {
        Some(clause) => names(clause),
        None => std::iter::once(&schema).chain(others).map(|&name| name.to_owned()).collect(),
    };
    let written = |name: String| if name == schema { OWN.to_owned() } else { quoted(&name) };
    let mut path: Vec<String> = Vec::new();
    for name in named.into_iter().filter(|name| !name.is_empty() && name != "pg_temp").map(written) {
        if !path.contains(&name) {
            path.push(name);
        }
    }
    path.push("pg_temp".to_owned());
    path.join(", ")
}

/// A recorded path as the server takes it, for the name that the schema has now. None: what a schema is given that an
/// earlier release attached.
#[must_use]
pub fn path_of(recorded: Option<&str>, schema: &str) -> String {
    let named = |name: &str| if name == OWN { quoted(schema) } else { name.to_owned() };
    recorded.unwrap_or("$schema, pg_temp").split(", ").map(named).collect::<Vec<_>>().join(", ")
}

/// Always in quotes: the server's list of reserved words is not ours.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The names of a list as the server reads it: plain ones in lower case, quoted ones as they are.
fn names(list: &str) -> Vec<String> {
    let (mut names, mut name) = (Vec::new(), String::new());
    let (mut inside, mut was_quoted) = (false, false);
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if inside && letters.peek() == Some(&'"') => name.extend(letters.next()),
            '"' => {
                inside = !inside;
                was_quoted = true;
            }
            ',' if !inside => {
                names.push(std::mem::take(&mut name));
                was_quoted = false;
            }
            _ if inside => name.push(letter),
            _ if letter.is_whitespace() || was_quoted => {}
            _ => name.extend(letter.to_lowercase()),
        }
    }
    names.push(name);
    names
}
