//! One's own hold is not a stranger's: asked for again, replaced, extended (K10).

use holdfast_e2e::{Call, Floor, atomic_confirm, behind, confirm, native};
use serde_json::{Value, json};
use uuid::Uuid;

fn take(booking: Option<Uuid>, tables: &[Uuid]) -> Call {
    let call = native("hold_tables").with("p_booking_id", booking).with("p_table_ids", tables);
    match booking {
        Some(_) => call,
        None => call.with("p_start_at", "2027-05-01 18:00Z").with("p_end_at", "2027-05-01 20:00Z"),
    }
}

fn hold_of(row: &Value) -> String {
    assert_eq!(row["outcome"], "held", "{row}");
    row["result"]["hold_id"].as_str().expect("a hold").to_owned()
}

fn live(floor: &mut Floor) -> i64 {
    floor.count("table_holds", "status = 'active'")
}

#[test]
fn the_same_request_gets_its_hold_again() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let (booking, guest) = (floor.booking(room.restaurant), Uuid::new_v4());
    let of_booking = take(Some(booking), &room.tables[..2]);
    let of_guest = take(None, &room.tables[2..]).with("p_created_by", guest);
    for call in [of_booking.clone(), of_booking.with("p_ttl_seconds", 60), of_guest] {
        let first = floor.outcome(&call);
        let again = floor.outcome(&call);
        assert_eq!((hold_of(&again), &again["result"]), (hold_of(&first), &first["result"]));
        assert_eq!((&first["replayed"], &again["replayed"]), (&json!(false), &json!(true)));
    }
    assert_eq!(live(&mut floor), 2);
    // Somebody without a name, or with another one, is a stranger.
    for stranger in [None, Some(Uuid::new_v4())] {
        let call = take(None, &room.tables[2..]).with("p_created_by", stranger);
        assert_eq!(floor.outcome(&call)["outcome"], "hold_conflict");
    }
}

#[test]
fn another_request_takes_the_place_of_ones_own_hold() {
    let mut floor = Floor::new();
    let room = floor.room(3);
    let booking = floor.booking(room.restaurant);
    let first = hold_of(&floor.outcome(&take(Some(booking), &room.tables[..1])));
    let wider = floor.outcome(&take(Some(booking), &room.tables[..2]));
    assert_ne!(hold_of(&wider), first);
    assert_eq!(
        floor.count("table_holds", &format!("id = '{first}' and status = 'cancelled' and expires_at <= now()")),
        1
    );
    assert_eq!(floor.count("allocations", "true"), 1, "one mirror");
    let longer = floor.outcome(&take(Some(booking), &room.tables[..2]).with("p_ttl_seconds", 3600));
    assert_ne!(hold_of(&longer), hold_of(&wider));
    // A refusal takes nothing away.
    let (_, _) = floor.held(&room, &room.tables[2..]);
    let refused = floor.outcome(&take(Some(booking), &room.tables));
    assert_eq!(refused["outcome"], "hold_conflict");
    assert_eq!(live(&mut floor), 2);
    // On other tables of its own, both stand.
    let apart = floor.room_in(room.restaurant, 1);
    floor.outcome(&take(Some(booking), &apart.tables));
    assert_eq!(live(&mut floor), 3);
}

#[test]
fn a_key_is_for_one_request() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    let call = take(Some(booking), &room.tables[..1]).with("p_idempotency_key", "one");
    let first = floor.outcome(&call);
    let again = floor.outcome(&call);
    assert_eq!((hold_of(&again), &again["idempotency_key"]), (hold_of(&first), &json!("one")));
    let other = floor.outcome(&take(Some(booking), &room.tables).with("p_idempotency_key", "one"));
    assert_eq!((&other["outcome"], &other["sqlstate"]), (&json!("key_mismatch"), &json!("P0003")));
    assert_eq!(other["detail"], "Idempotency key one has a live hold that differs in tables");
    assert_eq!(floor.outcome(&call.with("p_idempotency_key", " "))["outcome"], "key_blank");
    floor.done(&atomic_confirm(booking, hold_of(&first).parse().expect("an id"), "key"));
}

/// Two calls of one guest at the same time: the second waits for the tables, and finds the first one's hold.
#[test]
fn two_calls_of_a_guest_at_once_get_one_hold() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let call = take(None, &room.tables).with("p_created_by", Uuid::new_v4());
    let mut first = floor.session();
    first.run("begin");
    let hold = hold_of(&first.outcome(&call));
    let other = floor.session();
    let waiting = behind(&mut floor, first.pid, other, &call);
    first.run("commit");
    let rows = waiting.finish().1.expect("its own hold");
    assert_eq!(hold_of(&rows[0]), hold);
}

#[test]
fn a_live_hold_is_extended_and_never_cut_short() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, other) = (floor.booking(room.restaurant), floor.booking(room.restaurant));
    let hold = hold_of(&floor.outcome(&take(Some(booking), &room.tables)));
    let extend = native("extend_hold").with("p_hold_id", Some(hold.parse::<Uuid>().expect("an id")));
    let left = "select extract(epoch from expires_at - clock_timestamp())::int from public.table_holds";
    assert_eq!(floor.outcome(&extend.clone().with("p_ttl_seconds", 3600))["outcome"], "extended");
    assert!((3590..=3600).contains(&floor.value::<i32>(left)));
    assert_eq!(floor.outcome(&extend.clone().with("p_ttl_seconds", 60))["outcome"], "extended");
    assert!((3590..=3600).contains(&floor.value::<i32>(left)), "never less");
    let contract = Call::new("extend_hold").with("p_hold_id", hold.as_str());
    floor.done(&contract.clone().with("p_ttl_seconds", 7200));
    assert!((7190..=7200).contains(&floor.value::<i32>(left)));
    let refusal = floor.refused(&contract.clone().with("p_booking_id", other));
    refusal.says("P0001", &format!("Hold {hold} belongs to booking {booking} (expected {other})"));
    floor.run("update public.table_holds set expires_at = '2026-01-01 00:00Z'");
    floor.refused(&contract).says("P0001", &format!("Hold {hold} expired at 2026-01-01T00:00:00Z"));
    let nobody = Uuid::new_v4();
    floor.refused(&contract.with("p_hold_id", nobody)).says("P0002", &format!("Hold {nobody} not found"));
}

/// The longest that a hold may live is the owner's to say.
#[test]
fn the_longest_hold_is_the_owners_to_say() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    floor.run("update public.holdfast_hold_policy set longest_seconds = 600");
    let call = take(Some(booking), &room.tables);
    let row = floor.outcome(&call.clone().with("p_ttl_seconds", 601));
    assert_eq!(row["message"], "hold_tables requires a lifetime of 1 to 600 seconds, not 601");
    let hold = hold_of(&floor.outcome(&call.with("p_ttl_seconds", 600)));
    let row = floor.outcome(&native("extend_hold").with("p_hold_id", hold.as_str()).with("p_ttl_seconds", 601));
    assert_eq!(row["message"], "extend_hold requires a lifetime of 1 to 600 seconds, not 601");
}

#[test]
fn waiting_has_a_limit_in_time() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let booking = floor.booking(room.restaurant);
    let mut other = floor.session();
    other.run(&format!("begin; select from public.bookings where id = '{booking}' for update"));
    let call = take(Some(booking), &room.tables).with("p_wait_ms", 100);
    let row = floor.outcome(&call);
    assert_eq!(
        (&row["outcome"], &row["sqlstate"], &row["transient"]),
        (&json!("lock_timeout"), &json!("55P03"), &json!(true))
    );
    other.run("rollback");
    hold_of(&floor.outcome(&call.clone().with("p_wait_ms", 60_000)));
    assert_eq!(floor.outcome(&call.with("p_wait_ms", 0))["outcome"], "argument_invalid");
}

/// A hold that no confirm could use is not worth keeping a table for.
#[test]
fn a_hold_that_no_confirm_could_use_is_refused() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let booking = floor.booking(room.restaurant);
    floor.set("bookings", booking, "party_size", 6);
    assert_eq!(floor.outcome(&take(Some(booking), &room.tables[..1]))["outcome"], "party_too_large");
    hold_of(&floor.outcome(&take(Some(booking), &room.tables)));
    let apart = json!({"selection": {"tableIds": [room.tables[1]]}});
    let one = floor.booking(room.restaurant);
    let row = floor.outcome(&take(Some(one), &room.tables[..1]).with("p_metadata", apart));
    assert_eq!(row["outcome"], "adjacency_snapshot_changed");
}

/// Who lost a race learns who has the table, and until when: of a hold, and of a booking.
#[test]
fn a_lost_race_names_who_has_the_table() {
    let mut floor = Floor::new();
    let room = floor.room(2);
    let (holder, seated, late) =
        (floor.booking(room.restaurant), floor.booking(room.restaurant), floor.booking(room.restaurant));
    let hold = hold_of(&floor.outcome(&take(Some(holder), &room.tables[..1])));
    floor.done(&confirm(seated, &room.tables[1..], "key"));
    let until: String =
        floor.value("select to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI') from public.table_holds");
    let refusal = floor.refused(&confirm(late, &room.tables[..1], "key"));
    refusal.detail_begins(&format!("Hold {hold} overlaps requested window"));
    refusal.hint_begins("Retry after hold expiration or confirm existing hold.");
    let named = refusal.occupant();
    assert_eq!((&named["holdId"], &named["bookingId"]), (&json!(hold), &json!(holder)));
    assert_eq!(named["tableId"], json!(room.tables[0]));
    assert!(named["until"].as_str().is_some_and(|named| named.starts_with(&until)), "{named} {until}");

    let refusal =
        floor.refused(&Call::new("hold_tables").with("p_booking_id", late).with("p_table_ids", &room.tables[1..]));
    refusal.says("P0001", "allocations_no_overlap");
    refusal.detail_begins(&format!("Resource {} overlaps requested window for booking {late}", room.tables[1]));
    assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains(&format!("booking {seated} has table"))));
    let named = refusal.occupant();
    assert_eq!((&named["bookingId"], &named["until"]), (&json!(seated), &json!("2027-05-01T20:00:00Z")));
}
