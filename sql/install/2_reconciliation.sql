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
