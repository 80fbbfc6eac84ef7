//! A schema whose owner means to hold the worker: it is ended, that schema waits, and the others are served.

use std::time::{Duration, Instant};

use holdfast_e2e::{Cluster, Session};

/// An overdue hold of a schema.
fn overdue(session: &mut Session, schema: &str) {
    session.run(&format!(
        "insert into {schema}.restaurants (id) values ('00000000-0000-4000-8000-000000000001');
         insert into {schema}.table_holds (restaurant_id, start_at, end_at, expires_at)
         values ('00000000-0000-4000-8000-000000000001', '2027-05-01 18:00Z', '2027-05-01 20:00Z', now() - interval '1 s')"
    ));
}

fn live(session: &mut Session, schema: &str) -> i64 {
    session.value(&format!("select count(*) from {schema}.table_holds where status::text = 'active'"))
}

/// The limit in time of a transaction, which the trigger catches, and the grace after it.
const ENDED_AFTER: Duration = Duration::from_secs(60);

#[test]
fn a_trigger_that_catches_every_cancel_does_not_hold_the_worker() {
    let cluster = Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker_interval=1");
    let mut session = cluster.install("floor");
    session.run(
        "select holdfast.create_reference_schema('tavern'); select holdfast.attach('tavern');
         create function public.hold_on() returns trigger language plpgsql as $f$
         begin
           loop
             begin
               perform pg_sleep(1);
             exception when query_canceled then null;
             end;
           end loop;
         end $f$;
         create trigger hold_on before update or delete on public.table_holds
           for each row execute function public.hold_on()",
    );
    overdue(&mut session, "public");
    overdue(&mut session, "tavern");
    let began = Instant::now();
    let mut worst = None;
    while live(&mut session, "tavern") > 0 || worst.is_none() {
        assert!(began.elapsed() < ENDED_AFTER, "the worker is held: {worst:?}");
        std::thread::sleep(Duration::from_millis(500));
        let log = cluster.log();
        worst = log.lines().find(|line| line.contains("terminating background worker")).map(str::to_owned);
    }
    // The first schema is left alone: nobody is in it for a while, and what it has is still there.
    assert_eq!(live(&mut session, "public"), 1);
    let failing: i64 = session.value("select coalesce(max(failures), 0)::bigint from holdfast.stat_worker");
    println!("ended after {:?}; failures {failing}", began.elapsed());
}
