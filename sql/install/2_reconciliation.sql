-- Reconciliation: what can be found.
create function holdfast.finding_catalogue() returns table (
  name text, code text, severity text, promise text, sentence text, repair text
)
language c immutable parallel safe set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_finding_catalogue_wrapper';
comment on function holdfast.finding_catalogue is
  'Every finding that a reconciliation can come to; read it through the view holdfast.findings. Raises nothing, locks nothing.';

create view holdfast.findings as
  select name, code, severity, promise, sentence, repair from holdfast.finding_catalogue();
comment on view holdfast.findings is
  'The catalogue of findings: name, stable code, severity (info, warning, error, critical), the promise it breaks, what it means, what a repair does.';

create function holdfast.repair_booking(
  p_schema regnamespace, p_booking_id uuid, p_findings text[] default null, p_dry_run boolean default true
)
returns table (
  outcome text, code text, sqlstate text, message text, detail text, hint text, transient boolean,
  replayed boolean, idempotency_key text, receipt xid8, result jsonb
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_repair_booking_wrapper';
comment on function holdfast.repair_booking is
  'Plans the repair of one booking, and does it when p_dry_run is false; the native form of repair_booking. p_schema the attached schema; p_booking_id; p_findings names or codes of holdfast.findings (NULL: all); p_dry_run NULL is true. result: an array of {finding, severity, action, step, detail, changes}. Locks the booking, its holds, its tables. Refusals come back as the row; retry after a transient one, or after 40001, 40P01, 55P03.';
