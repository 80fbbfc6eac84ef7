//! A jsonb without loss.

use holdfast::rules::json::Json;
use proptest::prelude::*;
use serde_json::{Value, json};

fn json_of(text: &str) -> Json {
    Json::of_text(text.to_owned())
}

#[test]
fn equal_is_what_jsonb_calls_equal() {
    let equal = [
        ("10", "10.0"),
        ("1.10", "1.1"),
        ("0", "0.000"),
        ("-0.50", "-0.5"),
        ("{\"b\": 1, \"a\": [1.0, {}]}", "{\"a\":[1,{}],\"b\":1.00}"),
        ("\"1.0\"", " \"1.0\" "),
        ("[]", "[ ]"),
    ];
    for (one, other) in equal {
        assert_eq!(json_of(one), json_of(other));
    }
    let different = [
        ("12345678901234567890123", "12345678901234567890124"),
        ("\"1.10\"", "\"1.1\""),
        ("1", "\"1\""),
        ("100", "1"),
        ("[1, 2]", "[2, 1]"),
        ("{\"a\": null}", "{}"),
        ("[]", "{}"),
        ("{\"a,\": 1}", "{\"a\": 1}"),
        ("\"\\\"\"", "\"\\\\\""),
    ];
    for (one, other) in different {
        assert_ne!(json_of(one), json_of(other));
    }
}

#[test]
fn numbers_and_depth_know_no_limit() {
    let large = format!("1{}", "0".repeat(400));
    assert_eq!(json_of(&format!("{{\"a\": {large}}}")).at(&["a"]).expect("there").scalar(), Some(large));
    let deep = |end: &str| json_of(&format!("{}{end}{}", "[{\"a\": ".repeat(50_000), "}]".repeat(50_000)));
    assert_eq!(deep("1"), deep("1.0"));
    assert_ne!(deep("1"), deep("2"));
    let holder = Json::object([("deep", deep("1")), ("policyVersion", json_of("1.10"))]);
    assert_eq!(holder.at(&["policyVersion"]).and_then(|version| version.scalar()).as_deref(), Some("1.10"));
    assert_eq!(holder.at(&["deep", "a"]), None);
}

#[test]
fn what_a_person_reads_is_never_rounded() {
    assert_eq!(json_of("{\"a\": 1.50}").value(), json!({"a": 1.5}));
    let exact = "{\"a\": 12345678901234567890123}";
    assert_eq!(json_of(exact).value(), json!(exact));
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(json_of(&deep).value(), json!(deep));
}

#[test]
fn scalars_and_flags() {
    let scalar = |text: &str| json_of(text).scalar();
    assert_eq!(scalar("null"), None);
    assert_eq!(scalar("\"a\\n\""), Some("a\n".to_owned()));
    assert_eq!(scalar("true"), Some("true".to_owned()));
    assert_eq!((json_of("true").flag(), json_of("\"true\"").flag()), (Some(true), None));
    assert_eq!(json_of("[1]").fields(), None);
    assert_eq!(json_of("{}").items(), None);
    assert_eq!(Json::default().text(), "null");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,4}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Checksums of answers given before were made of serde's text.
    #[test]
    fn plain_values_keep_their_text(value in values()) {
        let spaced = serde_json::to_string_pretty(&value).expect("serializes");
        let canonical = json_of(&spaced).canonical();
        prop_assert_eq!(serde_json::from_str::<Value>(&canonical).expect("is JSON"), value.clone());
        prop_assert_eq!(Json::from(value.clone()), json_of(&spaced));
        prop_assert_eq!(json_of(&spaced).value(), value);
    }
}
