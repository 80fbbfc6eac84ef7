"""The programs of a real run: a server of ours under load, exporters and Prometheus, on free ports of the loopback."""

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
DATABASE, SCHEMA = "holdfast_monitoring", "bistro"
RESTAURANT, ZONE = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
TABLES = [f"00000000-0000-4000-8000-0000000001{number:02}" for number in range(20)]


def psql(sql: str, database: str = DATABASE, stop: bool = True) -> str:
    command = [f"{os.environ['HOLDFAST_PG_BIN']}/psql", "-qXAt", "-d", database, "-v", f"ON_ERROR_STOP={int(stop)}"]
    options = {**os.environ, "PGOPTIONS": f"-c search_path={SCHEMA},public -c client_min_messages=error"}
    run = subprocess.run(command, input=sql, capture_output=True, text=True, env=options)
    assert run.returncode == 0 or not stop, run.stderr
    return run.stdout.strip()


def until(what: str, seconds: float, answer: Callable[[], object]) -> float:
    """Waits until it answers something, and returns how long that took."""
    began = time.monotonic()
    while not answer():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.5)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def prepare() -> None:
    """A database with an attached schema, and the exporter's role."""
    psql(f"drop database if exists {DATABASE} with (force)", "postgres")
    psql(f"create database {DATABASE}", "postgres")
    psql(f"create extension holdfast cascade; select holdfast.create_reference_schema('{SCHEMA}');")
    psql(f"select holdfast.attach('{SCHEMA}')")
    tables = ",".join(f"('{table}','{RESTAURANT}','{ZONE}','T{number}',4)" for number, table in enumerate(TABLES))
    psql(f"""
        insert into restaurants (id, timezone) values ('{RESTAURANT}', 'UTC');
        insert into zones (id, restaurant_id) values ('{ZONE}', '{RESTAURANT}');
        insert into table_inventory (id, restaurant_id, zone_id, table_number, capacity) values {tables};
        alter system set holdfast.worker = on;
        alter system set holdfast.worker_interval = 1;
        alter system set holdfast.reconcile_interval = 1;
        select pg_reload_conf();
    """)
    setup = (ROOT / "monitoring/setup.sql").read_text()
    psql(f"\\set schema {SCHEMA}\n{setup}")


class Load:
    """Confirms of every kind, a few dozen a second, until it is told to stop."""

    def __init__(self) -> None:
        self.stopping, self.evening = threading.Event(), 0
        self.thread = threading.Thread(target=self.go_on, daemon=True)

    def booking(self, table: int) -> str:
        booking, late, hour = str(uuid.uuid4()), str(uuid.uuid4()), 10 + self.evening % 12
        day = f"date '2031-01-01' + {self.evening // 12}"
        confirm = f"atomic_confirm_and_transition_within(p_booking_id => '{booking}', p_hold_id => :'hold_id', p_timeout_ms => 4000, p_idempotency_key"
        return f"""
            insert into bookings (id, restaurant_id, booking_date, start_time, end_time, party_size)
            values ('{booking}', '{RESTAURANT}', {day}, '{hour}:00', '{hour}:50', 4),
                   ('{late}', '{RESTAURANT}', {day}, '{hour}:00', '{hour}:50', 4);
            select hold_id from hold_tables(p_booking_id => '{booking}', p_table_ids => '{{{TABLES[table]}}}') \\gset
            select outcome from {confirm} => 'k-{booking}');
            select outcome from {confirm} => 'k-{booking}');
            select outcome from {confirm} => ' ');
            select hold_id from hold_tables(p_booking_id => '{late}', p_table_ids => '{{{TABLES[table]}}}');
        """

    def go_on(self) -> None:
        while not self.stopping.is_set():
            self.evening += 1
            psql("".join(self.booking(table) for table in range(len(TABLES))), stop=False)
            psql("select * from outbox_ack((select array_agg(id) from outbox_claim('live')), 'live')", stop=False)

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join()


class Prometheus:
    """Exporters and Prometheus; `with` ends the processes that it started, and no other."""

    def __init__(self, place: Path) -> None:
        self.place, self.processes = place, []
        self.exporter, self.port, self.other = free_port(), free_port(), free_port()

    def address(self, schema: bool) -> str:
        host = urllib.parse.quote(os.environ["PGHOST"], safe="")
        address = f"postgres://holdfast_exporter@/{DATABASE}?host={host}&port={os.environ['PGPORT']}&sslmode=disable"
        return address + (f"&search_path={SCHEMA}" if schema else "")

    def start(self, *command: str, **settings: str) -> None:
        log = (self.place / f"{command[0]}.log").open("w")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings}))

    def __enter__(self) -> "Prometheus":
        exporter = (ROOT / "monitoring/sql_exporter/debian.yml").read_text().replace("interval: 15s", "interval: 1s")
        exporter = re.sub(r"'postgres://[^']*search_path[^']*'", f"'{self.address(True)}'", exporter)
        exporter = re.sub(r"'postgres://[^']*localhost[^']*'", f"'{self.address(False)}'", exporter)
        (self.place / "exporter.yml").write_text(exporter)
        # A minute is a second, so that alerts need no minutes.
        rules = re.sub(r"(\[|for: )(\d+)m", r"\1\2s", (ROOT / "monitoring/alerts.yml").read_text())
        (self.place / "alerts.yml").write_text(re.sub(r"(\[|for: )(\d+)h", r"\1\2m", rules))
        config = (ROOT / "monitoring/prometheus.yml").read_text().replace("interval: 15s", "interval: 1s")
        (self.place / "prometheus.yml").write_text(config.replace("localhost:9237", f"127.0.0.1:{self.exporter}"))
        self.start("prometheus-sql-exporter", "-config.file", str(self.place / "exporter.yml"),
                   "-web.listen-address", f"127.0.0.1:{self.exporter}", LOGLEVEL="warn")
        self.start("prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{self.other}",
                   "--disable-default-metrics", "--disable-settings-metrics",
                   f"--extend.query-path={ROOT}/monitoring/postgres_exporter/queries.yml",
                   DATA_SOURCE_NAME=self.address(True))
        self.start("prometheus", f"--config.file={self.place}/prometheus.yml", f"--storage.tsdb.path={self.place}/data",
                   f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()

    def api(self, path: str, **arguments: str) -> object:
        query = urllib.parse.urlencode(arguments)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}") as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{arguments}: {error.read().decode()}") from error
        except OSError:
            return None  # not up yet

    def value(self, expression: str) -> list:
        data = self.api("query", query=expression)
        return data["result"] if data else []

    def series(self, expression: str, span: tuple[float, float]) -> list:
        began, ended = span
        return self.api("query_range", query=expression, start=str(began), end=str(ended), step="2")["result"]

    def firing(self, alert: str) -> bool:
        return bool(self.value(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))

    def other_metrics(self) -> set[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.other}/metrics") as answer:
            return set(re.findall(r"^(holdfast_\w+)", answer.read().decode(), re.M))


def folder() -> TemporaryDirectory:
    return TemporaryDirectory(prefix="holdfast.")
