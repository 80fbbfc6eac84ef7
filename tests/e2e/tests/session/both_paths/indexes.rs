//! Indexes of an application on the tables that are written: what is kept of them between calls is theirs as they are now.

use std::thread;

use holdfast_e2e::{Floor, confirm, eventually};

use super::stage::Stage;

const INDEXES: &[&str] = &[
    "create index on $T ($id)",
    "create index on $T (lower($text))",
    "create index on $T ($text) where $id is not null",
    "create index on $T (($id::text || 'x')) where length($id::text) > 3",
    "create index on $T using hash ($id)",
    "create index on $T using brin ($at)",
    "create index on $T using gist ($id)",
    "create index on $T using gin ((array[$text]))",
    "create unique index on $T ((1)) where false",
    "create unique index on $T ((1)) where $text = 'by table'",
    "create unique index on $T ((length($id::text))) where $id::text > 'g'",
    "create index on $T ((1 / (length($id::text) - 36))) where $id::text > 'g'",
    "create index on $T ($id) where $id::text > 'g' and 1 / (length($id::text) - 36) > 0",
    "truncate $T cascade; create index on $T ($id) where 1 / (length($id::text) - 36) > 0",
    "alter table $T add exclude using gist ($id with =) where (length($id::text) < 3)",
    "alter table $T add constraint more unique ($id, $at) deferrable initially deferred",
    "create index k on $T ($id) where $text is not null; drop index public.k",
    "create index k on $T ($id) where $text is not null; reindex index public.k",
    "create index k on $T ($id); drop index public.k; create unique index k on $T ($id) where $id is null",
    "create function public.keyed(a uuid) returns text language plpgsql immutable as 'begin return a::text; end';
     create index on $T (public.keyed($id))",
    "create function public.keyed(a uuid) returns text language plpgsql immutable as 'begin raise ''no key''; end';
     create index on $T (public.keyed($id)) where $id::text > 'g'",
    "create function public.wanted(a uuid) returns boolean language sql immutable as 'select a is not null';
     create index on $T ($id) where public.wanted($id);
     create or replace function public.wanted(a uuid) returns boolean language sql immutable as 'select 1 / 0 > 0'",
];

#[test]
fn indexes_of_any_kind() {
    Stage::new().same_after_each(INDEXES);
}

/// An index is made beside calls: from a moment on every new row goes into it, before any query uses it.
#[test]
fn an_index_that_is_made_beside_calls_has_every_row() {
    let mut floor = Floor::new();
    let room = floor.room(1);
    let confirmed = |floor: &mut Floor, day: i64| {
        let day = chrono::Duration::days(day);
        let (from, until) = (holdfast_e2e::at("18:00") + day, holdfast_e2e::at("20:00") + day);
        let booking = floor.booking_at(room.restaurant, from, until);
        floor.done(&confirm(booking, &room.tables, "key"));
    };
    (0..3).for_each(|day| confirmed(&mut floor, day));
    let (mut maker, mut writer, mut reader, mut watcher) =
        (floor.session(), floor.session(), floor.session(), floor.session());
    // Whoever makes an index waits for the one before rows go into it, and for the other before it is used.
    writer.run("begin; lock table public.allocations in row exclusive mode");
    let made = thread::spawn(move || {
        maker.run("create index concurrently beside on public.allocations (booking_id) where not shadow");
    });
    let index = "select exists (select from pg_index where indexrelid = to_regclass('public.beside')";
    eventually(&mut watcher, &format!("{index} and not indisready)"));
    confirmed(&mut floor, 3);
    reader.run("begin isolation level repeatable read; select 1");
    writer.run("rollback");
    let waits = "select exists (select from pg_stat_progress_create_index where phase = 'waiting for old snapshots')";
    eventually(&mut watcher, waits);
    confirmed(&mut floor, 4);
    reader.run("rollback");
    made.join().expect("an index");
    confirmed(&mut floor, 5);
    floor.run("create extension amcheck; select bt_index_check('public.beside', true)");
    assert_eq!(floor.count("allocations", "not shadow"), 6);
}
