//! Names of our scripts and those of an application, whatever these are.

use holdfast::rules::adopt::render::{Names, numbered, render};

fn in_schema(text: &str, schema: &str) -> String {
    let words = vec![("app.booking_status", "\"x.app.y\".\"app.state\""), ("retention.ledger", "(1)")];
    render(text, &Names { schema, legacy: "\"old.app\"", words })
}

#[test]
fn names_give_way_where_they_are_names() {
    for (text, expected) in [
        ("select app.f(), b.app.c, myapp.d, app_x.e from app.t", "select S.f(), b.app.c, myapp.d, app_x.e from S.t"),
        ("null::app.booking_status, app.booking_statuses", "null::\"x.app.y\".\"app.state\", S.booking_statuses"),
        ("legacy.f(retention.ledger, x.legacy.y)", "\"old.app\".f((1), x.legacy.y)"),
        ("\"app.x\" -- app.y\n/* app.z */ app.a", "\"app.x\" -- app.y\n/* app.z */ S.a"),
        ("$1, $2 app.a", "$1, $2 S.a"),
    ] {
        assert_eq!(in_schema(text, "S"), expected);
    }
}

/// Literals and bodies between dollars stay what they were, whatever the name is made of.
#[test]
fn a_name_does_not_end_the_literal_that_it_stands_in() {
    let schema = "\"a'b\"";
    assert_eq!(
        in_schema("'app.t'::regclass, 'app', 'it''s app.'", schema),
        "'\"a''b\".t'::regclass, '\"a''b\"', 'it''s \"a''b\".'"
    );
    let schema = "\"a$$b\"";
    assert_eq!(in_schema("as $$ select app.f(); $$;", schema), "as $_1$ select \"a$$b\".f(); $_1$;");
    assert_eq!(
        in_schema("as $$ select 'app.f' $$;", "\"c$\""),
        "as $_1$ select '\"c$\".f' $_1$;".replace("$_1$", "$$")
    );
    let schema = "\"x'||y.e()||'\"";
    assert_eq!(
        in_schema("do $b$ begin perform 'app.f'; end $b$", schema),
        "do $b$ begin perform '\"x''||y.e()||''\".f'; end $b$"
    );
    assert_eq!(in_schema("app.a, 'app.b'", "\"x.app.y\""), "\"x.app.y\".a, '\"x.app.y\".b'");
}

/// Nothing is lost of a text without a name.
#[test]
fn other_text_stays_as_it_is() {
    for text in
        ["", "''", "'it''s'", "\"\"", "$", "$$$$", "$a$ b $a$", "--", "/* */", "é 'é' \"é\" $é$é$é$", "1 - -1 / 2"]
    {
        assert_eq!(in_schema(text, "S"), text);
    }
}

/// A name of a parameter becomes its place; casts, slices, literals, names and comments stay.
#[test]
fn parameters_are_numbered_by_their_places() {
    let names = ["booking", "tables", "end"];
    for (text, expected) in [
        (":booking, :tables::uuid[]", "$1, $2::uuid[]"),
        ("a.x::booking, ':end', \":end\", 'it''s :end'", "a.x::booking, ':end', \":end\", 'it''s :end'"),
        ("(:end)>:booking -- :other\n/* :other */ - :end", "($3)>$1 -- :other\n/* :other */ - $3"),
        ("a[1:2], a[:booking:2], :booking", "a[1:2], a[$1:2], $1"),
        ("é :end:", "é $3:"),
        ("4 / :end", "4 / $3"),
        ("/*:other*/:end", "/*:other*/$3"),
        ("select 1 /* never closed :end", "select 1 /* never closed :end"),
        ("/* a *//:end", "/* a *//$3"),
        ("/* :x*/:end", "/* :x*/$3"),
        ("", ""),
    ] {
        assert_eq!(numbered(text, &names).as_deref(), Some(expected));
    }
    assert_eq!(numbered("select :bookings", &names), None);
    assert_eq!(numbered("select :book", &names), None);
}
