"""Prints what `metrics.py` lists as the configuration of an exporter."""

import textwrap
from collections.abc import Iterable

from metrics import GAUGE, HISTOGRAM, SCHEMA, SERVER, Query, name

MADE = "# Made by `toolchain/monitoring write` from monitoring/metrics.py.\n"
ADDRESS = "postgres://holdfast_exporter@localhost:5432/holdfast?sslmode=disable"
OF_SCHEMA = f"{ADDRESS}&search_path=public"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def block(sql: str, indent: int) -> str:
    return "|\n" + textwrap.indent(textwrap.dedent(sql).strip(), " " * indent) + "\n"


def justwatch_query(query: Query) -> Iterable[str]:
    sentences = [sentence for _, sentence in query.columns.values()]
    yield f"  - name: {query.name}\n"
    yield f"    help: {quoted(sentences[0] if len(sentences) == 1 else 'Label col says which number it is.')}\n"
    if query.labels:
        yield f"    labels: [{', '.join(query.labels)}]\n"
    yield f"    values: [{', '.join(query.columns)}]\n"
    yield "    allow_zero_rows: true\n"
    yield f"    query: {block(query.sql, 6)}"


def justwatch() -> str:
    """github.com/justwatchcom/sql_exporter, which is Debian's prometheus-sql-exporter."""
    lines = [
        MADE,
        "# For github.com/justwatchcom/sql_exporter, Debian's prometheus-sql-exporter. It says sql_NAME{col=\"COLUMN\"};\n",
        "# prometheus.yml makes NAME_COLUMN of that, which are the names of the alerts and the dashboard.\n",
        "jobs:\n",
    ]
    for job, address, queries in (("holdfast_server", ADDRESS, SERVER), ("holdfast_schema", OF_SCHEMA, SCHEMA)):
        lines += [f"- name: {job}\n", "  interval: 15s\n"]
        if queries is SCHEMA:
            lines.append("  # A line a schema: its name stands behind search_path.\n")
        lines += ["  connections:\n", f"  - {quoted(address)}\n"]
        lines += ["  startup_sql:\n", "  - 'set statement_timeout = 5000'\n", "  queries:\n"]
        for query in queries:
            lines += justwatch_query(query)
    return "".join(lines)


def collector(kind: str, queries: list[Query]) -> Iterable[str]:
    yield f"- collector_name: {kind}\n"
    yield "  metrics:\n"
    for query in queries:
        for column, (type_, sentence) in query.columns.items():
            yield f"  - metric_name: {name(query, column)}\n"
            # It knows no histogram; a counter whose name does not end in _total may get that from a library.
            yield f"    type: {GAUGE if type_ == HISTOGRAM else type_}\n"
            yield f"    help: {quoted(sentence)}\n"
            if query.labels:
                yield f"    key_labels: [{', '.join(query.labels)}]\n"
            yield f"    values: [{column}]\n"
            yield f"    query_ref: {query.name}\n"
    yield "  queries:\n"
    for query in queries:
        yield f"  - query_name: {query.name}\n"
        yield f"    query: {block(query.sql, 6)}"


def burningalchemist() -> str:
    """github.com/burningalchemist/sql_exporter."""
    lines = [
        MADE,
        "# For github.com/burningalchemist/sql_exporter. A target a schema: its name stands behind search_path.\n",
        "global:\n  scrape_timeout: 5s\n  scrape_timeout_offset: 500ms\n  min_interval: 0s\n",
        "  max_connections: 2\n  max_idle_connections: 2\n",
        "jobs:\n",
    ]
    for kind, target, address in (
        ("holdfast_server", "server", ADDRESS),
        ("holdfast_schema", "schema_public", OF_SCHEMA),
    ):
        lines += [f"- job_name: {kind}\n", f"  collectors: [{kind}]\n", "  static_configs:\n"]
        lines += ["  - targets:\n", f"      {target}: {quoted(address)}\n"]
    lines.append("collectors:\n")
    for kind, queries in (("holdfast_server", SERVER), ("holdfast_schema", SCHEMA)):
        lines += collector(kind, queries)
    return "".join(lines)


def columns(query: Query, indent: str) -> Iterable[str]:
    for label in query.labels:
        yield f"{indent}- {label}:\n{indent}    usage: LABEL\n{indent}    description: {quoted(label)}\n"
    for column, (type_, sentence) in query.columns.items():
        usage = "GAUGE" if type_ == GAUGE else "COUNTER"
        yield f"{indent}- {column}:\n{indent}    usage: {usage}\n{indent}    description: {quoted(sentence)}\n"


def pg_exporter() -> str:
    """github.com/Vonng/pg_exporter: a file for the folder of its collectors."""
    lines = [
        MADE,
        "# For github.com/Vonng/pg_exporter: copy it into /etc/pg_exporter. Queries of the second half read the schema\n",
        "# that is first in the search_path: PG_EXPORTER_URL=…?search_path=public, an exporter a schema.\n",
    ]
    for queries, seconds in ((SERVER, 1), (SCHEMA, 5)):
        for query in queries:
            sentence = next(iter(query.columns.values()))[1]
            lines += [f"\n{query.name}:\n", f"  name: {query.name}\n", f"  desc: {quoted(sentence)}\n"]
            lines += [f"  query: {block(query.sql, 4)}", "  ttl: 5\n", f"  timeout: {seconds}\n"]
            lines += ["  tags: ['extension:holdfast']\n", "  metrics:\n", *columns(query, "    ")]
    return "".join(lines)


def postgres_exporter() -> str:
    """github.com/prometheus-community/postgres_exporter: custom queries, which are deprecated there."""
    lines = [
        MADE,
        "# For postgres_exporter's --extend.query-path, which its authors have deprecated: prefer one of the others.\n",
        "# DATA_SOURCE_NAME has an address a schema, with its name behind search_path.\n",
    ]
    for query in SERVER + SCHEMA:
        lines += [f"\n{query.name}:\n", f"  query: {block(query.sql, 4)}", "  metrics:\n", *columns(query, "    ")]
    return "".join(lines)


FILES = {
    "sql_exporter/debian.yml": justwatch,
    "sql_exporter/burningalchemist.yml": burningalchemist,
    "pg_exporter/holdfast.yml": pg_exporter,
    "postgres_exporter/queries.yml": postgres_exporter,
}
