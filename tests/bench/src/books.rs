//! A database with a past.

use holdfast_e2e::{Cluster, Session};

use crate::timed;

const BOOKS: &str = include_str!("sql/books.sql");

/// Bookings, of which so many in a hundred are still to come.
pub fn write(cluster: &Cluster, database: &str, bookings: usize, live: usize) -> Session {
    let mut session = cluster.install(database);
    session.run("set statement_timeout = 0");
    let sql = BOOKS.replace("{bookings}", &bookings.to_string()).replace("{live}", &live.to_string());
    // One by one: VACUUM runs in no transaction.
    let ((), took) = timed(|| sql.split(";\n").filter(|one| !one.trim().is_empty()).for_each(|one| session.run(one)));
    let live: i64 = session.value("select count(*) from public.bookings where end_at > now()");
    eprintln!("{bookings} bookings, {live} of them live, written in {:.0} s", took.as_secs_f64());
    session
}

/// Breaks bookings that are still to come, each in one of five ways.
pub fn break_some(session: &mut Session, number: usize) {
    session.run(&format!(
        "create temporary table broken as
           select id, row_number() over () % 5 as way from (
             select id from public.bookings where end_at > now() order by id limit {number}) b;
         delete from public.allocations a using broken b where b.id = a.booking_id and b.way = 0;
         delete from public.booking_table_assignments a using broken b where b.id = a.booking_id and b.way = 1;
         update public.bookings o set status = 'pending' from broken b where b.id = o.id and b.way = 2;
         delete from public.booking_state_history h using broken b where b.id = h.booking_id and b.way = 3;
         update public.booking_table_assignments a set end_at = end_at - interval '1 hour' from broken b
           where b.id = a.booking_id and b.way = 4"
    ));
}
