//! Row security: without the owner's rule the functions see what the owner sees; with it, a booking that its caller does not see is not found.

use holdfast_e2e::Session;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ground::{CREATOR, HOUSE, House, OWNER, SERVICE};
use super::suite::{Suite, refused};

/// A second restaurant of the house, which the service does not see, with a confirmed booking, a held one, and its hold.
struct Unseen {
    booking: Uuid,
    hold: Uuid,
    table: Uuid,
}

fn unseen(house: &mut House) -> Unseen {
    let (restaurant, table) = (house.restaurant, house.tables[0]);
    house.session_as(OWNER).run(&format!(
        "alter table {HOUSE}.bookings enable row level security;
         create policy mine on {HOUSE}.bookings to {SERVICE} using (restaurant_id = '{restaurant}');
         grant select on {HOUSE}.bookings to {SERVICE}"
    ));
    let other = Uuid::new_v4();
    house.floor.run(&format!(
        "insert into {HOUSE}.restaurants (id) values ('{other}'); insert into {HOUSE}.zones (id, restaurant_id) values ('{other}', '{other}')"
    ));
    let of_other: Uuid = house.floor.value(&format!(
        "insert into {HOUSE}.table_inventory (restaurant_id, zone_id, table_number, capacity)
         values ('{other}', '{other}', '9', 4) returning id"
    ));
    let mut booking = || -> Uuid {
        house.floor.value(&format!(
            "insert into {HOUSE}.bookings (restaurant_id, party_size, start_at, end_at, auto_assign_idempotency_key)
             values ('{other}', 2, '2027-07-01 18:00Z', '2027-07-01 20:00Z', 'secret') returning id"
        ))
    };
    let booking = booking();
    house.floor.run(&format!("select holdfast.hold_tables('{HOUSE}', '{booking}', array['{of_other}']::uuid[])"));
    let hold: Uuid = house.floor.value(&format!("select id from {HOUSE}.table_holds where booking_id = '{booking}'"));
    let _ = table;
    Unseen { booking, hold, table: of_other }
}

/// Every function of the contract that takes a booking or a hold.
fn calls(unseen: &Unseen) -> Vec<(&'static str, String)> {
    let Unseen { booking, hold, table } = unseen;
    let of = |name: &'static str, arguments: String| (name, format!("select * from {HOUSE}.{name}({arguments})"));
    let tables = format!("array['{table}']::uuid[]");
    vec![
        of("explain_confirm", format!("'{booking}', p_table_ids => {tables}")),
        of("confirm_hold_assignment_with_transition", format!("'{booking}', {tables}, 'k1'")),
        of("confirm_hold_assignment_tx", format!("'{hold}', '{booking}', 'k2'")),
        of("atomic_confirm_and_transition", format!("'{booking}', '{hold}', 'k3'")),
        of("atomic_confirm_and_transition_within", format!("'{booking}', '{hold}', 'k4', 1000")),
        of("run_auto_assign", format!("'{booking}', '{hold}', 1000")),
        of("assign_tables_atomic_v2", format!("'{booking}', {tables}, 'k5'")),
        of("assign_single_table", format!("'{booking}', '{table}'")),
        of("assign_merged_tables", format!("'{booking}', {tables}")),
        of("unassign_tables_atomic", format!("'{booking}'")),
        of(
            "apply_booking_state_transition",
            format!("'{booking}', 'cancelled', null, null, now(), null, null, null, now(), 'x'"),
        ),
        of("hold_tables", format!("'{booking}', {tables}")),
        of("release_hold_and_emit", format!("'{hold}'")),
        of("confirm_outcome", format!("'{booking}', 'secret'")),
        of("fence_attempt", format!("'{booking}', 'secret'")),
        of("undo_confirm", format!("'{booking}', 'secret'")),
        of("reconcile_booking", format!("'{booking}'")),
        of("repair_booking", format!("'{booking}', null, false")),
    ]
}

fn found_by_key(session: &mut Session) -> i64 {
    session.value(&format!("select count(*) from {HOUSE}.booking_by_idempotency_key('secret')"))
}

#[test]
fn a_booking_that_the_caller_does_not_see_is_not_found() {
    let mut suite = Suite::new("row_security");
    let sign = "a service acts on a booking that its row security hides, or learns of it";
    let unseen = unseen(&mut suite.house);
    // As documented: without the rule it is found.
    let mut service = suite.house.session_as(SERVICE);
    service.run(&format!("select * from {HOUSE}.reconcile_booking('{}')", unseen.booking));
    assert_eq!(found_by_key(&mut service), 1);
    // Somebody else's table of that name is no rule.
    suite.house.session_as(CREATOR).run(&format!("create table {HOUSE}.holdfast_row_security ()"));
    assert_eq!(found_by_key(&mut service), 1);
    suite.house.session_as(CREATOR).run(&format!("drop table {HOUSE}.holdfast_row_security"));
    suite.house.session_as(OWNER).run(&format!("create table {HOUSE}.holdfast_row_security ()"));
    for (name, call) in calls(&unseen) {
        // In a session that knew the schema before, and in a new one.
        suite.attack("service", name, sign, |house| {
            refused(&mut service, &call, &["P0002"])?;
            refused(&mut house.session_as(SERVICE), &call, &["P0002"])
        });
    }
    assert_eq!(found_by_key(&mut service), 0);
    let seen = suite.house.booking(1);
    let table = suite.house.tables[1];
    let confirm =
        format!("select {HOUSE}.confirm_hold_assignment_with_transition('{seen}', array['{table}']::uuid[], 'k')");
    service.run(&confirm);
    // Who may not read the table sees none.
    suite.house.session_as(OWNER).run(&format!("revoke select on {HOUSE}.bookings from {SERVICE}"));
    suite.attack("service", "without SELECT on bookings", sign, |_| refused(&mut service, &confirm, &["P0002"]));
    // The owner, and a superuser, see every row.
    suite.house.floor.run(&format!("select * from {HOUSE}.reconcile_booking('{}')", unseen.booking));
    suite.house.session_as(OWNER).run(&format!("drop table {HOUSE}.holdfast_row_security"));
    service.run(&confirm);
    assert_eq!(suite.report(19), Vec::<String>::new());
}

/// What confirm_many answers.
fn listed(session: &mut Session, items: &[Value], mode: &str) -> Vec<Value> {
    let call = format!("{HOUSE}.confirm_many('{}', '{mode}')", json!(items));
    let rows: String = session.value(&format!("select jsonb_agg(to_jsonb(r) order by r.ordinal)::text from {call} r"));
    serde_json::from_str(&rows).expect("rows")
}

fn by_tables(booking: Uuid, table: Uuid, key: &str) -> Value {
    json!({"booking_id": booking, "table_ids": [table], "idempotency_key": key})
}

/// Two items of the service's own: one names a hold that is hidden.
struct Own {
    held: Uuid,
    plain: Value,
}

/// A list about a booking, one that was answered, and a hold. The last item is the service's own business alone.
fn items([booking, answered, hold]: [Uuid; 3], table: Uuid, own: &Own, grouped: bool) -> Vec<Value> {
    let by_hold = |booking: Uuid, key: &str| json!({"booking_id": booking, "hold_id": hold, "idempotency_key": key});
    let mut items = vec![
        by_hold(own.held, "k1"),
        by_hold(booking, "k2"),
        by_tables(booking, table, "k3"),
        by_tables(answered, table, "told"),
    ];
    if grouped {
        items.iter_mut().enumerate().for_each(|(at, item)| item["group"] = json!(at.to_string()));
    }
    items.push(own.plain.clone());
    items
}

fn outcomes(rows: &[Value]) -> Value {
    rows.iter().map(|row| row["outcome"].clone()).collect()
}

/// A list says of what its caller does not see what it says of what does not exist: not whose a hold is, not what a key was
/// answered before. Nothing of it is locked or marked.
#[test]
fn a_list_answers_what_is_hidden_as_what_does_not_exist() {
    let mut suite = Suite::new("row_security_of_lists");
    let sign = "a list acts on a booking or hold that row security hides, learns of it, or locks it";
    let Unseen { booking, hold, table } = unseen(&mut suite.house);
    let answered: Uuid = suite.house.floor.value(&format!(
        "insert into {HOUSE}.bookings (restaurant_id, party_size, start_at, end_at)
         select restaurant_id, 2, '2027-07-02 18:00Z', '2027-07-02 20:00Z' from {HOUSE}.bookings where id = '{booking}'
         returning id"
    ));
    let told = listed(&mut suite.house.floor, &[by_tables(answered, table, "told")], "raise");
    assert_eq!(outcomes(&told), json!(["confirmed"]));
    let plain = by_tables(suite.house.booking(3), suite.house.tables[2], "own");
    let own = Own { held: suite.house.booking(4), plain };
    let (there, nowhere) = ([booking, answered, hold], [(); 3].map(|()| Uuid::new_v4()));
    let mut service = suite.house.session_as(SERVICE);
    // As documented: without the rule they are done, and answered.
    service.run("begin");
    let open = listed(&mut service, &items(there, table, &own, false), "raise");
    service.run("rollback");
    assert_eq!(outcomes(&open), json!(["hold_of_other_booking", "confirmed", "confirmed", "confirmed", "confirmed"]));
    assert_eq!(open[3]["replayed"], json!(true));
    suite.house.session_as(OWNER).run(&format!("create table {HOUSE}.holdfast_row_security ()"));
    let named = [("bookings", booking), ("bookings", answered), ("table_holds", hold), ("table_inventory", table)];
    let free = named.map(|(of, id)| format!("select from {HOUSE}.{of} where id = '{id}' for update nowait"));
    let marked = format!("select outcome from {HOUSE}.confirm_outcome('{booking}', 'k2')");
    let text = |rows: &[Value], ids: &[Uuid]| {
        ids.iter()
            .enumerate()
            .fold(json!(rows).to_string(), |text, (at, id)| text.replace(&id.to_string(), &at.to_string()))
    };
    let ways = [("raise", false), ("isolate", false), ("raise", true), ("isolate", true)];
    for (mode, grouped) in ways {
        suite.attack("service", format!("confirm_many, {mode}, grouped: {grouped}"), sign, |house| {
            service.run("begin");
            let hidden = listed(&mut service, &items(there, table, &own, grouped), mode);
            let locked: Vec<&String> = free.iter().filter(|sql| house.floor.try_run(sql).is_err()).collect();
            let outcome: String = house.floor.value(&marked);
            service.run("rollback; begin");
            let absent = listed(&mut service, &items(nowhere, table, &own, grouped), mode);
            service.run("rollback");
            let expected =
                json!(["hold_not_found", "booking_not_found", "booking_not_found", "booking_not_found", "confirmed"]);
            if outcomes(&hidden) != expected || text(&hidden[..4], &there) != text(&absent[..4], &nowhere) {
                return Err(format!("{hidden:?} and not {absent:?}"));
            }
            match (locked.is_empty(), outcome.as_str()) {
                (true, "never_seen") => Ok("not found".to_owned()),
                _ => Err(format!("{locked:?} are locked, the key is {outcome}")),
            }
        });
    }
    // Who may not read the table sees none. That is the answer of each item, and ends no call.
    suite.house.session_as(OWNER).run(&format!("revoke select on {HOUSE}.bookings from {SERVICE}"));
    for (mode, grouped) in ways {
        suite.attack("service", format!("confirm_many without SELECT, {mode}, grouped: {grouped}"), sign, |_| {
            let rows = listed(&mut service, &items(there, table, &own, grouped), mode);
            let hidden = rows.iter().all(|row| row["outcome"] == json!("booking_not_found"));
            hidden.then(|| "not found".to_owned()).ok_or_else(|| format!("{rows:?}"))
        });
    }
    assert_eq!(suite.report(8), Vec::<String>::new());
}

/// Calls about the service's own booking that name tables and a hold of the restaurant that it does not see.
fn prying(unseen: &Unseen, mine: Uuid) -> Vec<(&'static str, String)> {
    let Unseen { hold, table, .. } = unseen;
    let of = |name: &'static str, arguments: String| (name, format!("select * from {HOUSE}.{name}({arguments})"));
    let tables = format!("array['{table}']::uuid[]");
    vec![
        of("explain_confirm", format!("'{mine}', p_table_ids => {tables}")),
        of("explain_confirm", format!("'{mine}', '{hold}'")),
        of("confirm_hold_assignment_with_transition", format!("'{mine}', {tables}, 'k1'")),
        of("confirm_hold_assignment_tx", format!("'{hold}', '{mine}', 'k2'")),
        of("atomic_confirm_and_transition", format!("'{mine}', '{hold}', 'k3'")),
        of("atomic_confirm_and_transition_within", format!("'{mine}', '{hold}', 'k4', 1000")),
        of("run_auto_assign", format!("'{mine}', '{hold}', 1000")),
        of("assign_tables_atomic_v2", format!("'{mine}', {tables}, 'k5'")),
        of("assign_single_table", format!("'{mine}', '{table}'")),
        of("assign_merged_tables", format!("'{mine}', {tables}")),
        of("unassign_tables_atomic", format!("'{mine}', {tables}")),
        of("hold_tables", format!("'{mine}', {tables}")),
        of("extend_hold", format!("'{hold}', 60")),
        of("release_hold_and_emit", format!("'{hold}'")),
        of("confirm_outcome", format!("'{mine}', 'secret'")),
        of("fence_attempt", format!("'{mine}', 'secret'")),
        of("undo_confirm", format!("'{mine}', 'secret'")),
        of("reconcile_booking", format!("'{mine}'")),
        of("booking_by_idempotency_key", "'secret'".to_owned()),
        of("refresh_table_status", format!("'{table}'")),
    ]
}

/// What is said, rows or every field of a refusal.
fn said(session: &mut Session, call: &str) -> String {
    session.run("begin");
    let said = session.simple(call);
    session.run("rollback");
    format!("{said:?}")
}

/// J12: of a restaurant that its row security hides, a service learns nothing by calls about its own booking: not by a refusal's
/// DETAIL and HINT, not by replay, explain or outcomes, and not by keys.
#[test]
fn calls_about_ones_own_booking_say_nothing_of_another_restaurants() {
    let mut suite = Suite::new("row_security_by_the_way");
    let sign =
        "an answer names a booking, restaurant, zone, key or window of a restaurant that the caller does not see";
    let unseen = unseen(&mut suite.house);
    let booking = unseen.booking;
    let (restaurant, zone): (String, String) = {
        let row = format!("from {HOUSE}.table_inventory where id = '{}'", unseen.table);
        (
            suite.house.floor.value(&format!("select restaurant_id::text {row}")),
            suite.house.floor.value(&format!("select zone_id::text {row}")),
        )
    };
    let mine = suite.house.booking(2);
    let secrets = [booking.to_string(), restaurant, zone, "2027-07-01".to_owned(), "vip guest".to_owned()];
    suite.house.floor.run(&format!(
        "update {HOUSE}.table_holds set metadata = '{{\"note\": \"vip guest\"}}' where id = '{}'",
        unseen.hold
    ));
    let learned =
        |said: &str| -> Vec<String> { secrets.iter().filter(|secret| said.contains(*secret)).cloned().collect() };
    let mut service = suite.house.session_as(SERVICE);
    // Without the rule, some say it: documented, and the proof that this test can see it.
    let open: Vec<&str> = prying(&unseen, mine)
        .into_iter()
        .filter(|(_, call)| !learned(&said(&mut service, call)).is_empty())
        .map(|(name, _)| name)
        .collect();
    println!("without the owner's rule these tell: {open:?}");
    assert!(open.contains(&"confirm_hold_assignment_tx") && open.contains(&"booking_by_idempotency_key"), "{open:?}");
    suite.house.session_as(OWNER).run(&format!("create table {HOUSE}.holdfast_row_security ()"));
    for (name, call) in prying(&unseen, mine) {
        suite.attack("service", name, sign, |_| {
            let said = said(&mut service, &call);
            let learned = learned(&said);
            if learned.is_empty() {
                Ok("it says nothing of it".to_owned())
            } else {
                Err(format!("{learned:?}: {said}"))
            }
        });
    }
    assert_eq!(suite.report(20), Vec::<String>::new());
}

/// Who attaches a schema with row security is told what the functions see, and which check there is; not once it is on.
#[test]
fn attach_says_what_row_security_does_not_do() {
    let mut house = House::new();
    unseen(&mut house);
    let attach = |house: &House| {
        let said = house.floor.server().psql(&house.floor.name, &format!("select holdfast.attach('{HOUSE}')"), &[]);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.err
    };
    let said = attach(&house);
    let words = format!(
        "row security of bookings does not apply to who calls the functions in schema {HOUSE}: they see what {OWNER} sees"
    );
    assert!(said.contains(&words) && said.contains("create table bistro.holdfast_row_security ()"), "{said}");
    let why: String = house
        .floor
        .value("select why from holdfast.doctor('bistro') where what = 'row security of bookings' and state = 'risky'");
    assert!(why.contains("holdfast_row_security"), "{why}");
    house.session_as(OWNER).run(&format!("create table {HOUSE}.holdfast_row_security ()"));
    assert!(!attach(&house).contains("row security"));
}
