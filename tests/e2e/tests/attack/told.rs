//! What one tenant learns of another without a right: by notifications, and by the memory that all share.

use holdfast_e2e::{Cluster, GRANTED, STRANGER, Session, eventually};
use postgres::fallible_iterator::FallibleIterator;
use uuid::Uuid;

use super::ground::{CREATOR, HOUSE, NEIGHBOUR, NOBODY, OTHER, SERVICE};
use super::suite::{Attack, Suite, report};

/// What is said on any channel that somebody could think of, while events of the house are due, and who hears it.
#[test]
fn who_listens_learns_no_name() {
    let mut suite = Suite::new("told");
    let sign = "a notification names a schema, a booking or a channel by which they can be told apart";
    let (booking, table) = (suite.house.booking(1), suite.house.tables[0]);
    let confirm =
        format!("select {HOUSE}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], 'k')");
    let schema: String = suite.house.floor.value(&format!("select '{HOUSE}'::regnamespace::oid::text"));
    let channels = [
        "holdfast",
        "holdfast_outbox",
        "holdfast_events",
        "outbox",
        "capacity_outbox",
        HOUSE,
        NEIGHBOUR,
        "\"*\"",
        "\"\"\"%\"\"\"",
        "holdfast_outbox_bistro",
        "holdfast_bistro",
        "\"holdfast_outbox.bistro\"",
        "\"bistro.capacity_outbox\"",
    ];
    let listen: String = channels.iter().map(|channel| format!("listen {channel};")).collect();
    let listeners = [NOBODY, OTHER, CREATOR, SERVICE].map(|who| (who, suite.house.session_as(who)));
    let mut listeners = listeners.map(|(who, mut session)| {
        session.run(&listen);
        (who, session)
    });
    suite.house.session_as(SERVICE).run(&confirm);
    suite.house.floor.run(&format!("select * from holdfast.sweep('{HOUSE}')"));
    for (who, session) in &mut listeners {
        suite.attack(who, "listens to every channel that could be ours", sign, |_| {
            let heard = heard(session);
            if heard.is_empty() {
                return Err("nobody said anything, so nothing was shown".to_owned());
            }
            match heard.iter().find(|said| said.contains(HOUSE) || said.contains(&schema)) {
                Some(said) => Err(format!("it heard {said}")),
                None => Ok(format!("it heard {heard:?}")),
            }
        });
    }
    assert_eq!(suite.report(4), Vec::<String>::new());
}

/// `channel: payload` of what came since.
fn heard(session: &mut Session) -> Vec<String> {
    session.run("select 1");
    let mut said = session.client.notifications();
    let mut all = Vec::new();
    let mut said = said.iter();
    while let Ok(Some(one)) = said.next() {
        all.push(format!("{}: {}", one.channel(), one.payload()));
    }
    all
}

/// A tenant fills the memory in which cut off attempts wait to be written down: another's answer stays what it was.
#[test]
fn one_tenants_cut_off_attempts_do_not_push_out_anothers() {
    let cluster = Cluster::start_preloaded();
    let mut session = cluster.install("told");
    let mine = furnish(&mut session, "public");
    session.run(&format!(
        "do $$ begin create role {STRANGER}; exception when duplicate_object then null; end $$;
         select holdfast.create_reference_schema('{NEIGHBOUR}'); select holdfast.attach('{NEIGHBOUR}', array['{STRANGER}'])"
    ));
    let theirs = furnish(&mut session, NEIGHBOUR);
    let connect = |role: &str| {
        let mut session = Session::new(cluster.connect("told"));
        session.run(&format!("set session authorization {role}"));
        session
    };
    let call = |schema: &str, (booking, table): (Uuid, Uuid), key: &str| {
        format!(
            "select {schema}.confirm_hold_assignment_with_transition('{booking}', array['{table}']::uuid[], '{key}')"
        )
    };
    let mut caller = connect(GRANTED);
    caller.run(&format!("begin; {}", call("public", mine, "mine")));
    end(&mut session, caller.pid);
    let outcome = |session: &mut Session| -> String {
        let (booking, _) = mine;
        session.value(&format!("select outcome || ' ' || code from public.confirm_outcome('{booking}', 'mine')"))
    };
    assert_eq!(outcome(&mut session), "refused HF619");
    let mut attacks = Vec::new();
    for round in 1..=2 {
        let mut flood = connect(STRANGER);
        flood.run("begin");
        for number in 0..100 {
            flood.run(&call(NEIGHBOUR, theirs, &format!("key {number}")));
            flood.run(&format!("select {NEIGHBOUR}.unassign_tables_atomic('{}')", theirs.0));
        }
        end(&mut session, flood.pid);
        let outcome = outcome(&mut session);
        attacks.push(Attack {
            who: "the service of another schema",
            what: format!("leaves {} cut off attempts, where 128 have room", 100 * round),
            sign: "an attempt of this schema that was cut off is never_seen",
            result: if outcome == "refused HF619" { Ok(outcome) } else { Err(outcome) },
        });
    }
    assert_eq!(report("told_of_the_cut_off", &attacks), Vec::<String>::new());
    // And it is written down.
    let written: i64 = session.value("select done from holdfast.sweep('public') where task = 'record_attempts'");
    assert_eq!(written, 1);
    let theirs: i64 =
        session.value(&format!("select done from holdfast.sweep('{NEIGHBOUR}', 1000) where task = 'record_attempts'"));
    assert!(theirs > 100, "the flood was one: {theirs}");
}

fn end(session: &mut Session, pid: i32) {
    session.run(&format!("select pg_terminate_backend({pid})"));
    eventually(session, &format!("select not exists (select from pg_stat_activity where pid = {pid})"));
}

/// A booking and a table.
fn furnish(session: &mut Session, schema: &str) -> (Uuid, Uuid) {
    let (booking, table) = (Uuid::new_v4(), Uuid::new_v4());
    session.run(&format!(
        "insert into {schema}.restaurants (id) values ('{booking}');
         insert into {schema}.zones (id, restaurant_id) values ('{booking}', '{booking}');
         insert into {schema}.table_inventory (id, restaurant_id, zone_id, table_number, capacity)
           values ('{table}', '{booking}', '{booking}', '1', 4);
         insert into {schema}.bookings (id, restaurant_id, party_size, start_at, end_at)
           values ('{booking}', '{booking}', 2, '2027-05-01 18:00Z', '2027-05-01 20:00Z')"
    ));
    (booking, table)
}
