-- The role of the exporter: psql -d DATABASE -v schema=SCHEMA -f monitoring/setup.sql, as a superuser, once for each
-- attached schema. It may read counts, sizes and states: of the application's tables only the columns below, none of which
-- says who a guest is. May be repeated.
\set ON_ERROR_STOP on
\if :{?schema}
\else
\warn 'which schema? psql -v schema=…'
\quit
\endif
set client_min_messages = warning;
select not exists (select from pg_catalog.pg_roles where rolname operator(pg_catalog.=) 'holdfast_exporter') as is_new \gset
\if :is_new
create role holdfast_exporter login connection limit 10 in role pg_monitor;
\endif
begin;
-- As a member of pg_monitor it reads the views holdfast.stat_* already.
grant select on holdfast.findings to holdfast_exporter;
grant execute on function holdfast.finding_catalogue() to holdfast_exporter;
grant usage on schema :"schema" to holdfast_exporter;
grant select (booking_id, finding, seen_at) on :"schema".holdfast_findings to holdfast_exporter;
grant select (task) on :"schema".holdfast_quarantine to holdfast_exporter;
grant select (status, expires_at) on :"schema".table_holds to holdfast_exporter;
-- What an application need not have.
select pg_catalog.format('grant select (%s) on %I.%I to holdfast_exporter', w.columns, n.nspname, c.relname)
from (values ('table_holds', 'created_at', 1), ('capacity_outbox', 'status, next_attempt_at', 2)) w(relation, columns, number)
join pg_catalog.pg_namespace n on n.nspname operator(pg_catalog.=) :'schema'
join pg_catalog.pg_class c on c.relnamespace operator(pg_catalog.=) n.oid and c.relname operator(pg_catalog.=) w.relation
where (select pg_catalog.count(*) from pg_catalog.pg_attribute a where a.attrelid operator(pg_catalog.=) c.oid
       and a.attname operator(pg_catalog.=) any (pg_catalog.string_to_array(w.columns, ', '))) operator(pg_catalog.=) w.number \gexec
commit;
