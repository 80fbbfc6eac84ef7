"""What is measured: each query once, for every exporter. `toolchain/monitoring write` makes the exporters' files of it.

A metric's name is the query's name, an underscore and the column's. Base units are seconds and bytes, counters end in
_total, and no label has values without bound: no key, no booking, no restaurant.
"""

from dataclasses import dataclass

COUNTER, GAUGE = "counter", "gauge"
# A column of a histogram: _bucket, _sum or _count.
HISTOGRAM = "histogram"
CALL = ("datname", "schema", "function", "path")


@dataclass(frozen=True)
class Query:
    """One query, and what it is for: the whole server, or one application schema (the first of the search_path)."""

    name: str
    sql: str
    # column: (type, sentence)
    columns: dict[str, tuple[str, str]]
    labels: tuple[str, ...] = ()


SERVER = [
    Query(
        "holdfast_library",
        """
        select case when preloaded then 1 else 0 end::float8 as preloaded,
               coalesce(extract(epoch from epoch), 0)::float8 as epoch_timestamp_seconds
        from holdfast.stat_attempts
        """,
        {
            "preloaded": (GAUGE, "1 when the library is in shared_preload_libraries; without it nothing is counted."),
            "epoch_timestamp_seconds": (GAUGE, "When counting began."),
        },
    ),
    Query(
        "holdfast_attempts",
        """
        select coalesce(database, '')::text as datname, coalesce(schema, '')::text as schema, function, path,
               sum(started)::float8 as started_total, sum(replayed)::float8 as replayed_total,
               sum(retries)::float8 as retries_total, sum(deadlocks)::float8 as deadlocks_total,
               sum(lock_timeouts)::float8 as lock_timeouts_total,
               sum(completed_in_time)::float8 as completed_in_time_total,
               sum(timeout_before_confirm)::float8 as timeout_before_confirm_total,
               sum(timeout_after_confirm)::float8 as timeout_after_confirm_total,
               sum(in_flight)::float8 as in_flight, sum(prepared)::float8 as prepared
        from holdfast.stat_confirm group by 1, 2, 3, 4
        """,
        {
            "started_total": (COUNTER, "Attempts that began."),
            "replayed_total": (COUNTER, "Attempts that got an earlier answer again."),
            "retries_total": (COUNTER, "Further tries within attempts."),
            "deadlocks_total": (COUNTER, "Tries that the server ended as a deadlock, also those that were made again."),
            "lock_timeouts_total": (COUNTER, "Tries that lock_timeout ended, also those that were made again."),
            "completed_in_time_total": (COUNTER, "Confirmed with a deadline, committed before it."),
            "timeout_before_confirm_total": (COUNTER, "Attempts whose limit in time passed: nothing was confirmed."),
            "timeout_after_confirm_total": (COUNTER, "Confirmed with a deadline, committed after it."),
            "in_flight": (GAUGE, "Attempts that run, or whose transaction is open."),
            "prepared": (GAUGE, "Attempts in a prepared transaction that nobody has ended."),
        },
        CALL,
    ),
    Query(
        "holdfast_lock",
        """
        select coalesce(c.database, '')::text as datname, coalesce(c.schema, '')::text as schema, c.function, w.lock,
               sum(w.waits)::float8 as waits_total, sum(w.us)::float8 / 1000000 as wait_seconds_total
        from holdfast.stat_confirm c
        cross join lateral (values ('booking', booking_waits, booking_wait_us), ('hold', hold_waits, hold_wait_us),
                                   ('table', table_waits, table_wait_us), ('write', write_waits, write_wait_us))
          w(lock, waits, us)
        group by 1, 2, 3, 4
        """,
        {
            "waits_total": (COUNTER, "Tries that waited for a lock: of the booking, of holds, of tables, or while writing."),
            "wait_seconds_total": (COUNTER, "How long they were at those locks."),
        },
        ("datname", "schema", "function", "lock"),
    ),
    # What an alert looks at begins with 0, so that its first increase is seen.
    Query(
        "holdfast_attempts_ended",
        """
        select datname, schema, function, path, outcome, disposition, sum(count)::float8 as total
        from (
          select coalesce(database, '')::text as datname, coalesce(schema, '')::text as schema, function, path,
                 outcome, disposition, count
          from holdfast.stat_outcomes where count is not null
          union all
          select coalesce(c.database, '')::text, coalesce(c.schema, '')::text, c.function, c.path,
                 w.outcome, w.disposition, 0
          from holdfast.stat_confirm c
          cross join (values ('failed', 'transient'), ('broken_invariant', 'final'), ('not_attached', 'final'),
                             ('atomic_confirm_disabled', 'transient')) w(outcome, disposition)
        ) counted
        group by datname, schema, function, path, outcome, disposition
        """,
        {"total": (COUNTER, "Attempts that came to this outcome, also those that were rolled back.")},
        (*CALL, "outcome", "disposition"),
    ),
    Query(
        "holdfast_phase",
        """
        select coalesce(database, '')::text as datname, coalesce(schema, '')::text as schema, function, phase,
               sum(calls)::float8 as duration_seconds_count, sum(total_ms)::float8 / 1000 as duration_seconds_sum
        from holdfast.stat_phase group by 1, 2, 3, 4
        """,
        {
            "duration_seconds_count": (HISTOGRAM, "Calls that reached the phase."),
            "duration_seconds_sum": (HISTOGRAM, "Their time in it; phase call is the whole call, to its answer."),
        },
        ("datname", "schema", "function", "phase"),
    ),
    Query(
        "holdfast_phase_duration",
        """
        select coalesce(p.database, '')::text as datname, coalesce(p.schema, '')::text as schema, p.function, p.phase,
               coalesce((b.le_ms / 1000)::text, '+Inf') as le, sum(b.calls)::float8 as seconds_bucket
        from holdfast.stat_phase p cross join lateral unnest(p.le_ms, p.buckets) b(le_ms, calls)
        group by 1, 2, 3, 4, 5
        """,
        {"seconds_bucket": (HISTOGRAM, "Calls whose time in the phase was at most le.")},
        ("datname", "schema", "function", "phase", "le"),
    ),
    Query(
        "holdfast_in_flight",
        """
        select count(*) filter (where cardinality(waiting_for) > 0)::float8 as waiting,
               coalesce(greatest(extract(epoch from max(clock_timestamp() - started_at)), 0), 0)::float8 as oldest_seconds
        from holdfast.in_flight
        """,
        {
            "waiting": (GAUGE, "Attempts in flight that wait for another session's lock."),
            "oldest_seconds": (GAUGE, "Age of the oldest attempt in flight, until its transaction ends."),
        },
    ),
    Query(
        "holdfast_spans",
        """
        select room::float8 as room, written::float8 as written_total, dropped::float8 as dropped_total,
               observed::float8 as observed_total, unobserved::float8 as unobserved_total
        from holdfast.stat_spans where preloaded
        """,
        {
            "room": (GAUGE, "Attempts that are kept for holdfast.spans."),
            "written_total": (COUNTER, "Attempts that were written down."),
            "dropped_total": (COUNTER, "Attempts that made room for newer ones, or found none."),
            "observed_total": (COUNTER, "Attempts that rolled back, written to observability_events."),
            "unobserved_total": (COUNTER, "Attempts that rolled back and could not be written there."),
        },
    ),
    Query(
        "holdfast_worker",
        """
        select database::text as datname, case when pid is null then 0 else 1 end::float8 as working,
               case when paused is null then 0 else 1 end::float8 as paused,
               coalesce(attached_schemas, 0)::float8 as attached_schemas,
               coalesce(skipped_schemas, 0)::float8 as skipped_schemas,
               coalesce(runs, 0)::float8 as rounds_total, coalesce(failures, 0)::float8 as consecutive_failures,
               coalesce(errors, 0)::float8 as errors_total,
               coalesce(extract(epoch from finished_at), 0)::float8 as last_round_timestamp_seconds,
               case when pid is null and paused is null
                    then greatest(extract(epoch from clock_timestamp()
                           - coalesce(next_run_at, case when started_at is null then pg_postmaster_start_time() end)), 0)
                    else 0
               end::float8 as overdue_seconds
        from holdfast.stat_worker
        """,
        {
            "working": (GAUGE, "1 while a worker process is in the database."),
            "paused": (GAUGE, "1 when nobody works in the database: the worker is off, or it is read only."),
            "attached_schemas": (GAUGE, "Attached schemas that the worker found."),
            "skipped_schemas": (GAUGE, "Attached schemas in which the worker does nothing."),
            "rounds_total": (COUNTER, "Rounds in which the worker ran what was due."),
            "consecutive_failures": (GAUGE, "How often in a row a schema failed."),
            "errors_total": (COUNTER, "Errors of tasks."),
            "last_round_timestamp_seconds": (GAUGE, "When the last round ended; 0 when there was none."),
            "overdue_seconds": (GAUGE, "How long the next round, or the first since the start, is overdue while nobody works."),
        },
        ("datname",),
    ),
    Query(
        "holdfast_task",
        """
        select database::text as datname, schema, task, lag_s::float8 as lag_seconds,
               coalesce(extract(epoch from last_run), 0)::float8 as last_run_timestamp_seconds,
               runs::float8 as runs_total, failures::float8 as failures_total
        from holdfast.stat_tasks
        """,
        {
            "lag_seconds": (GAUGE, "How long a task is overdue in a schema; 0 while its run is still to come."),
            "last_run_timestamp_seconds": (GAUGE, "When the task's last run ended; 0 when there was none."),
            "runs_total": (COUNTER, "Runs of the task."),
            "failures_total": (COUNTER, "Runs that an error ended, or the end of the process."),
        },
        ("datname", "schema", "task"),
    ),
    Query(
        "holdfast_task_rows",
        """
        select w.database::text as datname, d.key as task, d.value::float8 as total
        from holdfast.stat_worker w cross join lateral jsonb_each_text(w.done) d
        """,
        {"total": (COUNTER, "Rows that a task of the worker closed, repaired, notified or deleted.")},
        ("datname", "task"),
    ),
]

SCHEMA = [
    Query(
        "holdfast_holds",
        """
        select current_database()::text as datname, current_schema()::text as schema,
               count(*) filter (where expires_at >= now())::float8 as live,
               count(*) filter (where expires_at < now())::float8 as overdue,
               coalesce(greatest(extract(epoch from now() - min(expires_at)), 0), 0)::float8 as oldest_overdue_seconds
        from table_holds where status = 'active'
        """,
        {
            "live": (GAUGE, "Open holds before their deadline."),
            "overdue": (GAUGE, "Open holds past their deadline."),
            "oldest_overdue_seconds": (GAUGE, "How long the longest overdue hold is past its deadline."),
        },
        ("datname", "schema"),
    ),
    Query(
        "holdfast_hold_age",
        """
        select current_database()::text as datname, current_schema()::text as schema,
               coalesce(max(extract(epoch from now() - created_at)), 0)::float8 as oldest_seconds,
               coalesce(avg(extract(epoch from now() - created_at)), 0)::float8 as mean_seconds
        from table_holds where status = 'active'
        """,
        {
            "oldest_seconds": (GAUGE, "Age of the oldest open hold."),
            "mean_seconds": (GAUGE, "Mean age of open holds."),
        },
        ("datname", "schema"),
    ),
    Query(
        "holdfast_findings",
        """
        select current_database()::text as datname, current_schema()::text as schema, f.severity,
               count(o.booking_id)::float8 as open,
               coalesce(extract(epoch from now() - min(o.seen_at)), 0)::float8 as oldest_seconds
        from holdfast.findings f left join holdfast_findings o on o.finding = f.name
        group by f.severity
        """,
        {
            "open": (GAUGE, "Findings of this severity that are known and not mended."),
            "oldest_seconds": (GAUGE, "Since when the oldest of them is known."),
        },
        ("datname", "schema", "severity"),
    ),
    Query(
        "holdfast_outbox",
        """
        select current_database()::text as datname, current_schema()::text as schema, s.status,
               count(o.status)::float8 as events,
               coalesce(greatest(extract(epoch from now() - min(o.next_attempt_at)), 0), 0)::float8 as lag_seconds
        from (values ('pending'), ('processing'), ('dead')) s(status)
        left join capacity_outbox o on o.status::text = s.status and o.status in ('pending', 'processing', 'dead')
        group by s.status
        """,
        {
            "events": (GAUGE, "Events that are not delivered, by status."),
            "lag_seconds": (GAUGE, "How long the event is due that waits longest."),
        },
        ("datname", "schema", "status"),
    ),
    Query(
        "holdfast_quarantine",
        """
        select current_database()::text as datname, current_schema()::text as schema,
               count(*)::float8 as rows
        from holdfast_quarantine
        """,
        {"rows": (GAUGE, "Holds and bookings that are left alone for a while, because they failed.")},
        ("datname", "schema"),
    ),
    Query(
        "holdfast_relation",
        """
        select current_database()::text as datname, current_schema()::text as schema, c.relname::text as relation,
               pg_total_relation_size(c.oid)::float8 as size_bytes, pg_stat_get_live_tuples(c.oid)::float8 as estimated_rows
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
          and c.relname in ('booking_assignment_idempotency', 'booking_confirmation_results', 'capacity_outbox',
                            'holdfast_attempts', 'holdfast_ended_holds', 'holdfast_pruned', 'observability_events')
        """,
        {
            "size_bytes": (GAUGE, "Size of a table with its indexes; the ledger is booking_assignment_idempotency."),
            "estimated_rows": (GAUGE, "Rows of a table, as the server counts them."),
        },
        ("datname", "schema", "relation"),
    ),
]


def name(query: Query, column: str) -> str:
    return f"{query.name}_{column}"
