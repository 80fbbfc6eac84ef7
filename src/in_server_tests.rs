//! What `cargo pgrx test` runs inside the server: each test is one superuser transaction, rolled back. Commits,
//! crashes, races and rights are tested from outside, in `tests/e2e`.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    /// A floor with two neighbouring tables and a booking for four, in schema "Floor 1".
    const FLOOR: &str = r#"
        select holdfast.create_reference_schema('Floor 1');
        select holdfast.attach('"Floor 1"');
        set local search_path = "Floor 1";
        insert into restaurants (id, timezone) values ('00000000-0000-4000-8000-000000000001', 'Asia/Kathmandu');
        insert into zones (id, restaurant_id)
        values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001');
        insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity)
        select format('00000000-0000-4000-8000-00000000010%s', n)::uuid, '00000000-0000-4000-8000-000000000001',
               '00000000-0000-4000-8000-000000000002', n::text, 2
        from generate_series(1, 2) n;
        insert into table_adjacencies
        values ('00000000-0000-4000-8000-000000000101', '00000000-0000-4000-8000-000000000102');
        insert into bookings (id, restaurant_id, booking_date, start_time, end_time, party_size)
        values ('00000000-0000-4000-8000-000000000201', '00000000-0000-4000-8000-000000000001',
                '2031-05-01', '18:00', '20:00', 4);
    "#;

    fn text(query: &str) -> String {
        Spi::get_one::<String>(query).expect("the query runs").expect("the query returns a value")
    }

    #[pg_test]
    fn a_held_booking_is_confirmed_once_and_answered_again() {
        Spi::run(FLOOR).expect("the floor is laid");
        Spi::run(
            "create temporary table held as select * from hold_tables('00000000-0000-4000-8000-000000000201',
               array['00000000-0000-4000-8000-000000000102', '00000000-0000-4000-8000-000000000101']::uuid[])",
        )
        .expect("the tables are held");
        let confirm = "select pg_catalog.string_agg(pg_catalog.to_jsonb(c)::text, ' ')
                       from held, atomic_confirm_and_transition('00000000-0000-4000-8000-000000000201', hold_id, 'k') c";
        let first = text(confirm);
        assert_eq!(first, text(confirm), "a replay gives the first answer");
        // The restaurant's evening, whatever the session's time zone.
        assert!(
            text("select (start_at at time zone 'UTC')::text from booking_table_assignments limit 1")
                .starts_with("2031-05-01 12:15:00")
        );
        assert_eq!(text("select status::text from bookings"), "confirmed");
        assert_eq!(text("select count(*)::text from booking_state_history"), "1");
        assert_eq!(text("select status::text from table_holds"), "confirmed");
    }

    #[pg_test]
    fn plpgsql_catches_a_refusal_by_its_sqlstate_and_goes_on() {
        Spi::run(FLOOR).expect("the floor is laid");
        Spi::run(
            r#"do $$
            declare seen text;
            begin
              begin
                perform unassign_tables_atomic('00000000-0000-4000-8000-000000000209');
              exception when sqlstate 'P0002' then
                get stacked diagnostics seen = message_text;
              end;
              assert seen = 'Booking 00000000-0000-4000-8000-000000000209 not found', seen;
              perform assign_single_table('00000000-0000-4000-8000-000000000201',
                                          '00000000-0000-4000-8000-000000000101');
            end $$"#,
        )
        .expect("the block ends");
        assert_eq!(text("select count(*)::text from booking_table_assignments"), "1");
    }

    #[pg_test]
    fn attach_may_be_repeated_and_keeps_the_owners_rules() {
        Spi::run(FLOOR).expect("the floor is laid");
        Spi::run("delete from holdfast_status_transitions where from_status = 'no_show'").expect("a rule is dropped");
        Spi::run(r#"select holdfast.attach('"Floor 1"')"#).expect("attach is repeated");
        assert_eq!(text("select count(*)::text from holdfast_status_transitions where from_status = 'no_show'"), "0");
    }

    #[pg_test(error = "Schema pg_toast cannot be attached")]
    fn a_schema_without_the_tables_is_refused() {
        Spi::run("select holdfast.attach('pg_toast')").expect("not reached");
    }
}
