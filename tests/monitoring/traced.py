"""Callers whose traces go on in the database: the samples of docs/monitoring.md, run through a pooler."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

from place import DATABASE, ROOT, SCHEMA, free_port

PYTHON = """
import sys
import psycopg
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
with psycopg.connect(autocommit=True) as connection:
    for booking in sys.argv[2:]:
        try:
            print(*confirm(connection, booking, [sys.argv[1]], f"{booking}-key"))
        except psycopg.Error as refused:
            print(refused)
provider.shutdown()
"""
NODE = """
import pg from "pg";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import * as sdk from "@opentelemetry/sdk-trace";

const provider = new sdk.TracerProvider({ spanProcessors: [new sdk.SimpleSpanProcessor({ exporter: new OTLPTraceExporter() })] });
trace.setGlobalTracerProvider(provider);
const client = new pg.Client();
await client.connect();
const [table, ...bookings] = process.argv.slice(1);
for (const booking of bookings) console.log(await confirm(client, booking, [table], `${booking}-key`).catch(String));
await client.end();
await provider.shutdown();
"""


def sample(language: str) -> str:
    """The page's only block in this language."""
    page = (ROOT / "docs/monitoring.md").read_text()
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL).group(1)


class Pooler:
    """pgbouncer in transaction mode, with one connection to the server: whoever comes next finds what was prepared."""

    def __init__(self, program: str) -> None:
        self.port = free_port()
        server = f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} user={os.environ['PGUSER']}"
        settings = f"""
            [databases]
            {DATABASE} = {server} connect_query='set search_path = {SCHEMA}, public'
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 1
            ignore_startup_parameters = extra_float_digits, options
        """
        self.file = NamedTemporaryFile("w", prefix="holdfast-pooler-", suffix=".ini")
        self.file.write(re.sub(r"^ +", "", settings, flags=re.MULTILINE))
        self.file.flush()
        Path(self.file.name).chmod(0o644)
        # It refuses to run as root; it runs as whoever runs the server.
        account = os.environ.get("HOLDFAST_RUNAS")
        libraries = ":".join(str(folder) for folder in Path(program).parents[1].glob("lib/*-linux-gnu*"))
        self.running = subprocess.Popen(
            [program, "-q", self.file.name], user=account or None, group=account or None, extra_groups=[] if account else None,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )

    def wait(self) -> None:
        for _ in range(100):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.running.poll() is None, self.running.stderr.read()
            time.sleep(0.1)
        raise AssertionError("the pooler does not listen")

    def stop(self) -> None:
        self.running.terminate()
        self.running.wait()
        self.file.close()
