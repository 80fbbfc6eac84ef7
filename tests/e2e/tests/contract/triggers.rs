//! Triggers of the application keep firing, see what they should see, may call us, and their errors pass whole.

use holdfast_e2e::{Call, Floor, Refusal, Room, assert_untouched, at, confirm, confirm_hold, ground, seat, unassign};
use uuid::Uuid;

fn refused(floor: &mut Floor, call: &Call) -> Refusal {
    let before = floor.snapshot();
    let refusal = floor.refused(call);
    assert_untouched(floor, &before, &refusal.message);
    refusal
}

/// A room of three tables and a booking that wants some of them.
fn evening(floor: &mut Floor) -> (Room, Uuid) {
    let room = floor.room(3);
    let booking = floor.booking(room.restaurant);
    (room, booking)
}

/// An application's guard: it raises whatever a test wants, whenever the statement fires it.
fn guard(floor: &mut Floor, on: &str, raise: &str) {
    floor.run(&format!(
        "create or replace function public.guard() returns trigger language plpgsql as $$ begin {raise}; end $$;
         create or replace trigger guard before {on} for each row execute function public.guard()"
    ));
}

/// The guard of the contract: a booking becomes confirmed only when it has tables.
#[test]
fn guard_of_the_application() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let text = format!("Cannot confirm booking {booking}: No table assignments exist. Assign a table first.");
    guard(&mut floor, "update of status on public.bookings", &format!("raise exception '{text}'"));
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("P0001", &text);
    assert_eq!((refusal.detail, refusal.hint), (None, None), "the words of the application, and only those");
}

/// The real guard looks for the tables: when it fires, they are there.
#[test]
fn guard_of_the_application_is_content() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let condition = "if new.status = 'confirmed' and not exists (select from public.booking_table_assignments
                     where booking_id = new.id) then raise exception 'Cannot confirm booking'; end if; return new";
    guard(&mut floor, "update of status on public.bookings", condition);
    assert_eq!(floor.seats(&confirm(booking, &room.tables[..1], "key")).len(), 1);
}

#[test]
fn errors_of_triggers_pass_whole() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    guard(
        &mut floor,
        "insert on public.booking_table_assignments",
        "raise exception using errcode = 'AB123', message = 'Das Lokal ist „zu“', detail = 'Seit 23 Uhr', hint = 'Morgen wieder',
         constraint = 'opening_hours', table = 'evenings', column = 'closes_at', schema = 'town', datatype = 'clock'",
    );
    let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
    refusal.says("AB123", "Das Lokal ist „zu“").detail("Seit 23 Uhr").hint("Morgen wieder");
    let fields = [refusal.constraint, refusal.table, refusal.column, refusal.schema, refusal.datatype];
    let expected = ["opening_hours", "evenings", "closes_at", "town", "clock"];
    assert_eq!(fields.map(Option::unwrap_or_default), expected);
}

/// Conditions that our own code gives a meaning to are not ours when a trigger raises them.
#[test]
fn errors_of_triggers_are_not_taken_for_ours() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    for code in ["P0002", "P0003", "P0004", "23505", "23P01", "40001", "40P01", "55P03", "57014", "22023", "XX000"] {
        let raise =
            format!("raise exception using errcode = '{code}', message = 'the application said so', detail = 'once'");
        guard(&mut floor, "insert on public.booking_state_history", &raise);
        let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
        refusal.says(code, "the application said so").detail("once");
        assert_eq!(refusal.hint, None);
    }
}

/// A constraint of the application's own speaks for itself.
#[test]
fn constraints_of_the_application_pass_whole() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    floor.run("alter table public.booking_table_assignments add constraint no_table_at_all check (table_id is null)");
    let refusal = refused(&mut floor, &confirm(booking, &room.tables[..1], "key"));
    let message = "new row for relation \"booking_table_assignments\" violates check constraint \"no_table_at_all\"";
    refusal.says("23514", message);
    assert_eq!(refusal.constraint.as_deref(), Some("no_table_at_all"));
    assert_eq!(refusal.table.as_deref(), Some("booking_table_assignments"));
    assert_eq!(refusal.schema.as_deref(), Some("public"));
}

/// A trigger that swallows a row must not lead to a half confirm.
#[test]
fn rows_swallowed_by_a_trigger_are_noticed() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    for table in [
        "booking_table_assignments",
        "allocations",
        "booking_state_history",
        "booking_assignment_idempotency",
        "booking_confirmation_results",
        "capacity_outbox",
    ] {
        guard(&mut floor, &format!("insert on public.{table}"), "return null");
        let refusal = refused(&mut floor, &confirm(booking, &room.tables, "key"));
        assert_eq!(refusal.code("HF703").sqlstate, "XX000", "{table}");
        floor.run(&format!("drop trigger guard on public.{table}"));
    }
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 3);
}

/// What fires after the rows sees the whole confirm, whichever row it belongs to: old tables are gone, new ones stand, the key is
/// bound.
#[test]
fn triggers_after_the_rows_see_the_whole_confirm() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    floor.done(&confirm(booking, &room.tables[..1], "first"));
    floor.run(
        "create function public.whole() returns trigger language plpgsql as $$ begin
           if (select count(*) from public.booking_table_assignments a where a.booking_id = coalesce(new.booking_id, old.booking_id)) <> 2
             or not exists (select from public.booking_assignment_idempotency l where l.idempotency_key = 'second')
           then raise exception 'half a confirm'; end if; return null; end $$;
         create trigger whole after insert or delete on public.allocations for each row execute function public.whole();
         create trigger whole after insert or delete on public.booking_table_assignments
           for each row execute function public.whole()",
    );
    assert_eq!(floor.seats(&confirm(booking, &room.tables[1..], "second")).len(), 2);
}

/// Audit rows and `updated_at`, as applications write them.
#[test]
fn triggers_of_the_application_keep_firing() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    floor.run(
        "create table public.audit (id bigserial, line text);
         create function public.audit() returns trigger language plpgsql as $$ begin
           insert into public.audit (line) select lower(tg_op) || ' ' || relname from pg_class
             where oid = coalesce(pg_partition_root(tg_relid), tg_relid); return null; end $$;
         create function public.touch() returns trigger language plpgsql as $$ begin
           new.updated_at := timestamptz '2001-01-01 00:00Z'; return new; end $$;
         create trigger touch before update on public.bookings for each row execute function public.touch();
         do $$ declare t text; begin
           foreach t in array array['bookings', 'allocations', 'booking_table_assignments', 'table_holds'] loop
             execute format('create trigger audit after insert or update or delete on public.%I
                             for each row execute function public.audit()', t); end loop; end $$",
    );
    let hold = floor.hold(&room, Some(booking), &room.tables[..2]);
    floor.run("truncate public.audit");
    assert_eq!(floor.seats(&confirm_hold(hold, booking, "key")).len(), 2);
    let lines: Vec<String> =
        floor.column("select line || ' ' || count(*) from public.audit group by line order by line");
    let hold_ended = if ground::deletes_holds() { "delete table_holds 1" } else { "update table_holds 1" };
    let mut expected = [
        if ground::mirrors_holds() { "delete allocations 2" } else { "delete allocations 1" },
        "insert allocations 3",
        "insert booking_table_assignments 2",
        "update bookings 1",
        hold_ended,
    ];
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!(floor.get("bookings", booking, "updated_at").as_deref(), Some("2001-01-01 00:00:00+00"));
}

/// The status refresh of an application: a trigger that calls our own function while we write.
#[test]
fn a_trigger_may_call_us() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    floor.run(
        "create function public.refresh() returns trigger language plpgsql as $$ begin
           perform public.refresh_table_status(coalesce(new.resource_id, old.resource_id)); return null; end $$;
         create trigger refresh after insert or delete on public.allocations
           for each row when (pg_trigger_depth() = 0) execute function public.refresh();
         update public.bookings set start_at = now() - interval '1 hour', end_at = now() + interval '1 hour'",
    );
    let first = floor.seats(&confirm(booking, &room.tables[..1], "key"));
    assert_eq!(first.len(), 1);
    assert_eq!(floor.get("table_inventory", room.tables[0], "status").as_deref(), Some("reserved"));
    assert_eq!(floor.done(&unassign(booking)).len(), 1);
    assert_eq!(floor.get("table_inventory", room.tables[0], "status").as_deref(), Some("available"));
}

/// A trigger confirms another booking, and is refused: the refusal reaches the first caller as it is.
#[test]
fn a_refusal_inside_a_trigger_passes_whole() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    let other = floor.booking(room.restaurant);
    let table = room.tables[0];
    floor.run(&format!(
        "create function public.drag_along() returns trigger language plpgsql as $$ begin
           perform public.confirm_hold_assignment_with_transition('{other}', array['{table}'::uuid], 'dragged'); return null;
         end $$;
         create trigger drag_along after update of status on public.bookings
           for each row when (new.id = '{booking}') execute function public.drag_along()"
    ));
    let refusal = refused(&mut floor, &confirm(booking, &[table], "key"));
    refusal
        .says("P0001", "allocations_no_overlap")
        .detail_begins(&format!("Resource {table} overlaps requested window for booking {other}"))
        .code("HF601");
    // On other tables both are confirmed.
    let seats = floor.seats(&confirm(booking, &room.tables[1..2], "key"));
    assert_eq!(seats, [seat(room.tables[1], at("18:00"), at("20:00"))]);
    assert_eq!(floor.count("bookings", "status = 'confirmed'"), 2);
}

/// A trigger that catches our refusal and goes on.
#[test]
fn a_refusal_caught_inside_a_trigger_is_forgotten() {
    let mut floor = Floor::new();
    let (room, booking) = evening(&mut floor);
    floor.run(
        "create function public.try_it() returns trigger language plpgsql as $$ begin
           begin perform public.confirm_hold_assignment_with_transition(gen_random_uuid(), array[new.table_id], 'no');
           exception when sqlstate 'P0002' then null; end; return new; end $$;
         create trigger try_it before insert on public.booking_table_assignments
           for each row execute function public.try_it()",
    );
    assert_eq!(floor.seats(&confirm(booking, &room.tables, "key")).len(), 3);
    let refusal = refused(&mut floor, &confirm(Uuid::nil(), &room.tables, "key"));
    refusal.says("P0002", &format!("Booking {} not found", Uuid::nil()));
}
