//! What keeps rows from being read without a statement, and what a role may not do.

use holdfast_e2e::{Call, confirm, confirm_hold};
use uuid::Uuid;

use super::{Case, answered, case};

/// What keeps rows from being read without a statement, done in the transaction of the call; why, as the error says.
const HINDRANCES: &[(&str, &str)] = &[
    ("create rule nothing as on delete to public.restaurants do also nothing", "parts, a parent or rules"),
    ("create table public.more () inherits (public.restaurants)", "parts, a parent or rules"),
    (
        "alter table public.restaurants rename to kept; create view public.restaurants as select * from public.kept",
        "no index finds the key",
    ),
    (
        "alter table public.restaurants rename to kept;
         create table public.restaurants (id uuid primary key, name text, timezone text) partition by hash (id);
         create table public.part partition of public.restaurants for values with (modulus 1, remainder 0);
         insert into public.restaurants select id, name, timezone from public.kept",
        "no plain table",
    ),
    ("alter table public.restaurants drop constraint restaurants_pkey cascade", "no index finds the key"),
    (
        "alter table public.booking_assignment_idempotency drop constraint booking_assignment_idempotency_pkey,
           add primary key (booking_id, idempotency_key) deferrable",
        "no index finds the key",
    ),
    (
        "drop view public.holdfast_inconsistent_bookings cascade;
         alter table public.booking_assignment_idempotency alter column idempotency_key type varchar(200)",
        "another type or collation",
    ),
    (
        "drop view public.holdfast_inconsistent_bookings cascade;
         create domain public.named as uuid check (value is not null);
         alter table public.booking_assignment_idempotency alter column booking_id type public.named",
        "another type or collation",
    ),
    (
        "alter table public.booking_assignment_idempotency drop constraint booking_assignment_idempotency_pkey;
         create unique index on public.booking_assignment_idempotency (booking_id, idempotency_key) where idempotency_key <> ''",
        "no index finds the key",
    ),
    (
        "alter table public.booking_assignment_idempotency drop constraint booking_assignment_idempotency_pkey;
         create unique index on public.booking_assignment_idempotency (idempotency_key, booking_id)",
        "no index finds the key",
    ),
    (
        "update pg_index set indisvalid = false where indexrelid = 'public.restaurants_pkey'::regclass;
         alter table public.restaurants alter column name set statistics 50",
        "no index finds the key",
    ),
    ("set transaction isolation level repeatable read", "before it began"),
    ("set transaction isolation level serializable", "before it began"),
    (
        "update public.bookings set start_at = null, end_at = null, booking_date = '2027-05-01', start_time = '18:00', end_time = '20:00'",
        "derived from a day and times",
    ),
    (
        "alter type public.table_status rename value 'out_of_service' to 'closed'; update public.table_inventory set status = 'closed'",
        "a label is none",
    ),
];

impl Case {
    /// Whoever asks for probes alone hears why there are none.
    fn refuses(&mut self, before: &str, why: &str, call: &Call) {
        let refusal = answered(&mut self.floor, "direct", before, call).said.expect_err(before);
        assert_eq!(refusal.sqlstate, "55000", "{before}: {refusal:?}");
        assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains(why)), "{before}: {refusal:?}");
    }
}

/// The same of what only a decision reads.
const HINDRANCES_OF_A_DECISION: &[(&str, &str)] = &[
    ("create rule nothing as on delete to public.holdfast_capacity_policies do also nothing", "parts, a parent or rules"),
    ("create rule nothing as on delete to public.table_hold_members do also nothing", "parts, a parent or rules"),
    ("create table public.more () inherits (public.holdfast_status_transitions)", "parts, a parent or rules"),
    ("alter table public.holdfast_status_transitions drop constraint holdfast_status_transitions_pkey", "no index finds the key"),
    (
        "alter table public.holdfast_status_transitions drop constraint holdfast_status_transitions_pkey;
         create index on public.holdfast_status_transitions (from_status) where from_status = 'pending'",
        "no index finds the key",
    ),
    ("drop index public.table_holds_live_window_idx", "no index finds the key"),
    (
        "drop index public.table_holds_live_window_idx;
         create index on public.table_holds using gist (restaurant_id, tstzrange(start_at, end_at, '[)')) where status = 'active'",
        "no index finds the key",
    ),
    (
        "drop index public.table_holds_live_window_idx;
         create index on public.table_holds using gist
           (restaurant_id, tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[]')) where status = 'active'",
        "no index finds the key",
    ),
    (
        "drop index public.table_holds_live_window_idx;
         create index on public.table_holds using gist
           (restaurant_id, tstzrange(least(start_at, end_at), greatest(start_at, end_at), '[)')) where status = 'cancelled'",
        "no index finds the key",
    ),
    ("drop index public.booking_table_assignments_table_end_idx", "no index finds the key"),
    (
        "drop index public.booking_table_assignments_table_end_idx;
         create index on public.booking_table_assignments (table_id, end_at desc, start_at)",
        "no index finds the key",
    ),
    (
        "drop index public.allocations_table_until_idx;
         create index on public.allocations (resource_id, coalesce(upper(\"window\"), 'infinity')) where not shadow",
        "no index finds the key",
    ),
    (
        "drop index public.allocations_table_until_idx;
         create index on public.allocations (resource_id, coalesce(upper(\"window\"), 'infinity') desc)
           where resource_type = 'table' and not shadow",
        "no index finds the key",
    ),
    (
        "alter type public.hold_status rename value 'active' to 'open'",
        "a label is none",
    ),
];

#[test]
fn what_is_not_certain_is_left_to_the_statement() {
    let mut case = case();
    let replay = confirm(case.done, &case.room.tables[..1], "done");
    let fresh = confirm(case.fresh, &case.room.tables[2..3], "new");
    case.same("direct", "select", &replay);
    for (before, why) in HINDRANCES {
        let asked = if why.starts_with("a label") { &fresh } else { &replay };
        case.refuses(before, why, asked);
        case.same("auto", before, asked);
        // Rolled back, it is no hindrance any more.
        case.same("direct", "select", asked);
    }
    for (before, why) in HINDRANCES_OF_A_DECISION {
        case.refuses(before, why, &fresh);
        case.same("auto", before, &fresh);
        case.same("direct", "select", &fresh);
    }
    let two = confirm(case.fresh, &case.room.tables[2..4], "two").with("p_require_adjacency", true);
    let by_hold = confirm_hold(case.hold, case.held, "by hold");
    for (before, call) in [
        ("alter table public.table_adjacencies drop constraint table_adjacencies_pkey", &two),
        ("alter table public.allocations drop constraint allocations_booking_resource_key", &by_hold),
        ("alter table public.table_hold_members drop constraint table_hold_members_pkey", &by_hold),
    ] {
        case.refuses(before, "no index finds the key", call);
        case.same("auto", before, call);
    }
    // Not every build of the server has ICU.
    if case.floor.value("select exists (select from pg_collation where collname = 'en-x-icu')") {
        for (table, column, why, call) in [
            ("booking_assignment_idempotency", "idempotency_key", "another type or collation", &replay),
            ("allocations", "resource_type", "no index finds the key", &fresh),
        ] {
            let loose = format!(
                "drop view public.holdfast_inconsistent_bookings cascade;
                 create collation public.loose (provider = icu, locale = 'und', deterministic = false);
                 do $$ declare k text; begin
                   for k in select conname from pg_constraint where conrelid = 'public.{table}'::regclass and contype = 'c' loop
                     execute format('alter table public.{table} drop constraint %I', k);
                   end loop;
                 end $$;
                 alter table public.{table} alter column {column} type text collate public.loose"
            );
            case.refuses(&loose, why, call);
            case.same("auto", &loose, call);
        }
    }
    if case.floor.value::<i32>("select current_setting('server_version_num')::integer") >= 180_000 {
        let generated = "alter table public.booking_table_assignments drop column merge_group_id cascade;
            alter table public.booking_table_assignments add column merge_group_id uuid generated always as (null::uuid) virtual";
        case.refuses(generated, "generated when it is read", &replay);
        case.same("auto", generated, &replay);
    }
    // A column that went and came again is another column, and read as that.
    let again = "alter table public.booking_table_assignments drop column merge_group_id cascade;
                 alter table public.booking_table_assignments add column merge_group_id uuid";
    case.same("auto", again, &replay);
    case.same("direct", "set transaction read only", &replay);
}

/// Rights and row security of the role that a call acts as: the owner of the bookings, where a superuser calls.
#[test]
fn rights_and_row_security_are_the_statements_affair() {
    let mut case = case();
    let replay = confirm(case.done, &case.room.tables[..1], "done");
    let plain = "create role plain_owner; grant usage, create on schema public to plain_owner;
         do $$ declare t regclass; begin
           for t in select c.oid from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p') loop
             execute format('alter table %s owner to plain_owner', t);
           end loop;
         end $$";
    case.same("direct", plain, &replay);
    let hindrances = [
        ("revoke select on public.restaurants from plain_owner", "not the right"),
        (
            "revoke all on public.restaurants from plain_owner; grant select (id, timezone) on public.restaurants to plain_owner",
            "not the right",
        ),
        ("alter table public.bookings enable row level security, force row level security", "row security"),
        (
            "alter table public.bookings enable row level security, force row level security;
             create policy all_of_them on public.bookings using (true)",
            "row security",
        ),
    ];
    for (more, why) in hindrances {
        let before = format!("{plain}; {more}");
        case.refuses(&before, why, &replay);
        case.same("auto", &before, &replay);
    }
    // Where the statement looks at a table that a probe need not, a missing right is told all the same.
    let fresh = confirm(case.fresh, &case.room.tables[2..3], "new");
    let two = confirm(case.fresh, &case.room.tables[2..4], "two").with("p_require_adjacency", true);
    let by_hold = confirm_hold(case.hold, case.held, "by hold");
    let explained =
        Call::new("explain_confirm").with("p_booking_id", Uuid::nil()).with("p_table_ids", &case.room.tables[2..3]);
    let nobody = confirm(Uuid::nil(), &case.room.tables[2..3], "new");
    for table in [
        "bookings",
        "restaurants",
        "booking_table_assignments",
        "booking_assignment_idempotency",
        "table_inventory",
        "table_holds",
        "table_hold_members",
        "table_adjacencies",
        "allocations",
        "holdfast_capacity_policies",
        "holdfast_booking_statuses",
        "holdfast_status_transitions",
    ] {
        let before = format!("{plain}; revoke select on public.{table} from plain_owner");
        for call in [&fresh, &two, &by_hold, &nobody, &explained, &replay] {
            case.same("auto", &before, call);
        }
    }
}

/// A function of ours that only reads, in a process that works for a query.
#[test]
fn a_parallel_worker_asks_statements() {
    let mut case = case();
    let call = Call::new("explain_confirm").with("p_booking_id", case.done).with("p_table_ids", &case.room.tables[..1]);
    let force = if case.floor.value::<i32>("select current_setting('server_version_num')::integer") >= 160_000 {
        "debug_parallel_query"
    } else {
        "force_parallel_mode"
    };
    let before = format!(
        "do $$ declare f regprocedure; begin
           for f in select p.oid from pg_proc p where p.proname = 'explain_confirm' loop
             execute format('alter function %s parallel safe', f);
           end loop;
         end $$; set local {force} = on"
    );
    case.refuses(&before, "a parallel worker", &call);
    case.same("auto", &before, &call);
}
