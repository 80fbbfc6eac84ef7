//! Legacy functions: attach keeps them with their names in a schema of their own, and they work as they did.

use holdfast_e2e::foreign::{Foreign, MINIMAL};
use holdfast_e2e::{GRANTED, STRANGER, confirm, unassign};
use serde_json::Value;
use uuid::Uuid;

use crate::adopt::attach::{booking, catalogue, table};

/// Its own name labels its result; and one calls the other, with a schema and without.
const FUNCTIONS: &str = "
create function unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null) returns table (table_id uuid)
language plpgsql security definer set search_path = public as $$
begin
  for unassign_tables_atomic.table_id in
    delete from booking_table_assignments a where a.booking_id = p_booking_id returning a.table_id
  loop
    return next;
  end loop;
  delete from allocations where booking_id = p_booking_id;
end $$;
create function assign_tables_atomic_v2(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text default null, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path = public as $$
begin
  select b.start_at, b.end_at into assign_tables_atomic_v2.start_at, assign_tables_atomic_v2.end_at
  from bookings b where b.id = p_booking_id;
  perform public.unassign_tables_atomic(p_booking_id);
  foreach assign_tables_atomic_v2.table_id in array p_table_ids loop
    insert into booking_table_assignments (booking_id, table_id, start_at, end_at, idempotency_key)
    values (p_booking_id, assign_tables_atomic_v2.table_id, assign_tables_atomic_v2.start_at,
            assign_tables_atomic_v2.end_at, 'by legacy');
    return next;
  end loop;
end $$;
create function confirm_hold_assignment_with_transition(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency boolean default false,
  p_assigned_by uuid default null, p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_target_status booking_status default 'confirmed', p_history_changed_by uuid default null,
  p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}'
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language plpgsql security definer set search_path = public as $$
begin
  update bookings set status = p_target_status where id = p_booking_id;
  return query select a.table_id, a.start_at, a.end_at, a.merge_group_id
  from assign_tables_atomic_v2(p_booking_id, p_table_ids, p_idempotency_key) a;
end $$;
comment on function unassign_tables_atomic is 'Ask Maria.';
grant execute on function unassign_tables_atomic to public;";

fn with_functions() -> Foreign {
    let mut minimal = MINIMAL.install();
    minimal.run(FUNCTIONS);
    minimal
}

fn by_legacy(session: &mut Foreign, booking: Uuid) -> bool {
    session.value(&format!(
        "select coalesce(bool_and(idempotency_key = 'by legacy'), false) from booking_table_assignments where booking_id = '{booking}'"
    ))
}

#[test]
fn bodies_go_on_using_their_own_names_and_each_other() {
    let mut minimal = with_functions();
    minimal.adopt();
    minimal.mode("original");
    let mut service = minimal.session_as(GRANTED);
    let rows = service.done(&confirm(booking(5), &[table(1)], "key"));
    assert_eq!(rows[0]["table_id"], table(1).to_string());
    assert!(by_legacy(&mut minimal, booking(5)));
    assert_eq!(service.done(&unassign(booking(5))).len(), 1);
    minimal.mode("on");
    service.done(&confirm(booking(6), &[table(2)], "key"));
    assert!(!by_legacy(&mut minimal, booking(6)));
}

/// Also in a session that has called it before; what lets go of tables works in any case.
#[test]
fn one_that_was_dropped_by_hand_is_missed_in_words_of_ours() {
    let mut minimal = with_functions();
    minimal.adopt();
    minimal.mode("original");
    let mut service = minimal.session_as(GRANTED);
    service.done(&confirm(booking(5), &[table(1)], "key"));
    minimal.run(
        "drop function public_legacy.assign_tables_atomic_v2; drop function public_legacy.unassign_tables_atomic;
         alter function public_legacy.confirm_hold_assignment_with_transition rename to gone",
    );
    for mut session in [minimal.session_as(GRANTED), service] {
        let refusal = session.refused(&confirm(booking(6), &[table(2)], "key"));
        refusal.says("P0001", "Atomic confirm is switched off");
        let detail = refusal.detail.unwrap_or_default();
        assert!(detail.contains("confirm_hold_assignment_with_transition that attach kept"), "{detail}");
        session.done(&unassign(booking(5)));
    }
    // Nor with other arguments, nor one that another calls.
    minimal.run("alter function public_legacy.gone rename to confirm_hold_assignment_with_transition");
    let mut service = minimal.session_as(GRANTED);
    let within = service.refused(&confirm(booking(6), &[table(2)], "key"));
    within.says("P0001", "Atomic confirm is switched off");
    minimal.run(
        "create function public_legacy.unassign_tables_atomic(a uuid, b integer) returns setof uuid language sql as 'select a';
         create function public_legacy.of_somebody() returns void language sql as 'select'",
    );
    service.refused(&unassign(booking(5))).says("55000", "Schema public lacks something that holdfast works on");
    // Detach brings back what is left, and leaves what is not ours.
    minimal.run("select holdfast.detach('public')");
    let left: Vec<String> = minimal
        .column("select oid::regprocedure::text from pg_proc where pronamespace = 'public_legacy'::regnamespace");
    assert_eq!(left, ["public_legacy.of_somebody()"]);
}

/// Whatever stands there already, and whatever the default privileges say.
#[test]
fn their_schema_is_the_owners_alone_and_goes_with_detach() {
    let mut minimal = with_functions();
    let before = catalogue(&mut minimal, "public");
    minimal.run(&format!(
        "create schema public_legacy; alter default privileges grant all on schemas to {STRANGER}, public"
    ));
    minimal.adopt();
    let rights: Vec<Value> = minimal.column(
        "select jsonb_build_array(n.nspname, n.nspowner = c.relowner, n.nspacl is null or not exists (
           select from aclexplode(n.nspacl) a where a.grantee <> n.nspowner))
         from pg_namespace n, pg_class c where n.nspname like 'public_legacy%' and c.oid = 'bookings'::regclass order by 1",
    );
    assert_eq!(rights[1], serde_json::json!(["public_legacy_2", true, true]), "{rights:?}");
    let mut stranger = minimal.session_as(STRANGER);
    let call = "select public_legacy_2.unassign_tables_atomic(null)";
    assert_eq!(stranger.try_run(call).expect_err("not theirs").sqlstate, "42501");
    let open = "select has_function_privilege('public', oid, 'execute') from pg_proc
                where pronamespace = 'public_legacy_2'::regnamespace and proname = 'unassign_tables_atomic'";
    assert!(!minimal.value::<bool>(open), "nobody may call it elsewhere (F22)");
    // One that came after attach cannot join it.
    minimal.run(&format!(
        "drop function unassign_tables_atomic; {}",
        &FUNCTIONS[..FUNCTIONS.find("end $$;").expect("an end") + 7]
    ));
    let refusal = minimal.try_run("select holdfast.attach('public')").expect_err("which of them comes back?");
    refusal.says("55000", "Schema public cannot be attached");
    assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains("keeps public_legacy_2.")), "{refusal:?}");
    minimal.run("drop function unassign_tables_atomic; select holdfast.detach('public', false)");
    assert!(minimal.value::<bool>("select to_regnamespace('public_legacy_2') is null"));
    let after = catalogue(&mut minimal, "public");
    for (what, definition) in before.iter().filter(|(what, _)| what.starts_with("function ")) {
        assert_eq!(after.get(what), Some(definition), "{what}");
    }
}
