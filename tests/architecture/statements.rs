//! `sql/query`: one statement a file, known to the store by one constant, and naming nothing that a session could
//! put another thing in the place of.

use std::collections::BTreeSet;

use super::source::{File, Token, files_in, sql_code, tokens};
use super::{assert_none, assert_one};

/// What a statement may begin with.
const VERBS: &[&str] = &["select", "with", "insert", "update", "delete"];

/// Written like calls, but the grammar's own.
const GRAMMAR: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "by",
    "case",
    "cast",
    "coalesce",
    "conflict",
    "distinct",
    "else",
    "except",
    "exists",
    "extract",
    "filter",
    "from",
    "greatest",
    "grouping",
    "having",
    "in",
    "intersect",
    "is",
    "join",
    "key",
    "lateral",
    "least",
    "like",
    "limit",
    "materialized",
    "not",
    "nullif",
    "on",
    "or",
    "over",
    "returning",
    "row",
    "rows",
    "select",
    "set",
    "some",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// Words after which a relation is named.
const BEFORE_RELATIONS: &[&str] = &["from", "join", "into", "update", "only"];

fn one_statement(file: &File) -> Vec<String> {
    let code = sql_code(&file.text);
    let tokens = tokens(&code);
    let begins = tokens.first().is_some_and(|token| VERBS.contains(&token.text));
    let last = tokens.len().saturating_sub(1);
    let several = tokens.iter().enumerate().any(|(at, token)| token.text == ";" && at != last);
    if begins && !several { vec![] } else { vec![format!("{}: not exactly one statement", file.path)] }
}

/// Names that the statement itself gives: `x as (`, `x as materialized (`, `x (a, b) as (`.
fn own_names<'a>(tokens: &[Token<'a>]) -> BTreeSet<&'a str> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut names = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let after = match text(at + 1) {
            "(" => tokens[at + 1..].iter().position(|token| token.text == ")").map_or(at + 1, |offset| at + offset + 2),
            _ => at + 1,
        };
        let body = if text(after + 1) == "materialized" { after + 2 } else { after + 1 };
        if text(after) == "as" && text(body) == "(" && ["with", "recursive", ","].contains(&text(at.wrapping_sub(1))) {
            names.insert(token.text);
        }
    }
    names
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Calls and relations that a temporary object could stand in for.
fn unqualified(file: &File) -> Vec<String> {
    let code = sql_code(&file.text);
    let tokens = tokens(&code);
    let own = own_names(&tokens);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut complaints = vec![];
    for (at, token) in tokens.iter().enumerate() {
        let (before, after) = (text(at.wrapping_sub(1)), text(at + 1));
        let qualified = before == "."
            && ["app", "holdfast", "pg_catalog", "excluded", "legacy"].contains(&text(at.wrapping_sub(2)));
        let called = is_name(token.text) && after == "(" && tokens[at + 1].touches;
        // A type's modifier, as in numeric(10), is no call.
        if called && before != ":" && !qualified && !GRAMMAR.contains(&token.text) {
            complaints.push(format!("{}:{}: call of {} without its schema", file.path, token.line, token.text));
        }
        let relation = BEFORE_RELATIONS.contains(&before) && is_name(token.text);
        let read = relation && !["distinct", "do", "key", "for"].contains(&text(at.wrapping_sub(2)));
        let known = after == "." && ["app", "holdfast", "pg_catalog", "legacy"].contains(&token.text)
            || own.contains(token.text);
        if read && !known && !["lateral", "only", "set", "of", "rows"].contains(&token.text) {
            complaints.push(format!("{}:{}: {before} {} without its schema", file.path, token.line, token.text));
        }
    }
    complaints
}

/// `statement!("hold_read", HoldRead { hold: Id })`, or `"holds_lock" locks "holds"` where a file is read with and without its
/// locks.
#[derive(Debug)]
struct Mention {
    name: String,
    file: String,
    parameters: String,
    fields: Vec<String>,
}

/// What the store mentions, comments aside.
fn mentions(store: &[File]) -> Vec<Mention> {
    let mut found = vec![];
    for file in store {
        let code: Vec<&str> = file.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for mention in code.join("\n").split("statement!(").skip(1) {
            let Some((head, body)) = mention.split_once('{') else { continue };
            let mut quoted = head.split('"').skip(1).step_by(2);
            let Some(name) = quoted.next() else { continue };
            let parameters = head.rsplit(',').next().unwrap_or_default().split('<').next().unwrap_or_default();
            let fields = body.split('}').next().unwrap_or_default().split(',');
            let fields = fields.filter_map(|field| Some(field.split_once(':')?.0.trim().to_owned())).collect();
            let (name, file) = (name.to_owned(), quoted.next().unwrap_or(name).to_owned());
            found.push(Mention { name, file, parameters: parameters.trim().to_owned(), fields });
        }
    }
    found
}

/// As types are written.
fn camel(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

fn known_once(queries: &[File], store: &[File]) -> Vec<String> {
    let mentions = mentions(store);
    let mut complaints = vec![];
    for file in queries {
        let of: Vec<&Mention> = mentions.iter().filter(|mention| mention.file == file.stem()).collect();
        let (times, twins) = (of.len(), of.iter().filter(|mention| mention.name != mention.file).count());
        if times != 1 && !(times == 2 && twins == 2) {
            complaints.push(format!("{}: mentioned {times} times by the store, not once", file.path));
        }
    }
    for Mention { name, file, parameters, .. } in mentions {
        if parameters != camel(&name) {
            complaints.push(format!("statement {name} goes by another name: {parameters}"));
        }
        if !queries.iter().any(|query| query.stem() == file) {
            complaints.push(format!("statement {name} has no file in sql/query"));
        }
    }
    complaints
}

/// The parameters that a text names, `:booking`, in whatever part of it; numbers are complained of.
fn named_parameters(query: &File, complaints: &mut Vec<String>) -> BTreeSet<String> {
    let part = |line: &str| line.strip_prefix("--|").map_or_else(|| line.to_owned(), str::to_owned);
    let code = sql_code(&query.text.lines().map(part).collect::<Vec<_>>().join("\n"));
    let tokens = tokens(&code);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut names = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let number = token.text.strip_prefix('$').unwrap_or_default();
        if number.starts_with(|c: char| c.is_ascii_digit()) {
            complaints.push(format!("{}:{}: a parameter without a name", query.path, token.line));
        }
        let is_cast = text(at.wrapping_sub(1)) == ":" && token.touches || text(at + 1) == ":";
        let names_one = token.text == ":" && !is_cast && is_name(text(at + 1)) && tokens[at + 1].touches;
        if names_one {
            names.insert(text(at + 1).to_owned());
        }
    }
    names
}

/// What a text names and its struct has not, and the other way round.
fn parameters_differ(queries: &[File], store: &[File]) -> Vec<String> {
    let mut complaints = vec![];
    let mentions = mentions(store);
    for query in queries {
        let named = named_parameters(query, &mut complaints);
        for mention in mentions.iter().filter(|mention| mention.file == query.stem()) {
            let given: BTreeSet<String> = mention.fields.iter().cloned().collect();
            let unknown = named.difference(&given).map(|name| format!("{}: :{name} is not given", query.path));
            let unused = given.difference(&named).map(|name| format!("{}: {name} is not used", query.path));
            complaints.extend(unknown.chain(unused));
        }
    }
    complaints
}

/// The statements, each with the fragments that it has in common with others.
pub(super) fn queries() -> Vec<File> {
    let fragments = files_in("sql/fragment/");
    let of = |name: &str| fragments.iter().find(|fragment| fragment.stem() == name).expect("a fragment of this name");
    let line = |line: &str| line.strip_prefix("--< ").map_or_else(|| line.to_owned(), |name| of(name).text.clone());
    let whole = |file: File| File::new(&file.path, &file.text.lines().map(line).collect::<Vec<_>>().join("\n"));
    let queries: Vec<File> = files_in("sql/query/").into_iter().filter(|file| file.ends(".sql")).map(whole).collect();
    assert!(!queries.is_empty(), "no statement was found");
    queries
}

#[test]
fn each_file_is_one_statement() {
    assert_none(&queries().iter().flat_map(one_statement).collect::<Vec<_>>());
}

#[test]
fn a_second_statement_is_seen() {
    let of = |text: &str| one_statement(&File::new("sql/query/a_b.sql", text));
    assert_one(&of("select 1; select 2"), "not exactly one");
    assert_one(&of("-- Only a comment."), "not exactly one");
    assert_one(&of("create table app.a ()"), "not exactly one");
    assert_none(&of("-- One; only.\nselect ';' from app.a;\n"));
}

#[test]
fn each_statement_is_known_to_the_store_by_its_name() {
    assert_none(&known_once(&queries(), &files_in("src/store/")));
}

#[test]
fn an_unknown_statement_is_seen() {
    let queries = [File::new("sql/query/hold_lock.sql", "")];
    let of = |store: &str| known_once(&queries, &[File::new("src/store/hold.rs", store)]);
    let once = "statement!(\n    \"hold_lock\", HoldLock<'a> { hold: Id });\n";
    assert_one(&of("// statement!(\"hold_lock\", HoldLock {})"), "mentioned 0 times");
    assert_one(&of(&once.repeat(2)), "mentioned 2 times");
    assert_one(&of("statement!(\"hold_lock\", LockHold {});"), "goes by another name");
    assert_one(&of(&format!("{once}statement!(\"hold_gone\", HoldGone {{}});")), "hold_gone has no file");
    assert_none(&of(once));
    let twins =
        "statement!(\"a_lock\" locks \"hold_lock\", ALock {});\nstatement!(\"a_read\" reads \"hold_lock\", ARead {});";
    assert_none(&of(twins));
    assert_one(&of(&format!("statement!(\"a_lock\" locks \"a\", ALock {{}});\n{once}")), "a_lock has no file");
}

#[test]
fn parameters_have_the_names_that_statements_give_them() {
    assert_none(&parameters_differ(&queries(), &files_in("src/store/")));
}

#[test]
fn a_parameter_without_its_name_is_seen() {
    let of = |text: &str| {
        let store = "statement!(\"a_b\", AB<'a> {\n    booking: Id,\n    key: Option<&'a str>,\n});";
        parameters_differ(&[File::new("sql/query/a_b.sql", text)], &[File::new("src/store/a.rs", store)])
    };
    assert_none(&of("-- Of :nobody.\nselect :booking::uuid, x::text, ':y', a[1:2]\n--[part\n--|, :key\n--]"));
    assert_one(&of("select :booking, :key, :hold"), ":hold is not given");
    assert_one(&of("select :booking"), "key is not used");
    assert_one(&of("select :booking, :key, $1"), "a_b.sql:1: a parameter without a name");
}

#[test]
fn statements_name_schemas() {
    assert_none(&queries().iter().flat_map(unqualified).collect::<Vec<_>>());
}

#[test]
fn a_name_without_schema_is_seen() {
    let of = |text: &str| unqualified(&File::new("sql/query/a_b.sql", text));
    assert_one(&of("select 1 from app.a\nwhere now() > 1"), "a_b.sql:2: call of now");
    assert_one(&of("select b.lower(1)"), "call of lower");
    assert_one(&of("select 1 from bookings"), "from bookings without");
    assert_one(&of("select 1 from app.a join pg_temp.b on true"), "join pg_temp without");
    assert_one(&of("insert into bookings (id) values (1)"), "into bookings");
    assert_one(&of("update bookings set id = 1"), "update bookings");
    assert_one(&of("delete from bookings"), "from bookings");
    assert_one(&of("select a from b as (select 1)"), "from b without");
    let fine = "-- now()\nwith a as (select 1), b (c) as materialized (select coalesce(pg_catalog.max(x), array(select 1)))\n\
                select x::numeric(10) from a join b on a is distinct from c, pg_catalog.unnest(:ids) t (id)\n\
                join lateral (select 1) s on exists (select from app.a) for no key update of b";
    assert_none(&of(fine));
    assert_none(&of("select 1 from rows from (pg_catalog.unnest(:ids), pg_catalog.unnest(:ends)) c (id, status)"));
    assert_one(&of("select 1 from rows from (unnest(:ids)) c (id)"), "call of unnest");
    assert_none(&of("insert into app.a (b) values (1) on conflict (b) do update set b = excluded.b where a.b in (1)"));
}
