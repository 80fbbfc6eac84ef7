//! Applications with habits that nobody here had thought of: adopted with a rehearsal, asked for an evening, and left as they
//! were.

use holdfast_e2e::foreign::{APPLICATIONS, Foreign, HOLD_WINDOWS, NAMESAKES, TWO_OWNERS};

fn booking(number: u8) -> String {
    format!("0ddba11a-0000-4000-8000-0000000002{number:02}")
}

const TABLE: &str = "0ddba11a-0000-4000-8000-000000000101";

/// Two bookings of the same evening, some years ahead.
fn evening(stranger: &mut Foreign) {
    let schema = stranger.application.schema;
    stranger.run(&format!(
        "update {schema}.bookings set start_at = '2031-05-01 18:00Z', end_at = '2031-05-01 20:00Z' where id in ('{}', '{}')",
        booking(5),
        booking(6)
    ));
}

fn held(stranger: &mut Foreign, number: u8) -> String {
    let (schema, booking) = (stranger.application.schema, booking(number));
    stranger.value(&format!(
        "select hold_id::text from {schema}.hold_tables(p_booking_id => '{booking}', p_table_ids => '{{{TABLE}}}')"
    ))
}

/// Holds as a reader sees them: by their rows, members, windows and mirrors.
fn holds(stranger: &mut Foreign) -> i64 {
    let schema = stranger.application.schema;
    let live =
        format!("select count(*) from {schema}.table_holds where status = 'active' and expires_at > clock_timestamp()");
    let mirrors = format!("select count(*) from {schema}.allocations where shadow");
    let windows: i64 =
        match stranger.value::<bool>(&format!("select to_regclass('{schema}.table_hold_windows') is not null")) {
            true => stranger.value(&format!("select count(*) from {schema}.table_hold_windows")),
            false => 0,
        };
    stranger.value::<i64>(&live) + stranger.value::<i64>(&mirrors) + windows
}

fn dump(stranger: &Foreign) -> Vec<String> {
    stranger.server().dump(&stranger.name, stranger.application.schema)
}

#[test]
fn an_evening_in_each_and_back() {
    for application in &APPLICATIONS[3..] {
        let (name, schema) = (application.name, application.schema);
        let mut stranger = application.install();
        evening(&mut stranger);
        let before = dump(&stranger);
        stranger.adopt();
        let amiss: Vec<String> = stranger.column(&format!(
            "select what || ': ' || why from holdfast.doctor('{schema}') where state in ('missing', 'wrong')
                              and what not like 'shared_preload%' and what not like 'index % behind foreign key %'"
        ));
        assert!(amiss.is_empty(), "{name}: {amiss:#?}");
        let hold = held(&mut stranger, 5);
        assert_eq!(held(&mut stranger, 5), hold, "{name}: the same hold again");
        assert!(stranger.value::<bool>(&format!("select {schema}.release_hold_and_emit('{hold}')")), "{name}");
        assert_eq!(holds(&mut stranger), 0, "{name}: a released hold is gone for every reader");
        let hold = held(&mut stranger, 6);
        let confirm = |key: &str| {
            format!(
                "select string_agg(assignment_id::text, ' ') from {schema}.atomic_confirm_and_transition(
                       p_booking_id => '{}', p_hold_id => '{hold}', p_idempotency_key => '{key}')",
                booking(6)
            )
        };
        let answer: String = stranger.value(&confirm("one"));
        assert_eq!(stranger.value::<String>(&confirm("one")), answer, "{name}: a replay, also after the hold is gone");
        assert_eq!(holds(&mut stranger), 0, "{name}: a confirmed hold is gone for every reader");
        let late = format!(
            "select * from {schema}.confirm_hold_assignment_with_transition('{}', '{{{TABLE}}}', 'two')",
            booking(5)
        );
        assert_eq!(stranger.try_run(&late).expect_err(name).sqlstate, "P0001", "{name}: the table is taken");
        stranger.run(&format!("select * from {schema}.unassign_tables_atomic('{}')", booking(6)));
        stranger.run(&late);
        stranger.run(&format!(
            "select * from {schema}.confirm_hold_assignment_with_transition('{}', '{{{TABLE}}}', 'two')",
            booking(5)
        ));
        stranger.run(&format!("select holdfast.detach('{schema}', false)"));
        // Columns that were added stay behind the last one, which gets a comma.
        let plain = |lines: Vec<String>| -> Vec<String> {
            lines.iter().map(|line| line.trim_end_matches(',').to_owned()).collect()
        };
        let after = plain(dump(&stranger));
        let lost: Vec<String> = plain(before).into_iter().filter(|line| !after.contains(line)).collect();
        assert!(lost.is_empty(), "{name}: {lost:#?}");
    }
}

#[test]
fn what_is_theirs_is_not_touched() {
    let mut namesakes = NAMESAKES.install();
    namesakes.adopt();
    assert_eq!(namesakes.value::<String>("select label from public.capacity_policies"), "Standard");
    assert_eq!(namesakes.value::<i64>("select count(*) from public.booking_statuses"), 2);
    assert_eq!(namesakes.value::<i64>("select public.hold_tables(array[gen_random_uuid()], 5)::bigint"), 5);
    assert!(namesakes.value::<i64>("select count(*) from public.booking_reconciliation") > 0);
    let mut windows = HOLD_WINDOWS.install();
    windows.adopt();
    let theirs =
        "select count(*) from pg_class c cross join unnest(array['hold_windows_anon', 'hold_windows_service']) r (name)
        where c.relnamespace = 'public'::regnamespace and c.relname like 'holdfast%' and c.relkind in ('r', 'v')
          and has_table_privilege(r.name, c.oid, 'insert, update, delete')";
    assert_eq!(windows.value::<i64>(theirs), 0, "default privileges give nothing of ours to API roles");
    let mut two = TWO_OWNERS.install();
    two.adopt();
    let others =
        "select count(*) from pg_class where relnamespace = '\"x-app.y\"'::regnamespace and relname like 'holdfast%'
        and relowner <> 'two_owners_bookings'::regrole";
    assert_eq!(two.value::<i64>(others), 0, "what attach makes is the owner's of the bookings");
}
