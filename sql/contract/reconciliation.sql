-- Reconciliation: what state a booking is in, and what about it does not agree.
create or replace function app.reconcile_booking(p_booking_id uuid)
returns table (booking_state text, assignment_state text, findings jsonb)
language c stable security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_reconcile_booking_wrapper';

comment on function app.reconcile_booking is
  'Reads a booking''s status, whether its tables are unassigned, assigned or inconsistent (an assignment without its claim, or for another window), and the findings: an array of {code, finding, severity, promise, sentence, detail, rows, repair} (see holdfast.findings), empty when everything agrees. p_booking_id. Raises P0002. Locks nothing. May be repeated.';
