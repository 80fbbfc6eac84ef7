-- Who calls and how the session is set, and does its clock show another time than UTC?
select pg_catalog.jsonb_build_object(
         'user', session_user, 'pid', pg_catalog.pg_backend_pid(),
         'application', pg_catalog.current_setting('application_name'),
         'time_zone', pg_catalog.current_setting('TimeZone'),
         'isolation', pg_catalog.current_setting('transaction_isolation')) as session,
       extract(timezone from pg_catalog.now()) <> 0 as shows_other_time
