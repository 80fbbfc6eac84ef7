//! Applications that others wrote are attached, used, and detached: what they had is as it was.

use std::collections::BTreeMap;

use holdfast_e2e::foreign::{APPLICATIONS, MINIMAL, OLD};
use holdfast_e2e::{Call, GRANTED, STRANGER, Session, Sql, atomic_confirm, confirm, unassign};
use serde_json::Value;
use uuid::Uuid;

/// Rows that each of the applications came with.
pub fn booking(number: u128) -> Uuid {
    format!("0ddba11a-0000-4000-8000-0000000002{number:02}").parse().expect("an id")
}

pub fn table(number: u128) -> Uuid {
    format!("0ddba11a-0000-4000-8000-0000000001{number:02}").parse().expect("an id")
}

/// Everything in the application's schema, object by object.
const CATALOGUE: &str = "
with app as (select $1::text::regnamespace::oid as oid)
select 'function ' || p.oid || ' ' || p.oid::regprocedure, concat_ws(' | ', pg_get_functiondef(p.oid), (select array_agg(a::text order by a::text) from unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a), p.proowner::regrole,
       obj_description(p.oid, 'pg_proc'))
from pg_proc p, app where p.pronamespace = app.oid and p.prokind = 'f'
union all
select 'relation ' || c.relname, concat_ws(' | ', c.relkind, c.relacl, c.relowner::regrole, obj_description(c.oid, 'pg_class'))
from pg_class c, app where c.relnamespace = app.oid and c.relkind in ('r', 'v', 'S')
union all
select 'column ' || c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       pg_get_expr(d.adbin, d.adrelid))
from app join pg_class c on c.relnamespace = app.oid and c.relkind in ('r', 'v') join pg_attribute a on a.attrelid = c.oid
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where a.attnum > 0 and not a.attisdropped
union all
select 'constraint ' || k.conrelid::regclass || '.' || k.conname, concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated)
from pg_constraint k, app where k.connamespace = app.oid and k.contype <> 'n'
union all
select 'index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indrelid, app where c.relnamespace = app.oid
union all
select 'trigger ' || t.tgrelid::regclass || '.' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
from pg_trigger t join pg_class c on c.oid = t.tgrelid, app where c.relnamespace = app.oid and not t.tgisinternal
union all
select 'schema', concat_ws(' ', coalesce(n.nspacl, acldefault('n', n.nspowner)), n.nspowner::regrole) from pg_namespace n, app where n.oid = app.oid";

pub fn catalogue(session: &mut Session, schema: &str) -> BTreeMap<String, String> {
    let rows = session.client.query(CATALOGUE, &[&schema]).expect("the catalogue");
    rows.iter().map(|row| (row.get(0), row.get::<_, Option<String>>(1).unwrap_or_default())).collect()
}

/// A call in the application's schema, by whoever was granted it.
pub fn call(session: &mut Session, schema: &str, call: &Call) -> Result<Vec<Value>, holdfast_e2e::Refusal> {
    let sql = call.sql().replacen("public.", &format!("{schema}."), 1);
    let rows = session.client.query(&format!("select to_jsonb(answer) from {sql} as answer"), &[]);
    rows.map(|rows| rows.iter().map(|row| row.get(0)).collect()).map_err(holdfast_e2e::Refusal::from)
}

#[test]
fn each_is_attached_used_and_detached() {
    for application in APPLICATIONS {
        let mut foreign = application.install();
        let schema = application.schema;
        let before = catalogue(&mut foreign, schema);
        foreign.adopt();
        let mut service = foreign.session_as(GRANTED);
        let confirmed = confirm(booking(5), &[table(1)], "key");
        for _ in 0..2 {
            let rows = call(&mut service, schema, &confirmed).unwrap_or_else(|refusal| panic!("{schema}: {refusal:?}"));
            assert_eq!(rows[0]["table_id"], table(1).to_string(), "{schema}");
        }
        let status: String =
            foreign.value(&format!("select status::text from {schema}.bookings where id = '{}'", booking(5)));
        assert_eq!(status, "confirmed", "{schema}");
        let sick: Vec<String> = foreign.column(&format!(
            "select what || ' ' || state from holdfast.doctor('{schema}') where state in ('missing', 'wrong')
             and what not like 'status %'"
        ));
        assert!(sick.is_empty(), "{schema}: {sick:?}");
        foreign.run(&format!("select holdfast.detach('{schema}', false)"));
        let mut after = catalogue(&mut foreign, schema);
        // Columns that were added stay.
        after.retain(|what, _| !what.starts_with("column ") || before.contains_key(what));
        for (what, definition) in &before {
            assert_eq!(after.get(what), Some(definition), "{schema}: {what}");
        }
        let new: Vec<&String> = after.keys().filter(|what| !before.contains_key(*what)).collect();
        assert!(new.is_empty(), "{schema}: left behind: {new:?}");
        // And it can be adopted again, with the answers that it gave.
        foreign.adopt();
        assert_eq!(call(&mut service, schema, &confirmed).expect("a replay").len(), 1, "{schema}");
    }
}

#[test]
fn kept_functions_keep_their_identity_and_their_callers() {
    let mut old = OLD.install();
    let named = "select p.oid::bigint from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosrc <> '' and p.proname = ";
    let before: i64 = old.value(&format!("{named}'confirm_hold_assignment_tx'"));
    old.adopt();
    let named = named.replace("'public'", "'public_legacy'");
    assert_eq!(old.value::<i64>(&format!("{named}'confirm_hold_assignment_tx'")), before);
    let comment = "select obj_description(to_regproc('public_legacy.confirm_hold_assignment_tx'), 'pg_proc')";
    assert_eq!(old.value::<String>(comment), "Confirms a hold. Ask Maria before touching this.");
    // Our functions took their names; what everybody could call by them, nobody is to call elsewhere (F22).
    let mut stranger = old.session_as(STRANGER);
    let call = "select from public_legacy.unassign_tables_atomic(null, null)";
    assert_eq!(stranger.try_run(call).expect_err("not any more").sqlstate, "42501");
    let open = "select count(*) from pg_proc p where p.pronamespace = 'public_legacy'::regnamespace
                and has_function_privilege('public', p.oid, 'execute')";
    assert_eq!(old.value::<i64>(open), 0);
    // An overload that nothing of ours can be taken for stays; both forms of another one made room.
    let overloads = "select array_agg(p.pronargs::integer order by 1) from pg_proc p
                     where p.proname = 'assign_tables_atomic_v2' and p.pronamespace = 'public'::regnamespace";
    assert_eq!(old.value::<Vec<i32>>(overloads), [3, 7]);
    let kept = "select count(*) from pg_proc p where p.proname = 'release_hold_and_emit'
                and p.pronamespace = 'public_legacy'::regnamespace";
    assert_eq!(old.value::<i64>(kept), 2);
    let callable: Vec<String> = old.column("select name from holdfast.legacy_function where not callable");
    assert_eq!(callable, ["release_hold_and_emit"]);
    // Attached twice: nothing is kept twice.
    let books = "select jsonb_agg(to_jsonb(o) order by name, arguments) from holdfast.legacy_function o";
    let once: Value = old.value(books);
    old.adopt();
    assert_eq!(old.value::<Value>(books), once);
}

/// What attach recorded goes with the extension; the functions themselves are the application's, and stay.
#[test]
fn functions_that_are_kept_outlive_the_extension() {
    let mut old = OLD.install();
    old.adopt();
    let kept: Vec<i64> = old
        .column("select p.oid::bigint from pg_proc p where p.pronamespace = 'public_legacy'::regnamespace order by 1");
    old.run("set client_min_messages = warning; drop extension holdfast");
    old.adopt();
    assert_eq!(old.done(&confirm(booking(5), &[table(1)], "key")).len(), 1);
    old.run("select holdfast.detach('public', false)");
    let there = format!("select count(*) from pg_proc where oid = any ('{{{kept:?}}}')").replace(['[', ']'], "");
    assert!(kept.len() > 5);
    assert_eq!(old.value::<i64>(&there), kept.len() as i64);
}

#[test]
fn tables_with_rows_of_somebodys_stay_unless_it_is_said() {
    let mut minimal = MINIMAL.install();
    minimal.adopt();
    minimal.run("delete from holdfast_status_transitions where to_status = 'no_show'");
    let rules: i64 = minimal.value("select count(*) from holdfast_status_transitions");
    minimal.run("select holdfast.detach('public')");
    assert_eq!(minimal.value::<i64>("select count(*) from holdfast_status_transitions"), rules);
    assert!(minimal.value::<bool>("select not exists (select from holdfast.attachment)"));
    minimal.adopt();
    assert_eq!(
        minimal.value::<i64>("select count(*) from holdfast_status_transitions"),
        rules,
        "the owner's rules stay"
    );
    let refusal = {
        minimal.run("select holdfast.detach('public')");
        minimal.try_run("select holdfast.detach('public')").expect_err("it is not attached")
    };
    assert_eq!(refusal.sqlstate, "55000");
    refusal.says("55000", "Schema public is not attached");
    // Attach found the tables that stayed, and did not make them; they go all the same.
    minimal.adopt();
    minimal.run("select holdfast.detach('public', p_keep_tables => false)");
    let left =
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relname like 'holdfast%'";
    assert_eq!(minimal.column::<String>(left), Vec::<String>::new());
}

/// What has to be mended by a person is said before anything is changed.
#[test]
fn tables_that_would_fail_in_the_middle_are_refused() {
    let mut minimal = MINIMAL.install();
    minimal.run(
        "alter table allocations add column tenant text; update allocations set tenant = 'x';
                 alter table allocations alter column tenant set not null",
    );
    let before = catalogue(&mut minimal, "public");
    minimal.run("create extension holdfast cascade");
    let refusal = minimal.try_run("select holdfast.attach('public')").expect_err("nothing fills the column");
    refusal.says("55000", "Schema public cannot be attached");
    assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains("allocations.tenant")), "{refusal:?}");
    assert_eq!(catalogue(&mut minimal, "public"), before);
    minimal.run("alter table allocations alter column tenant set default 'x'; select holdfast.attach('public')");
}

#[test]
fn optional_tables_are_noticed_when_they_come_and_missed_when_they_go() {
    let mut minimal = MINIMAL.install();
    minimal.adopt();
    let mut service = minimal.session_as(GRANTED);
    assert_eq!(service.done(&confirm(booking(5), &[table(1)], "one")).len(), 1);
    // It comes, without one of its columns: it is not used yet. Then it is whole.
    minimal.run(
        "create table capacity_outbox (id bigint generated always as identity, status text, event_type text, dedupe_key text unique,
         attempt_count integer, next_attempt_at timestamptz, restaurant_id uuid, booking_id uuid, idempotency_key text)",
    );
    minimal.run("alter table capacity_outbox owner to current_user");
    assert_eq!(service.done(&unassign(booking(5))).len(), 1);
    assert_eq!(service.done(&confirm(booking(5), &[table(1)], "two")).len(), 1);
    assert_eq!(minimal.count("capacity_outbox", "true"), 0);
    minimal.run("alter table capacity_outbox add column payload jsonb");
    assert_eq!(service.done(&confirm(booking(6), &[table(2)], "one")).len(), 1);
    assert_eq!(minimal.count("capacity_outbox", "true"), 1);
    // Once it is written down, it is missed.
    minimal.adopt();
    minimal.run("alter table capacity_outbox drop column payload");
    let missed = service.refused(&confirm(booking(6), &[table(2)], "two"));
    missed.says("55000", "Schema public does not have the tables of a booking");
    assert_eq!(missed.detail.as_deref(), Some("Missing: capacity_outbox.payload"));
    minimal.run("alter table bookings rename column party_size to guests");
    let missed = service.refused(&unassign(booking(6)));
    assert!(missed.detail.as_deref().is_some_and(|detail| detail.contains("bookings.party_size")), "{missed:?}");
    minimal.run("alter table bookings rename column guests to party_size; drop table capacity_outbox cascade");
    minimal.adopt();
    assert_eq!(service.done(&confirm(booking(6), &[table(2)], "one")).len(), 1);
}

/// Enums may stand in another schema and be called anything.
#[test]
fn enums_have_the_names_that_the_application_gave_them() {
    let mut minimal = MINIMAL.install();
    minimal.run("create schema types; alter type booking_status set schema types; alter type types.booking_status rename to \"State\";
                 alter type hold_status rename to holding; alter type table_status set schema types");
    minimal.adopt();
    let mut service = minimal.session_as(GRANTED);
    let hold = Call::new("hold_tables").with("p_booking_id", booking(5)).with("p_table_ids", vec![table(1)]);
    let held = service.done(&hold)[0]["hold_id"].as_str().and_then(|id| id.parse::<Uuid>().ok()).expect("a hold");
    assert_eq!(service.done(&atomic_confirm(booking(5), held, "key")).len(), 1);
    let moved = Call::new("apply_booking_state_transition")
        .with("p_booking_id", booking(5))
        .with("p_status", "checked_in")
        .with("p_checked_in_at", Sql("null"))
        .with("p_checked_out_at", Sql("null"))
        .with("p_updated_at", Sql("null"))
        .with("p_history_from", "confirmed")
        .with("p_history_to", "checked_in")
        .with("p_history_changed_by", Sql("null"))
        .with("p_history_changed_at", Sql("null"))
        .with("p_history_reason", Sql("null"));
    assert_eq!(service.done(&moved)[0]["status"], "checked_in");
    assert_eq!(minimal.count("booking_state_history", &format!("booking_id = '{}'", booking(5))), 2);
}
