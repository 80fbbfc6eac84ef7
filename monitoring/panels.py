"""The panels of the dashboard: title, unit, what it shows, and its expressions. `dashboard.py` makes Grafana's JSON of it."""

from dataclasses import dataclass

# What the variables of the dashboard choose.
DATABASE = '{instance=~"$instance",datname=~"$datname"}'
SERVER = '{instance=~"$instance"}'
SCHEMA = '{instance=~"$instance",datname=~"$datname",schema=~"$schema"}'


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    shows: str
    # legend: expression
    lines: dict[str, str]


def of(chosen: str, *more: str) -> str:
    return chosen[:-1] + "".join(f",{condition}" for condition in more) + "}"


def rate(metric: str) -> str:
    return f"rate({metric}[$__rate_interval])"


def quantile(share: float, chosen: str, *by: str) -> str:
    return f"histogram_quantile({share}, sum by ({', '.join((*by, 'le'))}) ({rate(BUCKET + chosen)}))"


ENDED = "holdfast_attempts_ended_total"
STARTED = "holdfast_attempts_started_total" + SCHEMA
TIMEOUTS = "holdfast_attempts_timeout_before_confirm_total" + SCHEMA
BUCKET = "holdfast_phase_duration_seconds_bucket"
SPENT = "holdfast_phase_duration_seconds_sum"
CALL = of(SCHEMA, 'phase="call"')
PARTS = of(SCHEMA, 'phase!="call"')
FAILED = of(SCHEMA, 'outcome=~"failed|broken_invariant|not_attached"')
TAKEN = of(SCHEMA, 'outcome=~"allocation_conflict|assignment_conflict|hold_conflict"')
SUCCEEDED = of(SCHEMA, 'disposition="success"')
REFUSED = of(SCHEMA, 'disposition!="success"')
WAITING = of(SCHEMA, 'status=~"pending|processing"')
LEDGER = of(SCHEMA, 'relation="booking_assignment_idempotency"')
KEYS = of(SCHEMA, 'outcome=~"key_mismatch|answer_gone|key_blank|key_too_long|fenced|never_seen"')

ROWS: dict[str, list[Panel]] = {
    "Confirm": [
        Panel(
            "Attempts per second",
            "ops",
            "Rate: calls that write, by function, and those of them that did what they were asked.",
            {
                "{{function}}": f"sum by (function) ({rate(STARTED)})",
                "started": f"sum({rate(STARTED)})",
                "succeeded": f"sum({rate(ENDED + SUCCEEDED)})",
            },
        ),
        Panel(
            "Attempts by how they ended",
            "ops",
            "Errors: final is refused for good, transient may be tried again, with the same key.",
            {"{{disposition}}": f"sum by (disposition) ({rate(ENDED + SCHEMA)})"},
        ),
        Panel(
            "Share that failed or ran out of time",
            "percentunit",
            "Failed: an error that is nobody's refusal. Alerts: HoldfastConfirmErrors, HoldfastTimeoutRate.",
            {
                "failed": f"sum({rate(ENDED + FAILED)}) / sum({rate(STARTED)})",
                "out of time": f"sum({rate(TIMEOUTS)}) / sum({rate(STARTED)})",
            },
        ),
        Panel(
            "Refusals by outcome",
            "ops",
            "The ten most frequent outcomes that are no success. docs/outcomes.md says what each means.",
            {"{{outcome}}": f"topk(10, sum by (outcome) ({rate(ENDED + REFUSED)}))"},
        ),
        Panel(
            "Deadlines",
            "ops",
            "Confirmed with a deadline: committed before it, after it, or not at all because time ran out.",
            {
                "in time": f"sum({rate('holdfast_attempts_completed_in_time_total' + SCHEMA)})",
                "committed late": f"sum({rate('holdfast_attempts_timeout_after_confirm_total' + SCHEMA)})",
                "ran out of time": f"sum({rate(TIMEOUTS)})",
            },
        ),
        Panel(
            "How long calls take",
            "s",
            "Duration, from beginning to answer. Alert: HoldfastSlow.",
            {
                "99 of 100": quantile(0.99, CALL),
                "95 of 100": quantile(0.95, CALL),
                "50 of 100": quantile(0.5, CALL),
            },
        ),
        Panel(
            "Calls by path",
            "ops",
            "On whose behalf: inline, background or manual (setting holdfast.path).",
            {"{{path}}": f"sum by (path) ({rate(STARTED)})"},
        ),
        Panel(
            "Running and prepared",
            "short",
            "Attempts that run or whose transaction is open, and those in a prepared transaction.",
            {
                "in flight": f"sum(holdfast_attempts_in_flight{SCHEMA})",
                "prepared": f"sum(holdfast_attempts_prepared{SCHEMA})",
            },
        ),
    ],
    "Phases": [
        Panel(
            "99 of 100 calls, by phase",
            "s",
            "lock: waiting for others. write: with the application's triggers. commit: the disk and standbys.",
            {"{{phase}}": quantile(0.99, PARTS, "phase")},
        ),
        Panel(
            "Time spent, by phase",
            "s",
            "Seconds of all calls together in each second, by phase: where a server's time goes.",
            {"{{phase}}": f"sum by (phase) ({rate(SPENT + PARTS)})"},
        ),
    ],
    "Contention and keys": [
        Panel(
            "Somebody was faster",
            "ops",
            "A table was taken, or held by somebody else: the guest chooses again.",
            {"{{outcome}}": f"sum by (outcome) ({rate(ENDED + TAKEN)})"},
        ),
        Panel(
            "Locks, deadlocks and retries",
            "ops",
            "Tries that the server ended, and further tries within attempts. Alert: HoldfastDeadlocks.",
            {
                "deadlocks": f"sum({rate('holdfast_attempts_deadlocks_total' + SCHEMA)})",
                "lock timeouts": f"sum({rate('holdfast_attempts_lock_timeouts_total' + SCHEMA)})",
                "tries again": f"sum({rate('holdfast_attempts_retries_total' + SCHEMA)})",
            },
        ),
        Panel(
            "Waits by lock",
            "ops",
            "Tries that waited: for the booking, for holds, for tables, or while writing (the same key, a constraint, a trigger).",
            {"{{lock}}": f"sum by (lock) ({rate('holdfast_lock_waits_total' + SCHEMA)})"},
        ),
        Panel(
            "Time at locks",
            "s",
            "Seconds in which calls waited, in a second, by lock.",
            {"{{lock}}": f"sum by (lock) ({rate('holdfast_lock_wait_seconds_total' + SCHEMA)})"},
        ),
        Panel(
            "Waiting for others",
            "short",
            "Attempts in flight that wait for another session's lock.",
            {"waiting": f"sum(holdfast_in_flight_waiting{SERVER})"},
        ),
        Panel(
            "Oldest attempt in flight",
            "s",
            "Until its transaction ends. Alert: HoldfastInFlightTooLong.",
            {"oldest": f"max(holdfast_in_flight_oldest_seconds{SERVER})"},
        ),
        Panel(
            "Replays",
            "ops",
            "Calls under a key that was answered before: they got the same answer.",
            {"replayed": f"sum({rate('holdfast_attempts_replayed_total' + SCHEMA)})"},
        ),
        Panel(
            "Refused keys",
            "ops",
            "Keys that were used for another request, were given up, or make no sense.",
            {"{{outcome}}": f"sum by (outcome) ({rate(ENDED + KEYS)})"},
        ),
    ],
    "Holds": [
        Panel(
            "Open holds",
            "short",
            "Before and past their deadline. Alert: HoldfastExpiredHoldsOpen.",
            {
                "{{schema}} live": f"holdfast_holds_live{SCHEMA}",
                "{{schema}} overdue": f"holdfast_holds_overdue{SCHEMA}",
            },
        ),
        Panel(
            "Age of open holds",
            "s",
            "The oldest, the mean, and how long the longest overdue one is past its deadline.",
            {
                "{{schema}} oldest": f"holdfast_hold_age_oldest_seconds{SCHEMA}",
                "{{schema}} mean": f"holdfast_hold_age_mean_seconds{SCHEMA}",
                "{{schema}} overdue": f"holdfast_holds_oldest_overdue_seconds{SCHEMA}",
            },
        ),
    ],
    "Reconciliation": [
        Panel(
            "Open findings",
            "short",
            "By severity. critical and error: act. Alert: HoldfastMismatchFound.",
            {"{{schema}} {{severity}}": f"holdfast_findings_open{SCHEMA}"},
        ),
        Panel(
            "Age of the oldest finding",
            "s",
            "Since when it is known, by severity.",
            {"{{schema}} {{severity}}": f"holdfast_findings_oldest_seconds{SCHEMA}"},
        ),
    ],
    "Worker and tasks": [
        Panel(
            "Rounds and errors",
            "ops",
            "Rounds in which the worker ran what was due, and errors of tasks.",
            {
                "{{datname}} rounds": f"sum by (datname) ({rate('holdfast_worker_rounds_total' + DATABASE)})",
                "{{datname}} errors": f"sum by (datname) ({rate('holdfast_worker_errors_total' + DATABASE)})",
            },
        ),
        Panel(
            "Runs by task",
            "ops",
            "Runs of each task over all schemas, and those that failed.",
            {
                "{{task}}": f"sum by (task) ({rate('holdfast_task_runs_total' + DATABASE)})",
                "{{task}} failed": f"sum by (task) ({rate('holdfast_task_failures_total' + DATABASE)})",
            },
        ),
        Panel(
            "Rows by task",
            "ops",
            "What the tasks closed, repaired, notified or deleted.",
            {"{{task}}": f"sum by (task) ({rate('holdfast_task_rows_total' + DATABASE)})"},
        ),
        Panel(
            "Lag",
            "s",
            "How long a task is overdue at most, the next round, and how long ago the last one ended. Alert: HoldfastTaskLag.",
            {
                "{{task}}": f"max by (task) (holdfast_task_lag_seconds{DATABASE})",
                "{{task}} since its last run": f"time() - (max by (task) (holdfast_task_last_run_timestamp_seconds{DATABASE}) > 0)",
                "{{datname}} overdue": f"holdfast_worker_overdue_seconds{DATABASE}",
                "{{datname}} since the last": f"time() - (holdfast_worker_last_round_timestamp_seconds{DATABASE} > 0)",
            },
        ),
        Panel(
            "At work, paused, failures in a row, quarantine",
            "short",
            "Alerts: HoldfastWorkerSilent, HoldfastTaskLag, HoldfastQuarantine.",
            {
                "{{datname}} at work": f"holdfast_worker_working{DATABASE}",
                "{{datname}} paused": f"holdfast_worker_paused{DATABASE}",
                "{{datname}} failures in a row": f"holdfast_worker_consecutive_failures{DATABASE}",
                "{{schema}} in quarantine": f"holdfast_quarantine_rows{SCHEMA}",
            },
        ),
    ],
    "Spans": [
        Panel(
            "Spans written and dropped",
            "ops",
            "Attempts that were written down, those that made room for newer ones, and what the worker told of those that rolled back. Alert: HoldfastSpansDropped.",
            {
                "written": f"sum({rate('holdfast_spans_written_total' + SERVER)})",
                "dropped": f"sum({rate('holdfast_spans_dropped_total' + SERVER)})",
                "told in observability_events": f"sum({rate('holdfast_spans_observed_total' + SERVER)})",
                "not told there": f"sum({rate('holdfast_spans_unobserved_total' + SERVER)})",
            },
        ),
        Panel(
            "How far back spans reach",
            "s",
            "The room for attempts, divided by how many are written: after that long an attempt is gone.",
            {"seconds": f"min(holdfast_spans_room{SERVER} / ({rate('holdfast_spans_written_total' + SERVER)} > 0))"},
        ),
    ],
    "Outbox and size": [
        Panel(
            "Events that are not delivered",
            "short",
            "By status. Alert: HoldfastOutboxDead.",
            {"{{schema}} {{status}}": f"holdfast_outbox_events{SCHEMA}"},
        ),
        Panel(
            "Outbox lag",
            "s",
            "How long the event is due that waits longest. Alert: HoldfastOutboxLag.",
            {
                "{{schema}} {{status}}": f"holdfast_outbox_lag_seconds{WAITING}",
            },
        ),
        Panel(
            "Size of tables",
            "bytes",
            "With indexes. The ledger is booking_assignment_idempotency. Alert: HoldfastLedgerGrowth.",
            {"{{schema}}.{{relation}}": f"holdfast_relation_size_bytes{SCHEMA}"},
        ),
        Panel(
            "Rows of the ledger",
            "short",
            "Answers that are kept, as the server counts them.",
            {
                "{{schema}}": f"holdfast_relation_estimated_rows{LEDGER}",
            },
        ),
    ],
}
