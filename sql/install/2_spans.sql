-- The last attempts, and those that run: kept outside of transactions, so that a rollback does not take them back.

create function holdfast.recorded_spans() returns table (
  trace_id text, span_id text, parent_span_id text, name text, part text, started_at timestamptz, ended_at timestamptz,
  outcome text, code text, sqlstate text, message text, detail text, replayed boolean, transaction_end text,
  transaction_id xid8, database_id oid, schema_id oid, function text, path text, booking_id uuid, restaurant_id uuid,
  hold_id uuid, idempotency_key text, pid integer, blocker_pid integer,
  blocker_booking_id uuid, blocker_hold_id uuid, blocker_until timestamptz, is_cut boolean
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_recorded_spans_wrapper';
comment on function holdfast.recorded_spans is
  'The last attempts that the server keeps in memory (holdfast.spans), and a row for each of their parts; read it through the view holdfast.spans. No row when the library is not preloaded. Raises nothing, locks nothing, may be repeated.';

create function holdfast.attempts_in_flight() returns table (
  pid integer, database_id oid, schema_id oid, function text, path text, booking_id uuid, restaurant_id uuid, hold_id uuid,
  idempotency_key text, phase text, started_at timestamptz, since timestamptz, trace_id text, span_id text,
  item integer, items integer
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_attempts_in_flight_wrapper';
comment on function holdfast.attempts_in_flight is
  'What each session is at; read it through the view holdfast.in_flight. No row when the library is not preloaded. Raises nothing, locks nothing, may be repeated.';

create function holdfast.span_counts() returns table (
  preloaded boolean, room bigint, written bigint, held bigint, dropped bigint, observed bigint, unobserved bigint
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_span_counts_wrapper';
comment on function holdfast.span_counts is
  'How many attempts were written down, and how many of them are gone; read it through the view holdfast.stat_spans. One row; with preloaded false every other column is NULL. Raises nothing, locks nothing, may be repeated.';

create view holdfast.spans as
  select s.trace_id, s.span_id, s.parent_span_id, s.name, s.part, s.started_at, s.ended_at, s.outcome, s.code, s.sqlstate, s.message,
         s.detail, s.replayed, s.transaction_end as transaction, s.transaction_id, d.datname::text as database,
         coalesce(n.nspname::text, s.schema_id::text) as schema, s.function, s.path, s.booking_id, s.restaurant_id,
         s.hold_id, s.idempotency_key, s.pid, s.blocker_pid, s.blocker_booking_id, s.blocker_hold_id, s.blocker_until,
         s.is_cut,
         pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
           'db.system.name', 'postgresql',
           'db.namespace', pg_catalog.concat_ws('|', d.datname, coalesce(n.nspname::text, s.schema_id::text)),
           'db.stored_procedure.name', s.function,
           'db.response.status_code', s.sqlstate,
           'error.type', case when s.sqlstate is not null then s.code end,
           'holdfast.part', s.part,
           'holdfast.booking_id', s.booking_id,
           'holdfast.restaurant_id', s.restaurant_id,
           'holdfast.hold_id', s.hold_id,
           'holdfast.idempotency_key', s.idempotency_key,
           'holdfast.outcome', s.outcome,
           'holdfast.path', s.path,
           'holdfast.transaction', s.transaction_end,
           'holdfast.blocker_pid', s.blocker_pid,
           'holdfast.blocker_booking_id', s.blocker_booking_id,
           'holdfast.blocker_hold_id', s.blocker_hold_id,
           'holdfast.blocker_until', s.blocker_until
         )) as attributes
  from holdfast.recorded_spans() s
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) s.database_id
  left join pg_catalog.pg_namespace n
    on n.oid operator(pg_catalog.=) s.schema_id and d.datname operator(pg_catalog.=) pg_catalog.current_database();
comment on view holdfast.spans is
  'The last calls that write to bookings or holds, newest kept (setting holdfast.spans), also those that rolled back: a row named holdfast.confirm, .hold, .undo, .reconcile or the like for each, whose part is NULL, and one for each of its parts (holdfast.replay, .lock, .validate, .write) as its child. transaction: pending, committed, rolled_back or prepared. message and detail are our own words; of an error of the server or of a trigger only SQLSTATE and names are kept. A refusal that names no booking is counted, and not kept. blocker_pid: the session of ours that had the lock on the booking or hold when this one gave up waiting for it; blocker_booking_id and blocker_hold_id: what that one was about, or who had the table, until blocker_until. is_cut: a text was too long. attributes follow OpenTelemetry''s conventions for databases. A schema of another database is its OID.';

create view holdfast.in_flight as
  select f.pid, d.datname::text as database, coalesce(n.nspname::text, f.schema_id::text) as schema, f.function, f.path,
         f.booking_id, f.restaurant_id, f.hold_id, f.idempotency_key, f.phase, f.started_at, f.since,
         -- It looks at every lock of the server: asked of those alone that wait for one, or of whom the reader may not see that.
         case when a.wait_event_type operator(pg_catalog.=) 'Lock' or a.state is null then pg_catalog.pg_blocking_pids(f.pid)
              else '{}'::integer[] end as waiting_for, f.trace_id, f.span_id, f.item, f.items
  from holdfast.attempts_in_flight() f
  left join pg_catalog.pg_stat_get_activity(null) a on a.pid operator(pg_catalog.=) f.pid
  left join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) f.database_id
  left join pg_catalog.pg_namespace n
    on n.oid operator(pg_catalog.=) f.schema_id and d.datname operator(pg_catalog.=) pg_catalog.current_database();
comment on view holdfast.in_flight is
  'Calls that write to bookings or holds and run, or whose transaction is still open: the last of each session. phase done: it has its answer, and its transaction has not ended. since: when the phase was reached. waiting_for: the processes whose locks it waits for now, by pg_blocking_pids. item and items: of a confirm_many, which item it is at, and of how many; NULL for any other call.';

create view holdfast.stat_spans as
  select preloaded, room, written, held, dropped, observed, unobserved from holdfast.span_counts();
comment on view holdfast.stat_spans is
  'written = held + dropped, whenever nothing moves: attempts written down since the server started or recovered, those that holdfast.spans shows, and those that made room for newer ones or found none. room: the setting holdfast.spans. observed: attempts that rolled back, and that the worker told the services of in observability_events, by the setting holdfast.observability_events; unobserved: those that it could not tell of, for the table refused the row or the attempt was dropped before.';

create function holdfast.why(p_schema regnamespace, p_booking_id uuid, p_idempotency_key text default null)
returns table (at timestamptz, source text, what text, detail jsonb, what_to_do text)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_why_wrapper';
comment on function holdfast.why is
  'Why a booking is as it is: everything that is known of it, in the order of time, and what to do now. p_schema the attached schema; p_booking_id not NULL; p_idempotency_key NULL for every key, and then with its holds and its history. source: spans (attempts in memory, also those that rolled back), in_flight (at work now), attempts and ledger (written down), history, holds, outbox. detail: ids, keys, codes, times, our own words; nothing that a guest or a person wrote. what_to_do NULL: nothing. At least one row. It reads as the owner of the bookings, whoever calls; members of pg_monitor may. Where a table is locked or the bookings belong to a superuser, who then has to ask, it tells what memory has, and why no more. Raises P0002 for a NULL booking, 55000 for a schema that is not attached. Locks nothing, may be repeated.';
