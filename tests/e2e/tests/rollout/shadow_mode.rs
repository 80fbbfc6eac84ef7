//! Shadow mode is in nobody's way: the original's answers reach the caller as they are, ours neither waits nor writes, and
//! what fails in it is counted and forgotten.

use holdfast_e2e::foreign::{APPLICATIONS, Foreign, OLD, OTHER_LABELS};
use holdfast_e2e::{Call, Floor, Refusal, Session, atomic_confirm, confirm, confirm_hold, within};
use serde_json::{Value, json};
use uuid::Uuid;

fn shadowed() -> Foreign {
    let mut old = OLD.install();
    old.adopt();
    old.mode("shadow");
    old
}

/// What was counted for the schema `public`: judged, agreed, disagreed, undecided, skipped, failed, lost.
fn counted(session: &mut Session) -> [i64; 7] {
    let rows: Vec<Value> = session.column("select to_jsonb(s) from holdfast.stat_shadow s where schema = 'public'");
    let of = |name: &str| rows.first().and_then(|row| row[name].as_i64()).unwrap_or_default();
    ["judged", "agreed", "disagreed", "undecided", "skipped", "failed", "lost"].map(of)
}

/// Rows that each of the applications came with.
fn booking(number: u128) -> Uuid {
    format!("0ddba11a-0000-4000-8000-0000000002{number:02}").parse().expect("an id")
}

fn table(number: u128) -> Uuid {
    format!("0ddba11a-0000-4000-8000-0000000001{number:02}").parse().expect("an id")
}

/// Calls that succeed and fail in many ways, as the server's own text of what came back.
fn answers(old: &mut Foreign) -> Vec<Result<Vec<Vec<Option<String>>>, Refusal>> {
    let confirm = |number, tables: &[Uuid], key: &str| confirm(booking(number), tables, key);
    let rows = |call: &Call| format!("select table_id, start_at, end_at, merge_group_id is null from {}", call.sql());
    let hold = "0ddba11a-0000-4000-8000-0000000000ff".parse().expect("an id");
    let single = Call::new("assign_single_table").with("p_booking_id", booking(6)).with("p_table_id", table(3));
    [
        rows(&confirm(1, &[table(1)], "key-1")),
        rows(&confirm(1, &[table(2)], "key-1")),
        rows(&confirm(5, &[table(3), table(1), table(3)], "key")),
        rows(&confirm(5, &[table(3), table(1)], "key")),
        rows(&confirm(5, &[table(3), table(1)], "again")),
        rows(&confirm(6, &[table(3)], "").with("p_require_adjacency", true)),
        rows(&confirm(6, &[hold], "key")),
        rows(&confirm_hold(hold, booking(6), "key")),
        rows(&confirm(6, &[], "key")),
        format!("select {} is null", single.sql()),
        format!("select {}", single.sql()),
        format!("select * from {}", Call::new("unassign_tables_atomic").with("p_booking_id", booking(5)).sql()),
        rows(&confirm(5, &[table(3), table(1)], "key")),
    ]
    .iter()
    .map(|sql| old.simple(sql))
    .collect()
}

/// The original's text, but for the name under which it is kept.
fn as_before(mut answer: Result<Vec<Vec<Option<String>>>, Refusal>) -> Result<Vec<Vec<Option<String>>>, Refusal> {
    if let Err(refusal) = &mut answer {
        refusal.context = None;
    }
    answer
}

#[test]
fn answers_are_the_same_as_without_holdfast() {
    let mut before = OLD.install();
    let expected = answers(&mut before);
    assert!(expected.iter().any(Result::is_ok) && expected.iter().filter(|answer| answer.is_err()).count() > 3);
    let mut old = shadowed();
    for (at, (found, expected)) in answers(&mut old).into_iter().zip(expected).enumerate() {
        assert_eq!(as_before(found), as_before(expected), "call {at}");
    }
    let [judged, agreed, disagreed, undecided, skipped, failed, lost] = counted(&mut old);
    assert_eq!((judged, undecided, skipped, failed, lost), (12, 0, 0, 0, 0), "an unassign is not judged");
    assert_eq!(agreed + disagreed, 12);
    // Nothing of ours is written, but what they do not agree on.
    old.run("select holdfast.sweep('public')");
    assert_eq!(old.count("holdfast_disagreements", "true"), disagreed);
    assert_eq!(old.count("booking_assignment_idempotency", "request is not null or transaction_id is not null"), 0);
    assert_eq!(old.count("holdfast_attempts", "true"), 0);
    assert_eq!(old.count("holdfast_pruned", "true"), 0);
}

/// A reading function in the place of the original: whatever waits, or takes a transaction id, is ours.
fn only_reads(old: &mut Foreign) {
    old.run(
        "create or replace function public_legacy.confirm_hold_assignment_with_transition(
           p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency boolean default false,
           p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null,
           p_target_status booking_status default 'confirmed', p_history_changed_by uuid default null,
           p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}'
         ) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
         language sql security definer as $$
           select a.table_id, a.start_at, a.end_at, a.merge_group_id from public.booking_table_assignments a
           where a.booking_id = p_booking_id order by 1 $$",
    );
}

#[test]
fn ours_waits_for_nobody_and_takes_no_transaction_id() {
    let mut old = shadowed();
    let call = confirm(booking(1), &[table(1)], "key-1");
    let answer = old.done(&call);
    only_reads(&mut old);
    let mut holder = old.session();
    holder.run("begin; select from bookings for update; select from table_inventory for update;
                select from booking_table_assignments for update; select from booking_assignment_idempotency for update");
    old.run("set lock_timeout = '1ms'");
    for isolation in ["read committed", "repeatable read"] {
        old.run(&format!("begin isolation level {isolation} read only"));
        assert_eq!(old.done(&call), answer, "{isolation}");
        assert!(old.value::<bool>("select pg_current_xact_id_if_assigned() is null"), "{isolation}");
        let locks: Vec<String> = old.column(
            "select mode from pg_locks where pid = pg_backend_pid() and mode not in ('AccessShareLock', 'ExclusiveLock')",
        );
        assert!(locks.is_empty(), "{isolation}: {locks:?}");
        old.run("commit");
    }
    assert_eq!(counted(&mut old)[..2], [3, 3]);
    // Whoever reads at SERIALIZABLE decides what others can commit: there it does not look.
    old.run("begin isolation level serializable");
    assert_eq!(old.done(&call), answer);
    old.run("commit");
    assert_eq!(counted(&mut old), [3, 3, 0, 0, 1, 0, 0]);
}

/// What a transaction above READ COMMITTED does not see, its original does not see, and ours does not hold against it.
#[test]
fn ours_sees_what_the_original_sees() {
    let mut old = shadowed();
    only_reads(&mut old);
    let call = confirm(booking(1), &[table(1)], "key-1");
    let mut reader = old.session();
    reader.run("begin isolation level repeatable read; select from bookings");
    old.run(&format!("update bookings set status = 'cancelled' where id = '{}'", booking(1)));
    assert_eq!(reader.done(&call).len(), 1);
    reader.run("commit");
    assert_eq!(counted(&mut old)[..3], [1, 1, 0]);
    reader.done(&call);
    assert_eq!(counted(&mut old)[..3], [2, 1, 1], "now both see it");
}

#[test]
fn what_fails_in_ours_is_counted_and_the_call_goes_on() {
    let mut old = shadowed();
    old.run("alter table holdfast_status_transitions rename to moves;
             create view holdfast_status_transitions as select from_status, to_status from moves where 1 / (length(to_status::text) * 0) = 1");
    assert_eq!(old.done(&confirm(booking(5), &[table(1)], "key")).len(), 1);
    assert_eq!(counted(&mut old), [0, 0, 0, 0, 0, 1, 0]);
    // In a transaction with work before and after.
    old.run("begin; update restaurants set slug = slug");
    assert_eq!(old.done(&confirm(booking(6), &[table(2)], "key")).len(), 1);
    old.run("commit");
    assert_eq!(counted(&mut old)[5], 2);
    old.run("drop view holdfast_status_transitions; alter table moves rename to holdfast_status_transitions");
    // A disagreement that cannot be kept is lost, and the call is not.
    old.run("alter table holdfast_disagreements add constraint never check (false)");
    assert_eq!(old.done(&confirm(booking(6), &[table(3)], "second")).len(), 1);
    assert_eq!(counted(&mut old), [1, 0, 1, 0, 0, 2, 1]);
    old.run("drop table holdfast_disagreements");
    assert_eq!(old.done(&confirm(booking(6), &[table(4)], "third")).len(), 1);
    assert_eq!(old.count("booking_table_assignments", &format!("booking_id = '{}'", booking(6))), 3);
}

/// What ours needs and the original does without is nobody's business while the original decides (F24).
#[test]
fn a_schema_that_lost_a_table_goes_on_with_its_originals() {
    let mut old = shadowed();
    old.run("alter table capacity_outbox rename to gone; alter table booking_confirmation_results rename to lost");
    assert_eq!(old.done(&confirm(booking(5), &[table(1)], "key")).len(), 1);
    assert_eq!(counted(&mut old), [0, 0, 0, 0, 0, 1, 0]);
    old.run("update holdfast_rollout set mode = 'original'");
    assert_eq!(old.done(&confirm(booking(6), &[table(2)], "key")).len(), 1);
    old.run("update holdfast_rollout set mode = 'on'");
    let refused = old.refused(&confirm(booking(6), &[table(3)], "second"));
    refused.says("55000", "Schema public does not have the tables of a booking");
    old.run("set holdfast.atomic_confirm_enabled = off");
    assert_eq!(old.done(&confirm(booking(6), &[table(2)], "key")).len(), 1);
}

/// A cancel is meant for the call, also when it strikes while ours looks.
#[test]
fn a_cancel_ends_the_call() {
    let mut old = shadowed();
    old.run(
        "alter table holdfast_status_transitions rename to moves;
             create view holdfast_status_transitions as select from_status, to_status from moves, pg_sleep(60);
             set statement_timeout = '200ms'",
    );
    assert_eq!(old.refused(&confirm(booking(5), &[table(1)], "key")).sqlstate, "57014");
    old.run(
        "reset statement_timeout; drop view holdfast_status_transitions;
             alter table moves rename to holdfast_status_transitions",
    );
    assert_eq!(old.count("booking_table_assignments", &format!("booking_id = '{}'", booking(5))), 0);
}

#[test]
fn calls_that_raised_arrive_by_the_sweep_whatever_becomes_of_its_transaction() {
    let mut old = shadowed();
    old.run("begin; savepoint s");
    old.refused(&confirm(booking(5), &[table(1)], "key").with("p_start_at", holdfast_e2e::at("18:00")));
    old.run("rollback to s");
    let hold = Uuid::new_v4();
    assert_eq!(counted(&mut old)[..3], [1, 0, 1]);
    old.run("commit");
    old.refused(&confirm_hold(hold, booking(5), "key")).says("P0002", &format!("Hold {hold} not found"));
    assert_eq!(counted(&mut old)[..3], [2, 1, 1], "both say that");
    assert_eq!(old.count("holdfast_disagreements", "true"), 0);
    let kept = "select done from holdfast.sweep('public') where task = 'record_disagreements'";
    old.run("begin");
    assert_eq!(old.value::<i64>(kept), 1);
    old.run("rollback; begin; savepoint s");
    assert_eq!(old.value::<i64>(kept), 1, "given back");
    old.run("rollback to s");
    assert_eq!(old.value::<i64>(kept), 1, "given back by a savepoint too");
    old.run("savepoint t; release t; commit");
    assert_eq!(old.value::<i64>(kept), 0);
    assert_eq!(old.count("holdfast_disagreements", "true"), 1);
    // They are forgotten like answers are.
    old.run("update holdfast_disagreements set called_at = now() - interval '91 days'");
    old.run("select holdfast.sweep('public')");
    assert_eq!(old.count("holdfast_disagreements", "true"), 0);
}

/// A rollout that was made before there was a shadow: attach widens it, once, and keeps its rows.
#[test]
fn a_rollout_of_an_earlier_release_learns_the_mode() {
    let mut floor = OLD.install();
    floor.adopt();
    floor.run(
        "drop table holdfast_disagreements;
         alter table holdfast_rollout drop constraint holdfast_rollout_mode_check;
         alter table holdfast_rollout add constraint holdfast_rollout_mode_check check (mode in ('on', 'original'));
         insert into holdfast_rollout (percentage) values (40)",
    );
    floor.run("select holdfast.sweep('public')");
    let shadow = "update holdfast_rollout set mode = 'shadow'";
    assert_eq!(floor.try_run(shadow).expect_err("it does not know it").sqlstate, "23514");
    floor.run("select holdfast.attach('public')");
    floor.run(shadow);
    assert_eq!(floor.value::<i32>("select percentage from holdfast_rollout"), 40);
    assert_eq!(floor.try_run("update holdfast_rollout set mode = 'later'").expect_err("no mode").sqlstate, "23514");
    let constraint = "select oid::bigint from pg_constraint where conname = 'holdfast_rollout_mode_check'";
    let before: i64 = floor.value(constraint);
    floor.run("select holdfast.attach('public')");
    assert_eq!(floor.value::<i64>(constraint), before, "it is widened once");
    assert_eq!(floor.count("holdfast_disagreements", "true"), 0);
}

/// A share of the bookings is judged, a restaurant may have a row of its own, the brake judges nothing.
#[test]
fn rows_of_the_rollout_say_who_is_judged() {
    let mut old = shadowed();
    old.run("update holdfast_rollout set percentage = 0");
    old.done(&confirm(booking(5), &[table(1)], "key"));
    assert_eq!(counted(&mut old)[0], 0);
    old.run("update holdfast_rollout set percentage = 100; set holdfast.atomic_confirm_enabled = off");
    old.done(&confirm(booking(5), &[table(1)], "key"));
    assert_eq!(counted(&mut old)[0], 0);
    old.run("set holdfast.atomic_confirm_enabled = on");
    old.run(&format!(
        "insert into holdfast_rollout (restaurant_id, mode) select restaurant_id, 'on' from bookings where id = '{}'",
        booking(6)
    ));
    old.done(&confirm(booking(6), &[table(2)], "key"));
    assert_eq!(counted(&mut old)[0], 0, "holdfast decides there");
    old.run("delete from holdfast_rollout where mode = 'on'");
    old.done(&confirm(booking(6), &[table(2)], "key"));
    assert_eq!(counted(&mut old)[0], 1);
    let single = Call::new("assign_single_table").with("p_booking_id", booking(6)).with("p_table_id", table(3));
    old.done(&single);
    assert_eq!(counted(&mut old)[0], 2, "what an original calls is not judged again");
}

/// What nobody had before has no original: it is refused, in shadow mode as in original.
#[test]
fn calls_that_nobody_had_before_are_refused() {
    for mode in ["original", "shadow"] {
        let mut old = OLD.install();
        // Somebody wrote a function of the new name, too.
        old.run(
            "create function atomic_confirm_and_transition(
               p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_assigned_by uuid default null,
               p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}',
               p_history_changed_by uuid default null, p_target_status booking_status default 'confirmed'
             ) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
             language sql as 'select null::uuid, null::uuid, null::timestamptz, null::timestamptz, null::uuid where false'",
        );
        old.adopt();
        old.mode(mode);
        let room = old.room(1);
        let (booking, hold) = old.held(&room, &room.tables);
        let outcome = old.outcome(&within(booking, hold, "key", 1000));
        assert_eq!(
            (&outcome["outcome"], &outcome["code"]),
            (&json!("atomic_confirm_disabled"), &json!("HF710")),
            "{mode}"
        );
        let run = Call::new("run_auto_assign").with("p_booking_id", booking).with("p_hold_id", hold);
        assert_eq!(old.outcome(&run)["outcome"], "atomic_confirm_disabled", "{mode}");
        assert_eq!(old.done(&atomic_confirm(booking, hold, "key")).len(), 0, "{mode}: the original answers");
    }
    // Where no original is kept at all, shadow mode has nothing to answer with.
    let mut floor = Floor::new();
    let room = floor.room(1);
    let (booking, hold) = floor.held(&room, &room.tables);
    floor.run(
        "alter table holdfast_rollout disable trigger holdfast_rollout_checked;
         insert into holdfast_rollout (mode) values ('shadow')",
    );
    let refused = floor.refused(&atomic_confirm(booking, hold, "key"));
    refused.says("P0001", "Atomic confirm is switched off").code("HF710");
    floor.refused(&confirm(booking, &room.tables, "key")).code("HF710");
    let release = Call::new("release_hold_and_emit").with("p_hold_id", hold);
    assert_eq!(floor.done(&release), [json!(true)], "what lets go works in any case");
}

/// The other applications, with a function of their own that does nothing.
#[test]
fn each_application_can_be_shadowed() {
    for application in APPLICATIONS {
        let (mut foreign, schema) = (application.install(), application.schema);
        let enums = if application.name == "two_owners" { "app." } else { "" };
        if !application.deletes_holds {
            foreign.run(&format!(
                "create function {schema}.confirm_hold_assignment_with_transition(
                   p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency boolean default false,
                   p_assigned_by uuid default null, p_start_at timestamptz default null,
                   p_end_at timestamptz default null, p_target_status {enums}booking_status default 'confirmed',
                   p_history_changed_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
                   p_history_metadata jsonb default '{{}}'
                 ) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
                 language plpgsql as $$ begin
                   if p_idempotency_key = 'raise' then raise exception 'Booking is asleep' using errcode = 'ZZ001'; end if;
                 end $$;
                 do $$ begin execute format('alter routine {schema}.confirm_hold_assignment_with_transition owner to %s',
                   (select relowner::regrole from pg_class where oid = '{schema}.bookings'::regclass)); end $$"
            ));
        }
        foreign.attach();
        foreign.mode("shadow");
        let call = |key: &str| {
            let sql = confirm(booking(5), &[table(1)], key).sql().replacen("public.", &format!("{schema}."), 1);
            format!("select table_id from {sql}")
        };
        let rows = foreign.simple(&call("key")).unwrap_or_else(|refusal| panic!("{schema}: {refusal:?}"));
        assert_eq!(rows.len(), usize::from(application.deletes_holds), "{schema}");
        if !application.deletes_holds {
            let refusal = foreign.simple(&call("raise")).expect_err("it raises");
            refusal.says("ZZ001", "Booking is asleep");
            foreign.run(&format!("select holdfast.sweep('{schema}')"));
            let kinds: Vec<String> =
                foreign.column(&format!("select kind from {schema}.holdfast_disagreements order by called_at"));
            let expected = if application.labels.is_empty() {
                ["answers_differ", "theirs_refused"]
            } else {
                // The owner has not said yet what the label of these bookings means.
                ["theirs_done", "refusals_differ"]
            };
            assert_eq!(kinds, expected, "{schema}");
        }
        let reported: i64 = foreign.value(&format!(
            "select count(*) from holdfast.shadow_report('{schema}') where fault = 'other' and seen > 0"
        ));
        assert_eq!(reported, i64::from(!application.deletes_holds), "{schema}");
    }
    assert_eq!(OTHER_LABELS.schema, "\"Harbour Dining\"");
}

/// Looking finds nothing that speaks only when something is written: doing it, and taking it back, does.
#[test]
fn a_call_that_the_schema_would_fail_is_not_agreed_on() {
    let mut old = shadowed();
    // What the original writes does not say which transaction wrote it.
    old.run("alter table booking_assignment_idempotency add constraint only_theirs check (transaction_id is null)");
    for (number, mode) in [(1, "shadow"), (2, "rehearse")] {
        old.mode(mode);
        let before = counted(&mut old);
        assert_eq!(
            old.done(&confirm(booking(4 + number), &[table(number)], "key")).len(),
            1,
            "{mode}: the original answers"
        );
        let after = counted(&mut old);
        let (judged, agreed, disagreed) = (after[0] - before[0], after[1] - before[1], after[2] - before[2]);
        assert_eq!(
            (judged, agreed, disagreed),
            (1, i64::from(mode == "shadow"), i64::from(mode == "rehearse")),
            "{mode}"
        );
    }
    let found = "select jsonb_build_array(kind, ours ->> 'failed', ours ->> 'constraint') from holdfast_disagreements";
    assert_eq!(old.value::<serde_json::Value>(found), json!(["ours_failed", "23514", "only_theirs"]));
    // Nothing of ours is left, and what works agrees.
    assert_eq!(old.count("booking_assignment_idempotency", "request is not null or transaction_id is not null"), 0);
    assert_eq!(old.count("holdfast_attempts", "true"), 0);
}
