-- For the DBA, before and after: what a schema lacks, and what is known to go wrong in it.

create function holdfast.doctor(p_schema regnamespace) returns table (
  what text, state text, why text, promise text, mend text, locks text
)
language c strict stable set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_doctor_wrapper';
comment on function holdfast.doctor is
  'Lists every requirement of an application schema and every known fault in it. p_schema: any schema, attached or not; NULL returns no row. Returns one row each: what; state (ok, missing, wrong, risky); why it matters; promise (G1 to G10, NULL for none of them); mend, the exact statements (NULL: why says what a person has to decide); locks, what they lock. Reads the catalogue and, where the caller may read them, the status rules and at most 1000 live holds. Raises 3F000 for an unknown schema. Locks nothing; safe in production; may be repeated.';

create function holdfast.rehearse(p_schema regnamespace, p_booking_id uuid default null, p_role name default null)
returns table (step text, passed boolean, sqlstate text, message text, spoke text, mend text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_rehearse_wrapper';
comment on function holdfast.rehearse is
  'Calls the whole contract on the schema''s own data and takes it back: hold, confirm, replay, unassign, undo, cancel, release, and the legacy functions. p_schema the attached schema; p_booking_id a booking that may be confirmed (NULL: one is found, or made); p_role who calls (NULL: a role that attach granted the calls to, else the owner of bookings). Returns one row a step: passed (NULL: not tried, or it says nothing about the schema), SQLSTATE and message of what was raised, what spoke (constraint, policy, right, column, function), the statement that mends it where it is known. Acts with the rights of the owner of bookings, waits for a lock 2 s at most, emits no notification, leaves no row; numbers of sequences are used up. Raises 22023 for a role that the caller is no member of, or a booking that has no free table, 55000 for a schema that is not attached. Locks the booking and a table while it runs. May be repeated.';

create function holdfast.detach(p_schema regnamespace, p_keep_tables boolean default true) returns void
language c strict volatile set search_path = pg_catalog, pg_temp set client_min_messages = warning
as 'MODULE_PATHNAME', 'native_detach_wrapper';
comment on function holdfast.detach is
  'Undoes attach: drops the functions of the contract and the views, constraints and indexes that attach added, brings back the constraints that it replaced, and brings the application''s own functions back into its schema, with their grants, comments and owners. p_schema: an attached schema, also one that lost a table since. Columns that were added stay, and every row of the application; tables that attach added (rules, attempts, pruned answers) stay unless p_keep_tables is false. NULL for either does nothing. Needs a superuser. Raises 55000 when the schema is not attached, 2BP01 when something of the application depends on one of our functions. Locks the tables whose constraints change exclusively until commit. Not to be repeated: the second call finds nothing attached.';

create function holdfast.rollout_checked() returns trigger
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'rollout_checked_wrapper';
comment on function holdfast.rollout_checked is
  'The trigger on each row of holdfast_rollout, installed by attach: a row that leaves bookings to legacy functions (a percentage below 100, or another mode than on) needs such functions. Takes no argument, returns NULL, locks nothing. Raises 22023 where attach kept none that gives tables to a booking, and an error when it is called in any other way.';

create function holdfast.rollout_changed() returns trigger
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'rollout_changed_wrapper';
comment on function holdfast.rollout_changed is
  'The trigger on holdfast_rollout, installed by attach: tells every session to read these rows again once the change is committed. Takes no argument, returns NULL, locks nothing. Raises an error when it is called in any other way.';
