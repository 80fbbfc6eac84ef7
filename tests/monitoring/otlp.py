"""Spans on their way to a collector: a real server, the real exporter, and a receiver that decodes what arrives. Prints a line a
test, as pg_regress does."""

import ctypes.util
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult
from place import DATABASE, RESTAURANT, ROOT, TABLES, prepare, psql
from traced import NODE, PYTHON, Pooler, sample

# psycopg without its compiled part looks for the system's libpq; the one of the server under test will do.
LIBPQ = Path(os.environ["HOLDFAST_PG_BIN"]).resolve().parent / "lib/libpq.so.5"
WITH_LIBPQ = "import ctypes.util, runpy, sys; libpq, *sys.argv = sys.argv[1:]; ctypes.util.find_library = lambda _: libpq; runpy.run_path(sys.argv[0], run_name='__main__')"
WITH_LIBPQ_AS_PROGRAM = "import ctypes.util, sys; libpq, program = sys.argv[1:3]; sys.argv[1:3] = []; ctypes.util.find_library = lambda _: libpq; exec(program)"
ctypes.util.find_library = lambda _: str(LIBPQ)
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Receiver(HTTPServer):
    """Keeps every span that arrives, by name."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = ExportTraceServiceRequest.FromString(self.body())
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def body(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_: object) -> None:
        pass


def send(receiver: Receiver) -> str:
    """One run of the exporter, as the monitoring role; what it said last."""
    settings = {
        "PGDATABASE": DATABASE,
        "PGUSER": "holdfast_exporter",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_SERVICE_NAME": "bookings",
    }
    command = [sys.executable, "-c", WITH_LIBPQ, str(LIBPQ), str(ROOT / "monitoring/otlp/holdfast_otlp.py"), "--once"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings})
    assert run.returncode == 0, run.stderr
    return run.stderr.strip().splitlines()[-1]


def attributes(span: object) -> dict:
    return {item.key: item.value.string_value for item in span.attributes}


def new_booking() -> str:
    booking = str(uuid.uuid4())
    psql(f"""
        insert into bookings (id, restaurant_id, booking_date, start_time, end_time, party_size)
        values ('{booking}', '{RESTAURANT}', '2031-05-01', '18:00', '19:50', 4);
    """)
    return booking


def confirm(key: str, tables: str) -> str:
    booking = new_booking()
    psql(f"""
        set holdfast.traceparent = '00-{TRACE}-{CALLER}-01';
        select 1 from confirm_hold_assignment_with_transition('{booking}', '{{{tables}}}', '{key}', p_target_status => 'confirmed');
    """, stop=False)
    return booking


def a_trace_goes_on_through_the_confirm() -> None:
    receiver = Receiver()
    done, refused = confirm("done", TABLES[0]), confirm("refused", TABLES[0])
    said = send(receiver)
    ours = [span for span in receiver.spans if span.trace_id.hex() == TRACE]
    attempts = {attributes(span)["holdfast.booking_id"]: span for span in ours if span.kind == span.SPAN_KIND_SERVER}
    assert set(attempts) == {done, refused}, f"{said}: {ours}"
    for booking, span in attempts.items():
        assert span.parent_span_id.hex() == CALLER, "the caller's span is the parent"
        parts = [part for part in ours if part.parent_span_id == span.span_id]
        assert parts and all(part.kind == part.SPAN_KIND_INTERNAL for part in parts), ours
        assert all(span.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano for part in parts)
    good, bad = attempts[done], attempts[refused]
    assert attributes(good)["holdfast.transaction"] == "committed" and good.status.code == 0, good
    assert attributes(bad)["holdfast.transaction"] == "rolled_back" and bad.status.code == 2, bad
    assert attributes(bad)["db.system.name"] == "postgresql" and bad.status.message, bad


def a_clients_trace_goes_on_through_a_pooler() -> None:
    receiver = Receiver()
    pooler = Pooler(os.environ["HOLDFAST_POOLER"])
    clients = {
        "python": [sys.executable, "-c", WITH_LIBPQ_AS_PROGRAM, str(LIBPQ), sample("python") + PYTHON],
        "javascript": [os.environ["HOLDFAST_NODE"], "--input-type=module", "-e", sample("js") + NODE, "--"],
    }
    settings = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(pooler.port),
        "PGDATABASE": DATABASE,
        "PGUSER": "bookings",
        "PSYCOPG_IMPL": "python",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    try:
        pooler.wait()
        for number, (language, command) in enumerate(clients.items(), 1):
            # The first one prepares the statement, the second finds it prepared: done, and refused.
            bookings = [new_booking(), new_booking()]
            run = subprocess.run(
                [*command, TABLES[number], *bookings], capture_output=True, text=True, env={**os.environ, **settings},
                cwd=os.environ["HOLDFAST_NODE_PACKAGES"], timeout=60,
            )
            assert run.returncode == 0, f"{language}: {run.stdout} {run.stderr}"
            send(receiver)
            for booking, ended in zip(bookings, ("committed", "rolled_back"), strict=True):
                attempts = [
                    span for span in receiver.spans
                    if span.kind == span.SPAN_KIND_SERVER and attributes(span)["holdfast.booking_id"] == booking
                ]
                assert len(attempts) == 1, f"{language}: {run.stdout} {run.stderr} {len(receiver.spans)}"
                [attempt] = attempts
                assert attributes(attempt)["holdfast.transaction"] == ended, f"{language}: {attempt}"
                parents = [span for span in receiver.spans if span.span_id == attempt.parent_span_id]
                assert len(parents) == 1, f"{language}: {run.stdout} {run.stderr} {[span.name for span in receiver.spans]}"
                [parent] = parents
                assert parent.name == "confirm booking" and parent.trace_id == attempt.trace_id, f"{language}: {parent}"
                assert not parent.parent_span_id and any(part.parent_span_id == attempt.span_id for part in receiver.spans)
    finally:
        pooler.stop()


class Told:
    """An exporter that keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.names, self.answer = [], SpanExportResult.SUCCESS

    def export(self, spans: list) -> SpanExportResult:
        if self.answer is SpanExportResult.SUCCESS:
            self.names.extend(f"{span.context.span_id:x}" for span in spans)
        return self.answer


def row(span: str, transaction: str = "committed", part: str | None = None) -> dict:
    at = datetime(2031, 5, 1, tzinfo=timezone.utc)
    return {"trace_id": TRACE, "span_id": span, "parent_span_id": "a" if part else None, "name": "holdfast.confirm", "part": part,
            "started_at": at, "ended_at": at, "message": None, "sqlstate": None, "transaction": transaction, "attributes": {}}


def what_is_lost_is_counted() -> None:
    from holdfast_otlp import Drain

    told = Told()
    drain = Drain(told, Resource.create())
    drain.take((5, 5), [row("a"), row("b", part="lock"), row("c", "pending")])
    assert told.names == ["a", "b"], "what was there before is no loss, and an open transaction waits"
    drain.take((5, 6), [row("a"), row("c"), row("9")])
    assert told.names == ["a", "b", "c", "9"] and drain.lost == 0, "each is sent once"
    drain.take((6, 6), [row("a"), row("c"), row("9")])
    assert drain.lost == 0, "one that was written while rows were read is no loss later"
    drain.take((10, 10), [row("d"), row("e", "pending")])
    assert told.names[4:] == ["d"] and drain.lost == 2, f"two came and went unseen: {drain.lost}"
    told.answer = SpanExportResult.FAILURE
    drain.take((11, 11), [row("e"), row("f")])
    drain.take((13, 13), [row("f"), row("1"), row("2")])
    assert drain.counts.failed_sends == 2 and drain.lost == 3, f"one was seen and never sent: {drain.lost}"
    told.answer = SpanExportResult.SUCCESS
    drain.take((2, 2), [row("3"), row("4")])
    assert told.names[5:] == ["3", "4"] and drain.counts.sent == 6, drain.counts
    assert drain.lost == 6, f"a server that began anew took three with it: {drain.lost}"


def cases() -> list[tuple[str, Callable[[], None]]]:
    return [(check.__name__, check) for check in (what_is_lost_is_counted, a_trace_goes_on_through_the_confirm, a_clients_trace_goes_on_through_a_pooler)]


def main() -> int:
    prepare()
    failed = 0
    for number, (what, check) in enumerate(cases(), 1):
        try:
            check()
            print(f"ok {number} - {what}")
        except Exception as error:  # whatever goes wrong has the name of its test
            failed += 1
            print(f"{error!r}\nnot ok {number} - {what}")
    return 1 if failed else 0


sys.exit(main())
