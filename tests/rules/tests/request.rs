//! What was asked: arguments that make no sense, and the fingerprint that a key is bound to.

use holdfast::rules::booking::window::{Instant, Window};
use holdfast::rules::confirm::fingerprint::{Difference, Fingerprint, sha256_hex, sha256_prefix};
use holdfast::rules::confirm::request::{History, Intent, KEY_MAX_BYTES, Request, Selection, key, tables, window};
use holdfast::rules::confirm::resolved_request::{ResolvedRequest, table_set_hash};
use holdfast::rules::json::Json;
use holdfast::rules::refusal::outcome::Outcome;
use holdfast_rules_tests::evening::{calls, windows};
use holdfast_rules_tests::{
    ACTOR, BOOKING, HOLD, NOBODY, OTHER_BOOKING, ask_hold, ask_tables, assert_refused, booking, clock, hours, shown,
    table_id, table_ids,
};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

#[test]
fn no_key_is_no_key_and_a_blank_one_is_a_mistake() {
    assert_eq!(key(None), Ok(None));
    for given in ["k", " k ", "booking-1-auto-assign-2"] {
        assert_eq!(key(Some(given.to_owned())), Ok(Some(given.to_owned())));
    }
    // F27.
    for given in ["", " ", "\t\n", "\u{a0}"] {
        let refusal = key(Some(given.to_owned())).expect_err("blank");
        assert_refused(&refusal, Outcome::KeyBlank, "23514", "Idempotency key must not be blank", None);
    }
}

#[test]
fn a_window_is_the_bookings_own_when_both_ends_are() {
    let as_booked = |from, to| {
        let request = ask_tables(&[1]);
        ResolvedRequest::new(&request, table_ids(&[1]), hours(from, to)).is_as_booked(&booking())
    };
    assert!(as_booked(18, 20) && !as_booked(18, 21) && !as_booked(17, 20));
}

#[test]
fn a_key_that_no_index_can_hold_is_refused() {
    let longest = "k".repeat(KEY_MAX_BYTES);
    assert_eq!(key(Some(longest.clone())), Ok(Some(longest.clone())));
    let refusal = key(Some(longest + "k")).expect_err("too long");
    let message = "Idempotency key must not be longer than 2048 bytes";
    assert_refused(&refusal, Outcome::KeyTooLong, "23514", message, Some("It has 2049"));
}

#[test]
fn tables_are_sorted_and_each_is_named_once() {
    let ids = |numbers: &[u128]| Some(numbers.iter().map(|number| Some(table_id(*number))).collect());
    for given in [&[1, 2, 3][..], &[3, 2, 1], &[2, 3, 1, 2, 1], &[1, 1, 2, 2, 3, 3]] {
        assert_eq!(tables(BOOKING, ids(given)), Ok(table_ids(&[1, 2, 3])));
    }
    assert_eq!(tables(BOOKING, ids(&[7])), Ok(table_ids(&[7])));
}

#[test]
fn no_tables_are_refused_in_the_words_of_the_contract() {
    let none = "assign_tables_atomic_v2 requires at least one table id";
    let empty = "assign_tables_atomic_v2 requires at least one valid table id";
    for (given, message) in [(None, none), (Some(vec![]), empty)] {
        let refusal = tables(BOOKING, given).expect_err("no tables");
        assert_refused(&refusal, Outcome::TablesMissing, "23514", message, None);
    }
    for given in [vec![None], vec![Some(table_id(1)), None], vec![None, Some(table_id(1))]] {
        let refusal = tables(BOOKING, Some(given)).expect_err("a NULL among them");
        let message = format!("Unable to load all requested tables for booking {}", shown(BOOKING));
        assert_refused(&refusal, Outcome::TablesNotFound, "P0002", &message, Some("Not found: <NULL>"));
    }
}

#[test]
fn a_custom_window_has_both_ends_or_neither() {
    let (six, eight) = (Some(clock(18, 0)), Some(clock(20, 0)));
    assert_eq!(window("f", None, None), Ok(None));
    assert_eq!(window("f", six, eight), Ok(Some(hours(18, 20))));
    for (start, end) in [(six, None), (None, eight)] {
        let refusal = window("confirm_hold_assignment_tx", start, end).expect_err("half a window");
        let message = "confirm_hold_assignment_tx requires both start and end when providing custom window";
        assert_refused(&refusal, Outcome::WindowHalfGiven, "22023", message, None);
    }
    for (start, end, detail) in [
        (eight, six, "Start 2027-05-01T20:00:00Z, end 2027-05-01T18:00:00Z"),
        (six, six, "Start 2027-05-01T18:00:00Z, end 2027-05-01T18:00:00Z"),
        (six, Some(Instant::FOREVER), "Start 2027-05-01T18:00:00Z, end infinity"),
        (Some(Instant::NEVER), six, "Start -infinity, end 2027-05-01T18:00:00Z"),
    ] {
        let refusal = window("assign_tables_atomic_v2", start, end).expect_err("no window");
        let message = "assign_tables_atomic_v2 got an invalid custom window";
        assert_refused(&refusal, Outcome::WindowInvalid, "22023", message, Some(detail));
    }
}

/// By Python's hashlib.
#[test]
fn the_number_of_a_text_is_the_front_of_its_hash() {
    assert_eq!(sha256_prefix(""), -2_039_914_840_885_289_964);
    assert_eq!(sha256_prefix("holdfast"), -3_361_922_630_747_534_481);
}

/// By Python's hashlib.
#[test]
fn hashes_are_those_of_others() {
    assert_eq!(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256_hex("Tisch für zwölf"), "c5a05eaac9db2fac6e3a53c27236e76a742c654e69147e6c6250af4c1987844f");
    let sets = [
        (&[][..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (&[1], "7ac1b8d7010bb6cd3a3e84e7f90136b880bbc899e428ece49333372911ab9052"),
        (&[1, 2, 3], "fb0efbace047c8b0d131531e3f087092b4aacbf1674858cbb04b92f111de597e"),
    ];
    for (numbers, hash) in sets {
        assert_eq!(table_set_hash(&table_ids(numbers)), hash);
        let resolved = ResolvedRequest::new(&ask_tables(numbers), table_ids(numbers), hours(18, 20));
        assert_eq!(resolved.table_set_hash(), hash);
    }
}

/// A person's call: everything counts.
fn manual(request: Request) -> Request {
    let history = History {
        changed_by: Some(ACTOR),
        reason: Some("Geburtstag für zwölf".to_owned()),
        metadata: Some(json!({"b": 1, "a": [true, null, "x"]}).into()),
    };
    Request { actor: Some(ACTOR), history, ..request }
}

/// `hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())`.
#[test]
fn checksums_are_those_of_the_canonical_json() {
    let assign = Request { intent: Intent::Assign, target: None, require_adjacency: true, ..ask_tables(&[1]) };
    let custom = Request { window: Some(hours(19, 21)), ..ask_tables(&[1, 2]) };
    let cases = [
        (
            Fingerprint::resolved(&ask_tables(&[1, 2]), &table_ids(&[1, 2]), hours(18, 20)),
            "a3b4b870d9ec50a9af2f4a5485aab803780c9eb7325a67378edb36ef675627be",
        ),
        (
            Fingerprint::resolved(&assign, &table_ids(&[1]), hours(18, 20)),
            "7ed9408f5872b0562b89070a8ab3dd12457fa145fa87b717edbda71bc9b84720",
        ),
        (
            Fingerprint::resolved(&manual(ask_hold()), &table_ids(&[1, 2]), hours(18, 20)),
            "60a751ae564e1b2a0d1e99e13ce81e33c75583d85df837d8986d91adcc799953",
        ),
        (
            Fingerprint::resolved(&manual(ask_tables(&[1])), &table_ids(&[1]), hours(18, 20)),
            "67423b9bce3cdc69aa6116ee4e86fd14da094cc958ec3fb42aa7801b7ddd21fe",
        ),
        (
            Fingerprint::literal(&ask_tables(&[1, 2])),
            "ec90175e639230a627a88330371f9831cc50441293f1f85b63070851e0c5fd08",
        ),
        (Fingerprint::literal(&ask_hold()), "59ed0fd1214d646b7c4c414718997f536883628ac413a16c3454cb1d4d1cf3fa"),
        (Fingerprint::literal(&custom), "bd66eac22f3241479c14925b14d411a3e56f9af404a411a9e4572ee8d79b8bf7"),
    ];
    for (fingerprint, checksum) in cases {
        assert_eq!(fingerprint.checksum(), checksum, "{}", fingerprint.json());
    }
}

type Change = (&'static str, fn(&mut Request));

/// One change to each field that a key is bound to.
const CHANGES: &[Change] = &[
    ("booking", |request| request.booking = OTHER_BOOKING),
    ("tables", |request| request.selection = Selection::Tables(table_ids(&[8, 9]))),
    ("window", |request| request.window = Some(hours(2, 3))),
    ("intent", |request| {
        request.intent = if request.intent == Intent::Assign { Intent::Confirm } else { Intent::Assign };
    }),
    ("target_status", |request| request.target = Some("checked_in".to_owned())),
    ("require_adjacency", |request| request.require_adjacency = !request.require_adjacency),
    ("actor", |request| request.actor = request.actor.map(|_| NOBODY)),
];

/// What counts only in a person's call.
const MANUAL_CHANGES: &[Change] = &[
    ("reason", |request| request.history.reason = Some("another".to_owned())),
    ("metadata", |request| request.history.metadata = Some(json!({"another": 1}).into())),
    ("changed_by", |request| request.history.changed_by = Some(NOBODY)),
];

/// What never counts.
const IRRELEVANT: &[Change] = &[
    ("key", |request| request.key = Some("another".to_owned())),
    ("policy_version", |request| request.expectation.policy_version = Some("9".to_owned())),
    ("adjacency_hash", |request| request.expectation.adjacency_hash = Some("9".to_owned())),
];

fn resolved(request: &Request) -> Fingerprint {
    let ids = match &request.selection {
        Selection::Tables(ids) => ids.clone(),
        Selection::Hold(_) => table_ids(&[1, 2]),
    };
    Fingerprint::resolved(request, &ids, request.window.unwrap_or(hours(18, 20)))
}

fn fields(differences: &[Difference]) -> Vec<&str> {
    differences.iter().map(|difference| difference.field.as_str()).collect()
}

fn changed(request: &Request, change: fn(&mut Request)) -> Request {
    let mut changed = request.clone();
    change(&mut changed);
    changed
}

#[test]
fn another_hold_counts_only_where_a_person_named_it() {
    let other = |request: &Request| Request { selection: Selection::Hold(NOBODY), ..request.clone() };
    let auto = ask_hold();
    assert_eq!(resolved(&auto).differences(&resolved(&other(&auto))), []);
    let person = manual(ask_hold());
    let expected =
        [Difference { field: "hold".to_owned(), first: json!(shown(NOBODY)).into(), this: json!(shown(HOLD)).into() }];
    assert_eq!(resolved(&person).differences(&resolved(&other(&person))), expected);
    // As asked, it counts for everybody.
    assert_eq!(Fingerprint::literal(&auto).differences(&Fingerprint::literal(&other(&auto))), expected);
    assert_eq!(fields(&Fingerprint::literal(&person).differences(&Fingerprint::literal(&other(&person)))), ["hold"]);
}

#[test]
fn a_persons_call_is_not_the_automatic_one() {
    let (auto, person) = (resolved(&ask_tables(&[1])), resolved(&manual(ask_tables(&[1]))));
    assert_eq!(fields(&person.differences(&auto)), ["actor", "changed_by", "metadata", "reason"]);
    assert_eq!(fields(&auto.differences(&person)), ["actor", "changed_by", "metadata", "reason"]);
}

#[test]
fn a_difference_has_both_values() {
    let (one, two) = (resolved(&ask_tables(&[1])), resolved(&ask_tables(&[1, 2])));
    let expected = json!([{
        "field": "tables", "first": [shown(table_id(1))], "this": [shown(table_id(1)), shown(table_id(2))],
    }]);
    let said = |differences: Vec<Difference>| Json::array(differences.iter().map(Difference::json)).value();
    assert_eq!(said(two.differences(&one)), expected);
    // A field that one side does not have reads as null.
    let mut without = one.clone();
    without.0.remove("intent");
    assert_eq!(said(one.differences(&without)), json!([{"field": "intent", "first": null, "this": "confirm"}]));
    assert_eq!(said(without.differences(&one)), json!([{"field": "intent", "first": "confirm", "this": null}]));
}

proptest! {
    #[test]
    fn order_and_duplicates_of_tables_do_not_matter(
        (request, _) in calls(),
        (sorted, shuffled) in subsequence((1..=6).collect::<Vec<u128>>(), 1..=4)
            .prop_flat_map(|numbers| (Just(numbers.clone()), Just([numbers.clone(), numbers].concat()).prop_shuffle())),
    ) {
        let given = |numbers: &[u128]| tables(BOOKING, Some(numbers.iter().copied().map(table_id).map(Some).collect()));
        prop_assert_eq!(given(&shuffled), Ok(table_ids(&sorted)));
        let call = |numbers: &[u128]| {
            Request { selection: Selection::Tables(given(numbers).expect("tables")), ..request.clone() }
        };
        let (one, other) = (call(&shuffled), call(&sorted));
        prop_assert_eq!(resolved(&one).checksum(), resolved(&other).checksum());
        prop_assert_eq!(Fingerprint::literal(&one).checksum(), Fingerprint::literal(&other).checksum());
        prop_assert_eq!(resolved(&one).differences(&resolved(&other)), vec![]);
    }

    /// Any call, one change: exactly that field, its two values, and another checksum.
    #[test]
    fn one_field_is_one_difference((request, _) in calls(), person: bool) {
        let request = Request { actor: None, selection: Selection::Tables(table_ids(&[1])), ..request };
        let request = if person { manual(request) } else { request };
        for (field, change) in CHANGES.iter().chain(MANUAL_CHANGES) {
            let other = changed(&request, *change);
            let counts = person || (*field != "actor" && !MANUAL_CHANGES.iter().any(|(name, _)| name == field));
            for (first, this) in [
                (resolved(&request), resolved(&other)),
                (Fingerprint::literal(&request), Fingerprint::literal(&other)),
            ] {
                let expected: Vec<&str> = counts.then_some(*field).into_iter().collect();
                let differences = this.differences(&first);
                prop_assert_eq!(fields(&differences), expected);
                prop_assert_eq!(this.checksum() != first.checksum(), counts);
                for difference in differences {
                    prop_assert_eq!(&difference.first, &first.0[*field]);
                    prop_assert_eq!(&difference.this, &this.0[*field]);
                }
            }
        }
        for (_, change) in IRRELEVANT {
            prop_assert_eq!(resolved(&changed(&request, *change)), resolved(&request));
        }
    }

    /// A request is known by what it stands for, however it was named.
    #[test]
    fn an_automatic_call_by_hold_is_the_call_by_its_tables((request, numbers) in calls(), at in windows()) {
        let request = Request { actor: None, ..request };
        let by_tables = Request { selection: Selection::Tables(table_ids(&numbers)), ..request.clone() };
        let by_hold = Request { selection: Selection::Hold(HOLD), ..request };
        let fingerprint = |request: &Request| ResolvedRequest::new(request, table_ids(&numbers), at).fingerprint;
        prop_assert_eq!(fingerprint(&by_hold), fingerprint(&by_tables));
    }

    #[test]
    fn a_custom_window_is_a_window(start: Option<i64>, end: Option<i64>) {
        let given = window("f", start.map(Instant), end.map(Instant));
        match (start, end) {
            (None, None) => prop_assert_eq!(given, Ok(None)),
            (Some(start), Some(end)) => {
                prop_assert_eq!(given.ok(), Window::new(Instant(start), Instant(end)).map(Some));
            }
            _ => prop_assert_eq!(given.map_err(|refusal| refusal.outcome), Err(Outcome::WindowHalfGiven)),
        }
    }

    #[test]
    fn keys_pass_as_they_are(given in prop::option::of(".{0,12}")) {
        let blank = given.as_ref().is_some_and(|key| key.chars().all(char::is_whitespace));
        prop_assert_eq!(key(given.clone()).ok(), (!blank).then_some(given));
    }

    #[test]
    fn json_and_fields_are_the_same((request, _) in calls()) {
        let fingerprint = resolved(&request);
        let fields: Value = fingerprint.0.iter().map(|(name, value)| (name.clone(), value.value())).collect();
        prop_assert_eq!(fingerprint.json().value(), fields);
        prop_assert_eq!(fingerprint.json().fields(), Some(fingerprint.0));
    }

    #[test]
    fn an_entry_gives_back_what_was_asked((request, _) in calls()) {
        let fingerprint = resolved(&request);
        let ids = match &request.selection {
            Selection::Tables(ids) => ids.clone(),
            Selection::Hold(_) => table_ids(&[1, 2]),
        };
        let stored = fingerprint.stored().fields().map(Fingerprint).expect("an object");
        prop_assert!(stored.0.keys().all(|name| !["booking", "tables", "window"].contains(&name.as_str())));
        let kept = stored.completed(request.booking, &ids, Some(request.window.unwrap_or(hours(18, 20))));
        prop_assert_eq!(fingerprint.differences(&kept), vec![]);
    }
}
