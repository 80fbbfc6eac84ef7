//! The deterministic key, against vectors of Python's hashlib.

use holdfast::rules::confirm::idempotency_key::auto_assign;
use uuid::Uuid;

/// Booking, restaurant, party, date, time, key; made by the script of the same name.
const VECTORS: &str = include_str!("../vectors/idempotency_keys.tsv");

#[test]
fn keys_have_the_recipe_of_the_contract() {
    let lines: Vec<&str> = VECTORS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 20, "only {} vectors", lines.len());
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let [booking, restaurant, party, date, time, key] = cells[..] else { panic!("not six cells: {line}") };
        let id = |text: &str| Uuid::parse_str(text).expect("a uuid");
        let party = party.parse().expect("a number");
        assert_eq!(auto_assign(id(booking), id(restaurant), party, date, time), key);
    }
}
