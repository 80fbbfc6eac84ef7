-- Reconciliation: what state a booking is in, and what about it does not agree.
create or replace function app.reconcile_booking(p_booking_id uuid)
returns table (booking_state text, assignment_state text, findings jsonb)
language c stable security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_reconcile_booking_wrapper';

comment on function app.reconcile_booking is
  'Reads a booking''s status, whether its tables are unassigned, assigned or inconsistent (an assignment without its allocation, or for another window), and the findings: an array of {code, finding, severity, promise, sentence, detail, rows, repair} (see holdfast.findings), empty when everything agrees. p_booking_id. Raises P0002. Locks nothing. May be repeated.';

create or replace function app.repair_booking(
  p_booking_id uuid, p_findings text[] default null, p_dry_run boolean default true
) returns table (finding text, severity text, action text, step text, detail text, changes jsonb)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_repair_booking_wrapper';

comment on function app.repair_booking is
  'Plans the repair of one booking, and does it when p_dry_run is false. p_booking_id; p_findings names or codes of holdfast.findings (NULL: all); p_dry_run NULL is true. Returns one row a finding: action planned, done, or person (the facts do not decide); step and changes say what is written. Done in this transaction under the locks of a confirm, looked at again after them; each pass writes one entry of the history with reason reconciliation, whose metadata (where the history has that column) holds every row as it was and as it is. It never takes a table from a live booking. Raises P0002, 22023, P0001 when somebody without our locks was faster, what the application''s triggers raise, 40001, 40P01, 55P03. May be repeated: what is mended is not found again.';
