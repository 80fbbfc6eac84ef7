"""Sends the spans that holdfast keeps in memory to a collector, by OTLP over HTTP and the official SDK.

    python3 holdfast_otlp.py [--interval SECONDS] [--once]

The server comes from libpq's variables (PGHOST, PGUSER of a role in pg_monitor, …), the collector from those of OpenTelemetry
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, …). A span is sent once its transaction has ended. What left the ring
before it was read is lost: it is counted, and each line on standard error says how much.
"""

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import datetime

import psycopg
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

COUNT = "select written from holdfast.stat_spans"
SPANS = """
    select s.trace_id, s.span_id, s.parent_span_id, s.name, s.part, s.started_at, s.ended_at, s.message, s.sqlstate,
           s.transaction, s.attributes
    from holdfast.spans s
"""
# Spans of one request to the collector.
BATCH = 512
SCOPE = InstrumentationScope("holdfast")


@dataclass
class Counts:
    """Attempts, since the exporter began: a span and its parts are one."""

    sent: int = 0
    lost: int = 0
    failed_sends: int = 0


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000


def context(trace: str, span: str, remote: bool = False) -> SpanContext:
    return SpanContext(int(trace, 16), int(span, 16), remote, TraceFlags(TraceFlags.SAMPLED))


def status(row: dict) -> Status:
    """A refusal is the server's answer to its client: an error of the span, as for a failed statement."""
    if row["sqlstate"] in (None, "00000"):
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, row["message"])


def readable(row: dict, resource: Resource) -> ReadableSpan:
    parent = row["parent_span_id"]
    return ReadableSpan(
        name=row["name"],
        context=context(row["trace_id"], row["span_id"]),
        parent=context(row["trace_id"], parent, remote=row["part"] is None) if parent else None,
        kind=SpanKind.SERVER if row["part"] is None else SpanKind.INTERNAL,
        resource=resource,
        attributes=row["attributes"],
        status=status(row),
        start_time=nanoseconds(row["started_at"]),
        end_time=nanoseconds(row["ended_at"]),
        instrumentation_scope=SCOPE,
    )


class Drain:
    """Takes what is new in the ring, and remembers what of it was sent for as long as it is there."""

    def __init__(self, exporter: SpanExporter, resource: Resource) -> None:
        self.exporter, self.resource, self.counts = exporter, resource, Counts()
        self.sent: set[str] = set()
        self.known: set[str] = set()
        # Since when attempts are counted, by the server's number; how many of them were read, and missed unread.
        self.base: int | None = None
        self.last = self.read = self.missed = 0

    def take(self, written: tuple[int, int], rows: list[dict]) -> None:
        """Rows, and how many the server had written just before and just after they were read."""
        before, after = written
        attempts = {row["span_id"] for row in rows if row["part"] is None}
        if self.base is None:
            self.base = after
        else:
            if before < self.last:  # the server began anew
                self.counts.lost += self.missed
                self.base = self.read = self.missed = 0
            self.read += len(attempts - self.known)
            self.missed = max(self.missed, before - self.base - self.read)
        # What was read but never sent, because its transaction was open or nobody answered, is lost when it leaves the ring.
        self.counts.lost += len(self.known - attempts - self.sent)
        self.last, self.known, self.sent = after, attempts, self.sent & attempts
        due = {row["span_id"] for row in rows if row["part"] is None and row["transaction"] != "pending"} - self.sent
        spans = [row for row in rows if (row["span_id"] if row["part"] is None else row["parent_span_id"]) in due]
        if all(self.export(spans[at : at + BATCH]) for at in range(0, len(spans), BATCH)):
            self.sent |= due
            self.counts.sent += len(due)
        else:
            self.counts.failed_sends += 1

    def export(self, spans: list[dict]) -> bool:
        return self.exporter.export([readable(row, self.resource) for row in spans]) is SpanExportResult.SUCCESS

    @property
    def lost(self) -> int:
        return self.counts.lost + self.missed

    def once(self, connection: psycopg.Connection) -> None:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        before = cursor.execute(COUNT).fetchone()["written"]
        if before is None:
            raise SystemExit("holdfast keeps no spans here: it is not in shared_preload_libraries")
        rows = cursor.execute(SPANS).fetchall()
        self.take((before, cursor.execute(COUNT).fetchone()["written"]), rows)


def say(event: str, drain: Drain) -> None:
    print(json.dumps({"event": event, **asdict(drain.counts), "lost": drain.lost}), file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two reads (5)")
    parser.add_argument("--once", action="store_true", help="send what is there, and end")
    arguments = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    exporter = OTLPSpanExporter()
    drain = Drain(exporter, Resource.create())
    while True:
        lost = drain.lost
        try:
            with psycopg.connect(autocommit=True, application_name="holdfast_otlp") as connection:
                while True:
                    drain.once(connection)
                    if drain.counts.lost > lost:
                        lost = drain.lost
                        say("lost", drain)
                    if arguments.once or stopping.wait(arguments.interval):
                        break
        except psycopg.OperationalError as error:
            print(json.dumps({"event": "unreachable", "error": str(error).strip()}), file=sys.stderr, flush=True)
            stopping.wait(arguments.interval)
        if arguments.once or stopping.is_set():
            break
    exporter.shutdown()
    say("ended", drain)


if __name__ == "__main__":
    main()
