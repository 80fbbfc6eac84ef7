//! The application's search path: what attach records, and what the server is given.

use holdfast::rules::adopt::path::{path_of, recorded};

#[test]
fn the_path_of_a_replaced_function_counts() {
    for (clause, expected) in [
        ("public, extensions", "\"public\", \"extensions\", pg_temp"),
        ("pg_temp, Public", "\"public\", pg_temp"),
        ("\"pg_temp\", a", "\"a\", pg_temp"),
        ("\"Grand Café\", \"a\"\"b\", \"c, d\"", "\"Grand Café\", \"a\"\"b\", \"c, d\", pg_temp"),
        ("\"$user\", public, public", "\"$user\", \"public\", pg_temp"),
        ("\"\"", "pg_temp"),
        ("", "pg_temp"),
    ] {
        assert_eq!(path_of(Some(&recorded(Some(clause), "s", &["t"])), "s"), expected, "{clause}");
    }
}

#[test]
fn else_the_schema_and_what_it_lives_in() {
    assert_eq!(
        recorded(None, "s", &["extensions", "Tools", "pg_temp", "s"]),
        "$schema, \"extensions\", \"Tools\", pg_temp"
    );
    assert_eq!(path_of(None, "a\"b"), "\"a\"\"b\", pg_temp");
}

#[test]
fn a_renamed_schema_is_found() {
    for clause in [None, Some("house, tools")] {
        let record = recorded(clause, "house", &["tools"]);
        assert_eq!(path_of(Some(&record), "home"), "\"home\", \"tools\", pg_temp");
    }
}
