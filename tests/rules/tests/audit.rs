//! The certificate: its sums, its order, and a digest that anybody can make again.

use holdfast::rules::confirm::fingerprint::sha256_hex;
use holdfast::rules::reconcile::audit::{Check, Findings, certificate};
use serde_json::{Value, json};

fn check(promise: &str, name: &str, broken: i64, notice: bool) -> Check {
    let (promise, name) = (promise.to_owned(), name.to_owned());
    Check { promise, name, notice, examined: 10, broken, examples: json!([]) }
}

fn findings(checks: Vec<Check>) -> Findings {
    Findings { schema: "public".to_owned(), counts: vec![("bookings".to_owned(), 3)], checks, ..Findings::default() }
}

#[test]
fn violations_and_notices_are_summed_apart() {
    let made =
        certificate(findings(vec![check("G2", "b", 2, false), check("G1", "a", 1, false), check("G7", "c", 4, true)]));
    assert_eq!((&made["violations"], &made["notices"]), (&json!(3), &json!(4)));
    let names: Vec<&Value> = made["checks"].as_array().into_iter().flatten().map(|check| &check["check"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(made["counts"], json!({"bookings": 3}));
}

#[test]
fn the_digest_is_of_everything_else() {
    let made = certificate(findings(vec![check("G1", "a", 0, false)]));
    let mut rest = made.clone();
    rest.as_object_mut().expect("an object").remove("digest");
    assert_eq!(made["digest"], sha256_hex(&rest.to_string()));
    let other = certificate(findings(vec![check("G1", "a", 1, false)]));
    assert_ne!(made["digest"], other["digest"]);
}
