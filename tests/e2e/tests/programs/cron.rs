//! The example of the documentation, as Debian's pg_cron runs it on a server that preloads no holdfast.

use std::time::Duration;

use holdfast_e2e::{Cluster, Session, in_time};

const PAGE: &str = include_str!("../../../../docs/operate.md");

#[test]
fn the_example_keeps_the_house_clean() {
    let cluster = Cluster::start_with(
        "-c shared_preload_libraries=pg_cron -c cron.database_name=floor -c cron.use_background_workers=on",
    );
    let mut session: Session = cluster.install("floor");
    let room = session.room(1);
    let (_, hold) = session.held(&room, &room.tables);
    session.run(&format!("update public.table_holds set expires_at = clock_timestamp() where id = '{hold}'"));
    session.run("create extension pg_cron");
    let example = PAGE.lines().find(|line| line.starts_with("select cron.schedule(")).expect("an example");
    session.run(example);
    // It comes once a minute.
    let closed = format!("select status = 'expired' from public.table_holds where id = '{hold}'");
    in_time(&mut session, &closed, Duration::from_secs(180));
    in_time(
        &mut session,
        "select exists (select from cron.job_run_details where status = 'succeeded')",
        Duration::from_secs(60),
    );
    assert_eq!(session.count("allocations", "resource_type = 'hold'"), 0, "and its mirror is gone");
    let failed: Vec<String> = session.column("select return_message from cron.job_run_details where status = 'failed'");
    assert_eq!(failed, Vec::<String>::new());
}
