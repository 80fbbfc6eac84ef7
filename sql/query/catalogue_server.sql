-- What the server and its database say about how they are run.
select pg_catalog.jsonb_build_object(
  'version', pg_catalog.current_setting('server_version_num')::integer,
  'preloaded', case when pg_catalog.pg_has_role('pg_read_all_settings', 'usage')
    then pg_catalog.current_setting('shared_preload_libraries', true) end,
  'encoding', pg_catalog.getdatabaseencoding(),
  'client_encoding', pg_catalog.pg_client_encoding(),
  'isolation', pg_catalog.current_setting('default_transaction_isolation'),
  'read_only', pg_catalog.current_setting('default_transaction_read_only')::boolean,
  'synchronous_commit', pg_catalog.current_setting('synchronous_commit'),
  'full_page_writes', pg_catalog.current_setting('full_page_writes')::boolean,
  'fsync', pg_catalog.current_setting('fsync')::boolean,
  'prepared_transactions', pg_catalog.current_setting('max_prepared_transactions')::integer,
  'connection_check', pg_catalog.current_setting('client_connection_check_interval') <> '0',
  'plan_cache_mode', pg_catalog.current_setting('plan_cache_mode'),
  'replication_role', pg_catalog.current_setting('session_replication_role'),
  'in_recovery', pg_catalog.pg_is_in_recovery(),
  'poolers', (
    select coalesce(pg_catalog.jsonb_agg(distinct n.name), '[]'::jsonb)
    from (
      select r.rolname::text as name from pg_catalog.pg_roles r
      union all
      select s.nspname::text from pg_catalog.pg_namespace s
      union all
      select a.application_name from pg_catalog.pg_stat_activity a where a.application_name <> ''
    ) n (name)
    where n.name ~* '(pgbouncer|pgcat|supavisor|odyssey|pgpool)'
  ),
  'presets', (
    select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.concat_ws(
      ' ', coalesce(r.rolname, 'every role') || ':', u.setting)), '[]'::jsonb)
    from pg_catalog.pg_db_role_setting s
    left join pg_catalog.pg_roles r on r.oid = s.setrole
    join pg_catalog.pg_database b on b.datname = pg_catalog.current_database()
    cross join lateral pg_catalog.unnest(s.setconfig) u (setting)
    where s.setdatabase in (0, b.oid)
      and u.setting ~ '^(session_replication_role|default_transaction_|synchronous_commit|holdfast\.)'
  )
) as fact
