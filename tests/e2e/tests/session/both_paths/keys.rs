//! Keys, references and indexes of the tables that calls write, and rows that are in their way.

use holdfast_e2e::number;

use super::stage::Stage;

const INDEXES: &[&str] = &[
    "create index on $T ($id) where $id is not null",
    "create index on $T using hash ($id)",
    "create index on $T using brin ($id)",
    "create index on $T ((coalesce($id::text, 'x') || 'x')) include ($id)",
    "create function public.small(a uuid) returns integer language plpgsql immutable as
       $$ begin if current_setting('both_paths.raise', true) = 'on' then
         raise exception using errcode = 'AB123', message = 'small', detail = a::text, hint = 'h'; end if; return 1; end $$;
     create index on $T (public.small($id)); set local both_paths.raise = on",
    "create function public.small(a uuid) returns boolean language plpgsql immutable as
       $$ begin if current_setting('both_paths.raise', true) = 'on' then raise 'small'; end if; return true; end $$;
     create index on $T ($id) where public.small($id); set local both_paths.raise = on",
    "create function public.path(a uuid) returns text language plpgsql immutable as
       $$ begin return current_setting('search_path') || current_user; end $$; create index on $T (public.path($id))",
    "create index on $T (md5($text)) where $text is not null",
    "create index on $T using gin (to_tsvector('simple', $text))",
    "create index later on $T ($id); update pg_index set indisvalid = false where indexrelid = 'later'::regclass; alter table $T alter column $id set statistics 3",
    "create index later on $T ($id); update pg_index set indisvalid = false, indisready = false where indexrelid = 'later'::regclass;
     alter table $T alter column $id set statistics 3",
    "create index on $T ($id) with (fillfactor = 10)",
    "create unique index on $T ((1)) where $id is null",
    "alter table $T add column one integer; alter table $T alter column one set default 1; create unique index one on $T ((one + 1))",
    "alter table $T add column one integer; alter table $T alter column one set default 1; create unique index one on $T (one) where $id is not null",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one unique (one)",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one unique (one) deferrable initially deferred",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one unique (one) deferrable initially immediate",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one unique (one) deferrable; set constraints all deferred",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one exclude using gist (one with =)",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one exclude using gist (one with =) deferrable initially deferred",
    "alter table $T add column one integer; alter table $T alter column one set default 1, add constraint one exclude using btree (one with =) where (one > 0)",
    "alter table $T add constraint extra check ($id is null)  not valid",
    "alter table $T add constraint extra check ($id is null or $id is not null and 1 / (length($id::text) - 36) > 0) not valid",
    "alter table $T add constraint extra check ($text is null) no inherit not valid",
    "alter table $T add constraint extra check ($at < '2026-01-01Z') not valid",
    "create function public.looks(a uuid) returns boolean language sql stable as 'select count(*) < 3 from $T';
     alter table $T add constraint extra check (public.looks($id)) not valid",
    "do $$ declare k record; begin for k in select indexrelid::regclass as name from pg_index where indrelid = '$T'::regclass
       and not indisunique and not indisexclusion loop execute format('drop index %s', k.name); end loop; end $$",
    "do $$ declare k record; begin for k in select conname, conrelid::regclass as name from pg_constraint where conrelid = '$T'::regclass
       and contype in ('c', 'f', 'u', 'x') and conname not like '%id_restaurant%' and conname not like '%pkey' loop
       execute format('alter table %s drop constraint %I', k.name, k.conname); end loop; end $$",
    "alter table $T set unlogged",
    "cluster $T using $name_pkey",
    "lock table $T in access exclusive mode",
];

#[test]
fn indexes_and_constraints() {
    let mut stage = Stage::new();
    let alterations: Vec<&str> = INDEXES.iter().filter(|sql| !sql.contains("unlogged")).copied().collect();
    stage.same_after_each(&alterations);
    for table in
        ["capacity_outbox", "booking_state_history", "booking_confirmation_results", "booking_assignment_idempotency"]
    {
        stage.same_after(&format!("alter table public.{table} set unlogged"));
    }
}

/// A table of the application's own with or without the row that is referred to.
const REFERENCES: &[&str] = &[
    "alter table $T add foreign key ($id) references public.other (id)",
    "alter table $T add foreign key ($id) references public.other (id) not valid",
    "delete from public.other; alter table $T add foreign key ($id) references public.other (id) not valid",
    "delete from public.other; alter table $T add constraint other foreign key ($id) references public.other (id) deferrable initially deferred not valid",
    "delete from public.other; alter table $T add constraint other foreign key ($id) references public.other (id) deferrable not valid;
     set constraints other deferred",
    "delete from public.other; alter table $T add foreign key ($id) references public.other (id) match full not valid",
    "alter table $T add column more integer default 7; alter table $T add foreign key ($id, more) references public.other (id, more) not valid",
    "alter table $T add column more integer; alter table $T add foreign key ($id, more) references public.other (id, more) match full not valid",
    "alter table $T add foreign key ($id) references public.parted (id) not valid",
    "delete from public.parted; alter table $T add foreign key ($id) references public.parted (id)  not valid",
    "alter table $T add foreign key ($id) references public.other (id) on delete cascade on update cascade not valid;
     create function public.t() returns trigger language plpgsql as $$ begin delete from public.other where id = new.$id; return null; end $$;
     create trigger zz after insert on $T for each row execute function public.t()",
    "alter table $T add foreign key ($id) references public.other (id) on delete set null not valid;
     create function public.t() returns trigger language plpgsql as $$ begin delete from public.other where id = new.$id; return null; end $$;
     create trigger a after insert on $T for each row execute function public.t()",
    "delete from public.other; alter table $T add foreign key ($id) references public.other (id) not valid; alter table $T disable trigger all",
    "delete from public.other; alter table $T add foreign key ($id) references public.other (id) not valid; set local session_replication_role = replica",
    "alter table $T add column self uuid default '00000000-0000-4000-8000-000000000001' references public.other (id)",
    "delete from public.other; alter table $T add column self uuid; alter table $T alter column self set default '00000000-0000-4000-8000-000000000001',
       add foreign key (self) references public.other (id)",
    "alter table $T add column self bigint generated always as identity unique, add column up bigint default 1000001, add foreign key (up) references $T (self) not valid",
    "create table public.child (id bigint generated always as identity primary key, at uuid); create table public.more (like $T);
     create unique index key on $T ($id) where false; alter table public.more add check (true)",
];

#[test]
fn references_of_the_application() {
    let mut stage = Stage::new();
    let ids = "select id from public.bookings union all select id from public.table_inventory union all select id from public.zones
      union all select id from public.restaurants union all select id from public.table_holds
      union all select '00000000-0000-4000-8000-000000000001'::uuid";
    stage.pair.floor.run(&format!(
        "create table public.other (id uuid primary key, more integer default 7, unique (id, more)); insert into public.other {ids};
         create table public.parted (id uuid primary key) partition by hash (id);
         create table public.part_0 partition of public.parted for values with (modulus 2, remainder 0);
         create table public.part_1 partition of public.parted for values with (modulus 2, remainder 1);
         insert into public.parted {ids}"
    ));
    stage.pair.settle();
    stage.same_after_each(REFERENCES);
}

/// The references that the schema has itself, otherwise declared, and their rows gone before or while a call runs.
const OWN: &[&str] = &[
    "alter constraint % deferrable initially deferred",
    "alter constraint % deferrable initially immediate",
    "drop constraint %",
    "disable trigger all",
    "validate constraint %",
];

#[test]
fn references_of_the_schema() {
    let mut stage = Stage::new();
    let own: Vec<(String, String)> = stage
        .pair
        .floor
        .client
        .query(
            "select conname::text, conrelid::regclass::text from pg_constraint where contype = 'f' and conparentid = 0
             and connamespace = 'public'::regnamespace and conrelid::regclass::text ~ 'booking|alloc|hold|outbox' order by 1",
            &[],
        )
        .expect("the references")
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    for (place, (name, table)) in own.iter().enumerate() {
        let change = OWN[place % OWN.len()].replace('%', name);
        stage.same_after(&format!("alter table {table} {change}"));
    }
    // Rows that are referred to go before a call, unseen by any trigger.
    for gone in [
        "restaurants",
        "zones",
        "table_inventory",
        "table_holds",
        "bookings",
        "allocations",
        "booking_table_assignments",
    ] {
        stage.same_after(&format!(
            "set local session_replication_role = replica; delete from public.{gone}; set local session_replication_role = origin"
        ));
    }
    // And in the middle of it, by a trigger of the application: by its name it runs behind or before the server's own checks.
    // One that deletes with session_replication_role = replica is left out: it breaks references itself, and which of them is
    // told of then is not alike.
    let table = stage.room.tables[3];
    let gone = [
        "bookings".to_owned(),
        format!("table_inventory where id = '{table}'"),
        "allocations".to_owned(),
        "booking_table_assignments".to_owned(),
        format!("table_holds where booking_id = '{}'", stage.later),
    ];
    let written = [
        "allocations",
        "booking_table_assignments",
        "booking_assignment_idempotency",
        "bookings",
        "booking_state_history",
        "booking_confirmation_results",
        "capacity_outbox",
        "table_holds",
        "table_hold_members",
    ];
    let moments = written.iter().flat_map(|on| ["before", "after"].map(|when| (when, on)));
    let every = moments
        .enumerate()
        .flat_map(|(at, moment)| gone.iter().enumerate().map(move |(number, gone)| (at + number, moment, gone)));
    let all = number("HOLDFAST_TABLES", 1) > 1;
    for (place, (when, on), gone) in every.filter(|(place, ..)| all || place % gone.len() == 0) {
        let name = ["t", "A"][place % 2];
        stage.same_after(&format!(
            "create function public.t() returns trigger language plpgsql as $$ begin delete from public.{gone}; return new; end $$;
             create trigger \"{name}\" {when} insert or update on public.{on} for each row execute function public.t()"
        ));
    }
}

/// Rows of somebody else that have a key that a call is about to take.
#[test]
fn rows_that_are_in_the_way() {
    let mut stage = Stage::new();
    let (fresh, held, tables) = (stage.fresh, stage.held, stage.room.tables.clone());
    let restaurant = stage.room.restaurant;
    let window = "'[2027-05-01 18:00Z, 2027-05-01 20:00Z)'";
    let other = "'[2030-05-01 18:00Z, 2030-05-01 20:00Z)'";
    let allocation = |booking: uuid::Uuid, table: uuid::Uuid, window: &str| {
        format!(
            "insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
             values ('{booking}', '{restaurant}', 'table', '{table}', {window})"
        )
    };
    let before = [
        allocation(fresh, tables[3], window),
        allocation(fresh, tables[3], other),
        allocation(stage.later, tables[3], window),
        allocation(held, tables[1], other),
        format!(
            "insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at)
             values ('{fresh}', '{}', '2030-05-01 18:00Z', '2030-05-01 20:00Z')",
            tables[3]
        ),
        format!(
            "insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at)
             values ('{}', '{}', '2027-05-01 18:00Z', '2027-05-01 20:00Z')",
            stage.later, tables[3]
        ),
        format!(
            "insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window)
             values ('{fresh}', 'by table', '{{}}', {window})"
        ),
        format!(
            "insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window, expires_at)
             values ('{fresh}', 'by table', '{{{}}}', {window}, '2020-01-01Z')",
            tables[3]
        ),
        format!(
            "insert into public.booking_assignment_idempotency (booking_id, idempotency_key, table_ids, assignment_window, outcome)
             values ('{fresh}', 'by table', '{{{}}}', {window}, 'fenced')",
            tables[3]
        ),
        format!(
            "insert into public.booking_confirmation_results (booking_id, idempotency_key, restaurant_id, table_ids, assignment_window)
             values ('{fresh}', 'by table', '{restaurant}', '{{}}', {window})"
        ),
        format!(
            "insert into public.booking_confirmation_results (booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window)
             values ('{fresh}', 'any', '{}', '{restaurant}', '{{}}', {window})",
            stage.hold
        ),
        format!(
            "insert into public.capacity_outbox (event_type, dedupe_key, restaurant_id)
             select 'capacity.assignment.sync', '{fresh}:2027-05-01T18:00:00Z:2027-05-01T20:00:00Z:{}', '{restaurant}'",
            tables[3]
        ),
        "insert into public.capacity_outbox (id, event_type, dedupe_key, restaurant_id) overriding system value
           select 1000000 + n, 'x', 'x', id from public.restaurants, generate_series(1, 9) n"
            .to_owned(),
        "insert into public.booking_state_history (id, booking_id, to_status) overriding system value
           select 1000000 + n, (select id from public.bookings limit 1), 'pending' from generate_series(1, 9) n"
            .to_owned(),
        format!("update public.table_holds set booking_id = null where id = '{}'", stage.hold),
        "delete from public.allocations".to_owned(),
        "delete from public.booking_table_assignments".to_owned(),
        "update public.allocations set shadow = true, resource_type = 'hold' where resource_type = 'table'".to_owned(),
    ];
    for before in before {
        stage.same_after(&before);
    }
}
