//! Two answers to one call: when they agree, and which fault a difference shows.

use holdfast::rules::Id;
use holdfast::rules::booking::table::Assignment;
use holdfast::rules::booking::window::Instant;
use holdfast::rules::confirm::request::Intent;
use holdfast::rules::doctor::finding::{DoctorFinding, State};
use holdfast::rules::refusal::failure::{Failure, ServerError, sqlstate_pack};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::refusal::{self, Refusal};
use holdfast::rules::rollout::shadow::fault::{FAULTS, Fault};
use holdfast::rules::rollout::shadow::record::{self, DisagreementRecord};
use holdfast::rules::rollout::shadow::{
    AnswerRow, BookingAfter, CallResult, Disagreement, DisagreementKind, Doing, Ours, Scene, Theirs, compare, seats,
    seats_of,
};
use holdfast_rules_tests::{ACTOR, BOOKING, HOLD, clock, hours, table_id, table_ids};
use serde_json::{Value, json};

fn scene<'a>(intent: Option<Intent>, before: &'a BookingAfter, after: &'a BookingAfter) -> Scene<'a> {
    Scene {
        intent,
        target: Some("confirmed"),
        zone_is_shifted: false,
        before: Some(before),
        after: Some(after),
        ended_at: clock(12, 0),
    }
}

fn left(status: &str, tables: &[u128]) -> BookingAfter {
    BookingAfter { status: status.to_owned(), tables: table_ids(tables).into_iter().collect(), open_holds: Vec::new() }
}

fn answer(tables: &[u128]) -> CallResult {
    CallResult::Seats(seats_of(&table_ids(tables), hours(18, 20)))
}

fn doing(tables: &[u128]) -> Doing {
    Doing { answer: answer(tables), replayed: false, frees: false, hold_until: None }
}

fn raised(sqlstate: &str, message: &str) -> Theirs {
    Theirs::Raised { sqlstate: sqlstate.to_owned(), message: message.to_owned(), detail: None }
}

fn refused(outcome: Outcome, check: &'static str) -> Ours {
    Ours::Refused(Refusal::new(outcome, "words"), check)
}

fn found(kind: DisagreementKind, faults: &[Fault]) -> Option<Disagreement> {
    Some(Disagreement { kind, faults: faults.to_vec() })
}

/// A confirm of table 1 that leaves what it should.
fn in_order(ours: &Ours, theirs: &Theirs) -> Option<Disagreement> {
    let (before, after) = (left("pending", &[]), left("confirmed", &[1]));
    compare(&scene(Some(Intent::Confirm), &before, &after), ours, theirs)
}

#[test]
fn the_same_answer_is_agreed_on_whatever_ids_it_made_up() {
    let row = |number: u128, group: u128| Assignment {
        id: Id::from_u128(group + number),
        table: table_id(number),
        window: Some(hours(18, 20)),
        merge_group: Some(Id::from_u128(group)),
    };
    assert_eq!(seats(&[row(2, 7), row(1, 7)]), seats(&[row(1, 90), row(2, 90)]));
    assert_eq!(seats(&[row(1, 7), row(2, 7)]), seats_of(&table_ids(&[1, 2]), hours(18, 20)));
    assert_eq!(in_order(&Ours::Done(doing(&[1])), &Theirs::Done(answer(&[1]))), None);
    let other = in_order(&Ours::Done(doing(&[1])), &Theirs::Done(answer(&[2])));
    assert_eq!(other.map(|found| found.kind), Some(DisagreementKind::AnswersDiffer));
    let alone = CallResult::Seats(vec![AnswerRow { table: table_id(1), window: None, merged: false }]);
    let other = in_order(&Ours::Done(doing(&[1])), &Theirs::Done(alone));
    assert_eq!(other.map(|found| found.kind), Some(DisagreementKind::AnswersDiffer), "another window");
}

#[test]
fn refusals_agree_in_sqlstate_and_words_not_in_values() {
    let ours = Ours::Refused(refusal::hold_expired(HOLD, clock(9, 0)), "hold_live");
    let words = format!("Hold {HOLD} expired at 2027-05-01 11:00:00+02");
    assert_eq!(in_order(&ours, &raised("P0001", &words)), None);
    for (sqlstate, words) in [("P0002", words.as_str()), ("P0001", "Hold expired")] {
        assert_eq!(in_order(&ours, &raised(sqlstate, words)), found(DisagreementKind::RefusalsDiffer, &[]), "{words}");
    }
}

#[test]
fn what_the_original_accepts_shows_the_fault_that_ours_refuses() {
    for (outcome, check, fault) in [
        (Outcome::KeyMismatch, "key", Some(Fault::F2)),
        (Outcome::StatusConflict, "key", Some(Fault::F5)),
        (Outcome::StatusConflict, "booking_status", Some(Fault::F7)),
        (Outcome::TargetNotConfirmable, "booking_status", Some(Fault::F8)),
        (Outcome::HoldExpired, "hold_live", Some(Fault::F13)),
        (Outcome::TablesNotAdjacent, "tables_adjacent", Some(Fault::F14)),
        (Outcome::PartyTooLarge, "capacity", Some(Fault::F15)),
        (Outcome::TableOutOfService, "tables_usable", Some(Fault::F15)),
        (Outcome::WindowOutsideBooking, "window", Some(Fault::F16)),
        (Outcome::HoldNotFound, "hold_exists", Some(Fault::F17)),
        (Outcome::PolicyVersionChanged, "hold_expectation", Some(Fault::F17)),
        (Outcome::KeyBlank, "arguments", Some(Fault::F27)),
        (Outcome::ZoneLocked, "zone", None),
    ] {
        let faults: Vec<Fault> = fault.into_iter().collect();
        let theirs = Theirs::Done(answer(&[1]));
        assert_eq!(
            in_order(&refused(outcome, check), &theirs),
            found(DisagreementKind::TheirsDone, &faults),
            "{outcome:?}"
        );
    }
    let (before, after) = (left("pending", &[]), left("confirmed", &[1]));
    let shifted = Scene { zone_is_shifted: true, ..scene(Some(Intent::Confirm), &before, &after) };
    let expired = refused(Outcome::HoldExpired, "hold_live");
    assert_eq!(
        compare(&shifted, &expired, &Theirs::Done(answer(&[1]))),
        found(DisagreementKind::TheirsDone, &[Fault::F12])
    );
    let moved = scene(None, &before, &after);
    let status = Theirs::Done(CallResult::Status("confirmed".to_owned()));
    let conflict = refused(Outcome::StatusConflict, "move");
    assert_eq!(compare(&moved, &conflict, &status), found(DisagreementKind::TheirsDone, &[]), "a move has no number");
}

#[test]
fn what_the_original_refuses_shows_the_fault_in_its_words() {
    let done = Ours::Done(doing(&[1]));
    let by_hold = Ours::Done(Doing { hold_until: Some(clock(13, 0)), ..doing(&[1]) });
    let replayed = Ours::Done(Doing { replayed: true, ..doing(&[1]) });
    let frees = Ours::Done(Doing { frees: true, ..doing(&[1]) });
    let conflict = refused(Outcome::HoldConflict, "tables_free");
    let stale = refused(Outcome::StatusConflict, "move");
    let gone = format!("Hold {HOLD} not found");
    let expired = format!("Hold {HOLD} expired at 2027-05-01 22:00:00+00");
    let cases: &[(&Ours, &str, &str, DisagreementKind, Option<Fault>)] = &[
        (&replayed, "P0002", &gone, DisagreementKind::TheirsRefused, Some(Fault::F1)),
        (&done, "P0002", &gone, DisagreementKind::TheirsRefused, None),
        (&done, "23505", "duplicate key", DisagreementKind::TheirsRefused, Some(Fault::F3)),
        (&frees, "P0001", "allocations_no_overlap", DisagreementKind::TheirsRefused, Some(Fault::F9)),
        (&done, "P0001", "allocations_no_overlap", DisagreementKind::TheirsRefused, None),
        (&conflict, "22023", "too few arguments", DisagreementKind::RefusalsDiffer, Some(Fault::F10)),
        (&by_hold, "22023", "too few arguments", DisagreementKind::TheirsRefused, Some(Fault::F10)),
        (&by_hold, "P0001", "Hold conflict prevents …", DisagreementKind::TheirsRefused, Some(Fault::F10)),
        (&stale, "42702", "column is ambiguous", DisagreementKind::RefusalsDiffer, Some(Fault::F11)),
        (&by_hold, "P0001", &expired, DisagreementKind::TheirsRefused, Some(Fault::F12)),
        (&done, "42883", "function digest(text, unknown)", DisagreementKind::TheirsRefused, Some(Fault::F18)),
        (&by_hold, "23502", "null value", DisagreementKind::TheirsRefused, Some(Fault::F26)),
        (&done, "ZZ001", "of a trigger", DisagreementKind::TheirsRefused, None),
    ];
    for (ours, sqlstate, message, kind, fault) in cases {
        let faults: Vec<Fault> = fault.iter().copied().collect();
        assert_eq!(in_order(ours, &raised(sqlstate, message)), found(*kind, &faults), "{sqlstate} {message}");
    }
}

#[test]
fn what_is_left_behind_counts_beside_the_answer() {
    let done = Theirs::Done(answer(&[1]));
    let confirm = |after: &BookingAfter, ours: Doing| {
        let before = left("confirmed", &[2]);
        compare(&scene(Some(Intent::Confirm), &before, after), &Ours::Done(ours), &done)
    };
    let both = left("confirmed", &[1, 2]);
    assert_eq!(confirm(&both, doing(&[1])), found(DisagreementKind::EffectsDiffer, &[Fault::F6]));
    let open = BookingAfter { open_holds: vec![HOLD], ..left("confirmed", &[1]) };
    assert_eq!(confirm(&open, doing(&[1])), found(DisagreementKind::EffectsDiffer, &[Fault::F25]));
    assert_eq!(confirm(&left("pending", &[1]), doing(&[1])), found(DisagreementKind::EffectsDiffer, &[]));
    let late = Doing { hold_until: Some(clock(11, 59)), ..doing(&[1]) };
    assert_eq!(confirm(&left("confirmed", &[1]), late), found(DisagreementKind::EffectsDiffer, &[Fault::F13]));
    // A replay changes nothing, so it leaves nothing behind.
    assert_eq!(confirm(&both, Doing { replayed: true, ..doing(&[1]) }), None);
}

#[test]
fn an_assign_that_says_nothing_is_judged_by_what_it_left() {
    let assign = |before: &BookingAfter, after: &BookingAfter, ours: &Ours| {
        let scene = Scene { target: None, ..scene(Some(Intent::Assign), before, after) };
        compare(&scene, ours, &Theirs::Done(CallResult::Nothing))
    };
    let (none, one, both) = (left("pending", &[]), left("pending", &[1]), left("pending", &[1, 2]));
    let two = Ours::Done(doing(&[2]));
    assert_eq!(assign(&one, &both, &two), None);
    assert_eq!(assign(&one, &one, &two), found(DisagreementKind::AnswersDiffer, &[Fault::F24]), "it was swallowed");
    let taken = refused(Outcome::AllocationConflict, "tables_free");
    assert_eq!(assign(&one, &none, &taken), found(DisagreementKind::TheirsDone, &[Fault::F28, Fault::F24]));
    assert_eq!(assign(&one, &both, &taken), found(DisagreementKind::TheirsDone, &[]));
}

#[test]
fn a_booking_without_its_tables_is_stuck_with_its_key() {
    let gone = Ours::Refused(refusal::answer_gone(BOOKING), "key");
    let theirs = raised("P0003", &refusal::answer_gone(BOOKING).message);
    let (none, some) = (left("confirmed", &[]), left("confirmed", &[2]));
    assert_eq!(
        compare(&scene(Some(Intent::Confirm), &none, &none), &gone, &theirs),
        found(DisagreementKind::Stuck, &[Fault::F4])
    );
    assert_eq!(compare(&scene(Some(Intent::Confirm), &some, &some), &gone, &theirs), None);
    let other = refused(Outcome::KeyMismatch, "key");
    let scene_of = scene(Some(Intent::Confirm), &none, &none);
    assert_eq!(
        compare(&scene_of, &other, &theirs),
        found(DisagreementKind::RefusalsDiffer, &[Fault::F4]),
        "its window moved"
    );
    // And with one whose hold the original deleted, when nobody wrote down that it was that hold.
    let theirs = raised("P0002", &refusal::hold_not_found(Some(HOLD)).message);
    let lost = Ours::Refused(refusal::hold_not_found(Some(HOLD)), "key");
    assert_eq!(in_order(&lost, &theirs), found(DisagreementKind::Stuck, &[Fault::F1]));
    assert_eq!(in_order(&Ours::Refused(refusal::hold_not_found(Some(HOLD)), "hold_exists"), &theirs), None);
}

#[test]
fn failures_of_the_moment_are_nobodys_opinion() {
    for sqlstate in ["40001", "40P01", "55P03", "57014", "53200"] {
        assert!(raised(sqlstate, "").is_of_the_moment(), "{sqlstate}");
    }
    assert!(!raised("P0001", "").is_of_the_moment() && !Theirs::Done(CallResult::Nothing).is_of_the_moment());
    let error = ServerError { sqlstate: sqlstate_pack("ZZ001"), message: "m".to_owned(), ..ServerError::default() };
    assert_eq!(Theirs::raised(&Failure::from(error)), raised("ZZ001", "m"));
}

#[test]
fn every_fault_has_its_number_and_a_sentence() {
    let names: Vec<String> = FAULTS.iter().map(|fault| fault.name().to_owned()).collect();
    assert_eq!(names, (1..=28).map(|number| format!("F{number}")).collect::<Vec<_>>());
    assert!(FAULTS.iter().all(|fault| fault.sentence().ends_with('.')));
}

#[test]
fn doctors_findings_show_faults_too() {
    let findings = [
        DoctorFinding::new("body of public.f(uuid) swallows errors", State::Risky, "G1", "why"),
        DoctorFinding::new("body of public.f(uuid) creates a temporary table", State::Risky, "G1", "why"),
        DoctorFinding::new("execute on public.f(uuid) for PUBLIC", State::Risky, "G9", "why"),
        DoctorFinding::new("body of public.g(uuid) takes an advisory lock", State::Ok, "", "why"),
    ];
    let found: Vec<&str> =
        FAULTS.iter().filter(|fault| !fault.found(&findings).is_empty()).map(|fault| fault.name()).collect();
    assert_eq!(found, ["F21", "F22", "F24"]);
    assert_eq!(Fault::F21.found(&findings), ["body of public.f(uuid) creates a temporary table"]);
}

fn record(metadata: &Value, message: &str) -> DisagreementRecord {
    DisagreementRecord {
        called_at: Instant(0),
        function: "confirm_hold_assignment_tx",
        booking: Some(BOOKING),
        request: json!({"booking_id": BOOKING, "assigned_by": ACTOR, "history_metadata": metadata}),
        session: json!({"user": "service"}),
        ours: record::ours(&Ours::Done(doing(&[1, 2]))),
        theirs: record::theirs(&raised("P0001", message)),
    }
}

#[test]
fn a_record_is_made_to_fit_or_given_up() {
    let disagreement = Disagreement { kind: DisagreementKind::TheirsRefused, faults: vec![Fault::F9] };
    let read = |text: Option<String>| text.map(|text| serde_json::from_str::<Value>(&text).expect("JSON"));
    let small = record(&json!({"attempt": 1}), "allocations_no_overlap");
    let whole = read(small.text(&disagreement, 3000)).expect("it fits");
    assert_eq!(whole, small.json(&disagreement));
    assert_eq!((&whole["kind"], &whole["faults"]), (&json!("theirs_refused"), &json!(["F9"])));
    assert_eq!(whole["ours"]["rows"].as_array().map(Vec::len), Some(2));
    let filled = record(&json!({"note": "x".repeat(9000)}), "m");
    let less = read(filled.text(&disagreement, 3000)).expect("without its metadata");
    assert_eq!((&less["request"]["history_metadata"], &less["request"]["shortened"]), (&Value::Null, &json!(true)));
    let wordy = record(&json!({}), &"é".repeat(9000));
    let less = read(wordy.text(&disagreement, 3000)).expect("with a shorter message");
    assert_eq!(less["theirs"]["message"].as_str().map(|text| text.chars().count()), Some(100));
    assert_eq!(wordy.text(&disagreement, 100), None);
}
