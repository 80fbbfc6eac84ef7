//! Failures: SQLSTATEs as the server packs them, and constraints of ours that spoke while we wrote.

use holdfast::rules::refusal::failure::{
    Collision, Failure, ServerError, changed_by_its_trigger, hold_collision, privilege_missing, returned,
    sqlstate_pack, sqlstate_unpack, unseen_reference,
};
use holdfast::rules::refusal::outcome::Outcome;
use holdfast::rules::refusal::{self, Refusal};
use holdfast_rules_tests::{BOOKING, NOBODY, assert_refused, shown, table_id, table_ids};
use proptest::prelude::*;

#[test]
fn only_a_cancel_is_one() {
    let server = |code: &str| Failure::from(ServerError { sqlstate: sqlstate_pack(code), ..ServerError::default() });
    assert!(server("57014").is_cancel());
    assert!(!server("57P01").is_cancel());
    assert!(!Failure::from(refusal::booking_not_found(None)).is_cancel());
}

#[test]
fn a_missing_role_is_named() {
    let error = privilege_missing("pg_signal_backend");
    assert_eq!(error.sqlstate, sqlstate_pack("42501"));
    assert_eq!(error.message, "permission denied to end a running attempt");
    assert_eq!(error.detail.as_deref(), Some("Only members of the role pg_signal_backend may do that"));
    assert_eq!(error.hint, None);
}

/// As `utils/errcodes.h` and `MAKE_SQLSTATE` of the server have them.
#[test]
fn sqlstates_are_packed_as_the_server_packs_them() {
    let vectors = [
        ("00000", 0),
        ("0A000", 1_088),
        ("23505", 83_906_754),
        ("23P01", 16_908_482),
        ("40001", 16_777_220),
        ("40P01", 16_908_292),
        ("42883", 52_461_700),
        ("57014", 67_371_461),
        ("P0001", 16_777_248),
        ("P0002", 33_554_464),
        ("P0003", 50_331_680),
        ("P0004", 67_108_896),
        ("XX000", 2_600),
        ("PT409", 151_013_664),
        ("HF001", 16_778_648),
        ("ZZZZZ", 715_827_882),
    ];
    for (code, packed) in vectors {
        assert_eq!(sqlstate_pack(code), packed, "{code}");
        assert_eq!(holdfast::rules::refusal::failure::sqlstate_unpack(packed), code, "and back");
    }
}

#[test]
fn a_refusal_is_refused_and_an_error_is_the_servers() {
    let refusal = refusal::hold_not_found(None);
    assert_eq!(Failure::from(refusal.clone()), Failure::Refused(refusal));
    let error = error("23505", "public", "customers", None);
    assert_eq!(Failure::from(error.clone()), Failure::Server(Box::new(error)));
}

/// Only what left nothing behind comes back as a row; the rest must be raised to be undone.
#[test]
fn only_refusals_are_returned() {
    let refusal = refusal::hold_not_found(None);
    assert_eq!(returned(Ok(7)), Ok(Ok(7)));
    assert_eq!(returned::<()>(Err(Failure::Refused(refusal.clone()))), Ok(Err(refusal.clone())));
    let raised = [Failure::Undone(refusal), Failure::from(error("P0001", "public", "bookings", None))];
    for failure in raised {
        assert_eq!(returned::<()>(Err(failure.clone())), Err(failure));
    }
}

#[test]
fn a_failure_is_counted_by_its_refusal_and_an_error_as_failed() {
    let refusal = refusal::hold_not_found(None);
    assert_eq!(Failure::Refused(refusal.clone()).outcome(), Outcome::HoldNotFound);
    assert_eq!(Failure::Undone(refusal).outcome(), Outcome::HoldNotFound);
    assert_eq!(Failure::from(error("P0001", "public", "bookings", None)).outcome(), Outcome::Failed);
}

fn error(sqlstate: &str, schema: &str, table: &str, detail: Option<&str>) -> ServerError {
    ServerError {
        sqlstate: sqlstate_pack(sqlstate),
        message: "violates a constraint".to_owned(),
        detail: detail.map(str::to_owned),
        schema: Some(schema.to_owned()),
        table: Some(table.to_owned()),
        constraint: Some("some_constraint".to_owned()),
        ..ServerError::default()
    }
}

fn decide(error: &ServerError, numbers: &[u128], key: Option<&str>) -> Failure {
    let tables = table_ids(numbers);
    Collision { booking: BOOKING, tables: &tables, key, schema: "public" }.decide(error.clone())
}

#[track_caller]
fn undone(failure: Failure) -> Refusal {
    match failure {
        Failure::Undone(refusal) => refusal,
        other => panic!("not undone: {other:?}"),
    }
}

#[test]
fn a_taken_table_is_the_contracts_conflict() {
    let (one, two) = (shown(table_id(1)), shown(table_id(2)));
    let cases = [
        ("23P01", "allocations", Some(format!("Key (resource_id)=({two}) conflicts")), &two),
        ("23P01", "booking_table_assignments", Some(format!("Key (table_id)=({one}) conflicts")), &one),
        (
            "23505",
            "allocations",
            Some(format!("Key (booking_id, resource_type, resource_id)=(b, table, {two}) already exists.")),
            &two,
        ),
        (
            "23505",
            "booking_table_assignments",
            Some(format!("Schlüssel »(booking_id, table_id)=(b, {two})« existiert bereits.")),
            &two,
        ),
        (
            "23P01",
            "booking_table_assignments",
            Some(format!("Key (table_id, tstzrange(start_at, end_at, '[)'::text))=({two}, [a,b)) conflicts")),
            &two,
        ),
        // Where the detail names none of them, it was the first.
        ("23P01", "allocations", Some("hidden by row security".to_owned()), &one),
        ("23P01", "allocations", None, &one),
    ];
    for (sqlstate, table, detail, taken) in cases {
        let refusal = undone(decide(&error(sqlstate, "public", table, detail.as_deref()), &[1, 2], Some("key")));
        // The row that was there first is in the server's own sentence.
        let server = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        let words = format!("Resource {taken} overlaps requested window for booking {}{server}", shown(BOOKING));
        assert_refused(&refusal, Outcome::AllocationConflict, "P0001", "allocations_no_overlap", Some(&words));
        assert_eq!(refusal.hint, "HF601: Choose another table or another time.");
    }
}

/// What a constraint of the application's says beside may be a guest's: it goes no further than ids and times do.
#[test]
fn a_guests_value_is_not_repeated() {
    let table = table_id(1);
    let said = |names: &str| {
        let detail = format!("Key ({names})=({table}, jane@example.org) conflicts with existing key");
        undone(decide(&error("23P01", "public", "allocations", Some(&detail)), &[1], None)).detail.unwrap_or_default()
    };
    for ours in ["resource_id, \"window\"", "resource_id, tstzrange(start_at, end_at)", "resource_id, resource_type"] {
        assert!(said(ours).contains("jane@"), "the server's sentence is told: {ours}");
    }
    for theirs in ["resource_id, guest_email", "resource_id, lower(email)", "resource_id, (note || phone)"] {
        let detail = said(theirs);
        assert!(!detail.contains("jane@") && detail.contains(&table.to_string()), "{theirs}: {detail}");
    }
    let hold = |names: &str| {
        let detail = format!("Key ({names})=(a, jane@example.org) conflicts with existing key");
        let failure = hold_collision(error("23P01", "public", "table_holds", Some(&detail)), BOOKING, "public");
        undone(failure).detail.unwrap_or_default()
    };
    assert!(hold("table_id, \"window\"").contains("jane@") && !hold("table_id, guest").contains("jane@"));
}

#[test]
fn a_key_that_somebody_else_bound_is_a_retry() {
    for table in ["booking_assignment_idempotency", "booking_confirmation_results"] {
        let detail = Some("Key (booking_id, idempotency_key)=(b, my-key) already exists.");
        let refusal = undone(decide(&error("23505", "public", table, detail), &[1], Some("my-key")));
        let message = format!("Another attempt bound the key of booking {} at the same moment", shown(BOOKING));
        assert_refused(&refusal, Outcome::KeyInProgress, "40001", &message, Some("Key my-key"));
    }
}

#[test]
fn what_is_not_ours_reaches_the_caller_unchanged() {
    let mut without_schema = error("23505", "public", "allocations", None);
    without_schema.schema = None;
    let mut without_table = error("23505", "public", "allocations", None);
    without_table.table = None;
    let cases = [
        (error("23505", "public", "customers", None), Some("key")),
        (error("23P01", "public", "customers", None), Some("key")),
        (error("23505", "audit", "allocations", None), Some("key")),
        (error("23514", "public", "allocations", None), Some("key")),
        (error("23503", "public", "booking_table_assignments", None), Some("key")),
        (error("40001", "public", "booking_assignment_idempotency", None), Some("key")),
        (error("23P01", "public", "booking_assignment_idempotency", None), Some("key")),
        (error("23P01", "public", "booking_confirmation_results", None), Some("key")),
        (error("23505", "public", "booking_assignment_idempotency", None), None),
        (error("23505", "public", "booking_confirmation_results", None), None),
        (without_schema, Some("key")),
        (without_table, Some("key")),
    ];
    for (error, key) in cases {
        assert_eq!(decide(&error, &[1], key), Failure::Server(Box::new(error.clone())), "{error:?}");
    }
    let nothing_asked = error("23P01", "public", "allocations", Some(&shown(NOBODY)));
    assert_eq!(decide(&nothing_asked, &[], Some("key")), Failure::Server(Box::new(nothing_asked.clone())));
}

proptest! {
    /// Five characters, six bits each: nothing is lost, nothing collides.
    #[test]
    fn packing_can_be_undone(code in "[0-9A-Z]{5}") {
        let packed = sqlstate_pack(&code);
        let unpacked: String =
            (0..5).map(|place| char::from(u8::try_from((packed >> (6 * place)) & 0x3F).expect("six bits") + b'0')).collect();
        prop_assert_eq!(unpacked, code);
    }

    #[test]
    fn no_other_code_is_reworded(code in "[0-9A-Z]{5}", table in "allocations|booking_assignment_idempotency") {
        prop_assume!(code != "23505" && code != "23P01");
        let error = error(&code, "public", &table, None);
        prop_assert_eq!(decide(&error, &[1], Some("key")), Failure::Server(Box::new(error)));
    }
}

/// No retry mends what the application does not allow.
#[test]
fn a_constraint_of_the_applications_own_is_no_lost_race() {
    let cases = [
        ("23505", "booking_assignment_idempotency", "Key (booking_id, table_set_hash)=(b, h) already exists."),
        ("23505", "allocations", "Key (resource_id)=(r) already exists."),
        ("23505", "booking_table_assignments", "Key (slot_id)=(s) already exists."),
        ("23505", "booking_confirmation_results", "Key (restaurant_id)=(r) already exists."),
        ("23P01", "allocations", "Key (restaurant_id, \"window\")=(r, [a,b)) conflicts with existing key"),
        ("23P01", "booking_table_assignments", "Key (slot_id)=(s) conflicts with existing key"),
    ];
    for (sqlstate, table, detail) in cases {
        let error = error(sqlstate, "public", table, Some(detail));
        assert_eq!(decide(&error, &[1], Some("key")), Failure::from(error), "{table}: {detail}");
    }
    // By its name, where the server hides what it is about.
    let named = ServerError {
        constraint: Some("booking_assignment_idempotency_pkey".to_owned()),
        ..error("23505", "public", "booking_assignment_idempotency", None)
    };
    assert_eq!(undone(decide(&named, &[1], Some("key"))).outcome, Outcome::KeyInProgress);
}

/// A trigger that wrote the row that was about to be written is told so in a statement's words; no other error is.
#[test]
fn a_row_that_its_own_trigger_wrote_is_told_as_a_statement_tells_it() {
    let of = |code: &str, message: &str| {
        let said = ServerError { message: message.to_owned(), ..error(code, "public", "bookings", None) };
        sqlstate_unpack(changed_by_its_trigger(said).sqlstate)
    };
    assert_eq!(of("XX000", "tuple already updated by self"), "27000");
    assert_eq!(of("55000", "attempted to update invisible tuple"), "27000");
    assert_eq!(of("XX000", "tuple concurrently updated"), "XX000");
    assert_eq!(of("P0001", "tuple already updated by self"), "P0001");
}

/// What only an old snapshot does not see is 40001; a reference that nobody has seen stays what it is.
#[test]
fn a_reference_that_the_snapshot_does_not_see_is_a_retry() {
    let of = |code: &str, detail: Option<&str>| {
        sqlstate_unpack(unseen_reference(error(code, "public", "table_holds", detail)).sqlstate)
    };
    assert_eq!(of("23503", Some("Key (booking_id)=(b) is not present in table \"bookings\".")), "40001");
    assert_eq!(of("23503", Some("Key (created_by)=(u) is not present in table \"users\".")), "23503");
    assert_eq!(of("23503", Some("Key (id)=(b) is still referenced from table \"notes\".")), "23503");
    assert_eq!(of("23503", None), "23503");
    assert_eq!(of("23505", Some("Key (booking_id)=(b) already exists.")), "23505");
}
