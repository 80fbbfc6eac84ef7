//! What is read off our scripts and off what the server prints.

use holdfast::rules::catalogue::declared::declared;
use holdfast::rules::catalogue::expression::bare;
use holdfast::rules::catalogue::facts::{Facts, Server};
use holdfast::rules::catalogue::stored_expression::is_of_server;

/// Names and types.
type Columns = Vec<(String, String)>;

fn one(script: &str) -> (Columns, Columns) {
    let found = declared(script, &Facts { schema: "app".to_owned(), ..Facts::default() });
    let [signature] = &found[..] else { panic!("{script}: {found:?}") };
    let inputs = signature.inputs.iter().map(|input| (input.name.clone(), input.type_name.clone()));
    (inputs.collect(), signature.outputs.clone())
}

fn pair(name: &str, type_name: &str) -> (String, String) {
    (name.to_owned(), type_name.to_owned())
}

#[test]
fn a_signature_is_read_as_it_is_declared() {
    // Brackets within brackets.
    let (inputs, outputs) = one("create or replace function app.f(a numeric(4), b time)\nreturns void\nlanguage c;");
    assert_eq!(inputs, [pair("a", "numeric(4)"), pair("b", "time without time zone")]);
    assert_eq!(outputs, [pair("", "void")]);
    // A bracket after what is returned opens no columns.
    let (_, outputs) = one("create or replace function app.f() returns uuid language c as $$ (x uuid) $$;");
    assert_eq!(outputs, [pair("", "uuid")]);
    let (inputs, outputs) = one("create or replace procedure app.p(inout a timestamptz)\nlanguage c as '(';");
    assert_eq!((inputs, outputs), (vec![pair("a", "timestamp with time zone")], vec![]));
}

#[test]
fn the_name_of_a_type_ends_with_its_quotes() {
    assert_eq!(bare("(status = 'active'::\"My App\".\"Hold Status\") AND (b > 1)"), "status='active'andb>1");
    assert_eq!(bare("COALESCE(a, 'x'::character varying)"), "coalescea,'x'");
}

#[test]
fn a_session_without_an_encoding_reads_in_that_of_the_database() {
    let server = |client: &str| {
        let (encoding, client_encoding) = ("UTF8".to_owned(), client.to_owned());
        Server { encoding, client_encoding, ..Server::default() }.script_encoding().to_owned()
    };
    assert_eq!([server("SQL_ASCII"), server("LATIN1")], ["UTF8", "LATIN1"]);
}

/// What the server wrote down of `(a > 0 and b ~ '\S')`, of 18 and shortened.
const SERVERS_OWN: &str = "{BOOLEXPR :boolop and :args ({OPEXPR :opno 521 :opfuncid 147 :opresulttype 16 :args ({VAR :varno 1 \
    :varattno 1 :vartype 23} {CONST :consttype 23 :constvalue 4 [ 0 0 0 0 0 0 0 0 ]})} {OPEXPR :opno 641 :opfuncid 1254 :args ({VAR \
    :varattno 2})})}";

#[test]
fn an_expression_of_the_servers_own_functions_is_known() {
    assert!(is_of_server(SERVERS_OWN));
    assert!(is_of_server("{FUNCEXPR :funcid 2649 :funcresulttype 1184 :args <>}"));
    assert!(is_of_server("{NEXTVALUEEXPR :seqid 16400 :typeId 20}"));
    // Of 15, where nodes have other names.
    assert!(is_of_server("{COALESCE :coalescetype 25 :args ({FUNCEXPR :funcid 16383 :args ({VAR :varattno 2})})}"));
}

#[test]
fn a_function_of_others_is_code() {
    for (from, to) in [(":opfuncid 147", ":opfuncid 16384"), (":opfuncid 1254", ":opfuncid 4294967295")] {
        assert!(!is_of_server(&SERVERS_OWN.replace(from, to)), "{to}");
    }
    assert!(!is_of_server("{FUNCEXPR :funcid 16385 :args <>}"));
    // An operator whose function nobody looked up, and what is no number.
    assert!(!is_of_server(&SERVERS_OWN.replace(":opfuncid 147", ":opfuncid 0")));
    assert!(!is_of_server("{FUNCEXPR :funcid  :args <>}"));
}

#[test]
fn a_node_that_may_run_anything_is_code() {
    for node in ["COERCETODOMAIN", "COERCEVIAIO", "ARRAYCOERCEEXPR", "SUBLINK", "XMLEXPR", "ROWCOMPAREEXPR", ""] {
        let expression = format!("{{BOOLEXPR :boolop not :args ({{{node} :arg {{VAR :varattno 1}}}})}}");
        assert!(!is_of_server(&expression), "{node}");
    }
}
