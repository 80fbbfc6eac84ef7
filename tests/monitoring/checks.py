"""The files of monitoring/: that promtool accepts them, that alerts fire when they should and only then, that what is made by
code is what the code makes. Prints a line a test, as pg_regress does. `checks.py write` writes the files that code makes."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import exporters
from dashboard import dashboard
from metrics import COUNTER, HISTOGRAM, SCHEMA, SERVER, name
from panels import ROWS

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
MADE: dict[str, Callable[[], str]] = {**exporters.FILES, "grafana/holdfast.json": dashboard}
METRICS = {name(query, column) for query in SERVER + SCHEMA for column in query.columns}
# Told to Prometheus, and for whoever asks more than the dashboard does.
NOT_SHOWN = {"holdfast_worker_attached_schemas", "holdfast_worker_skipped_schemas", "holdfast_phase_duration_seconds_count"}
UNBOUNDED = re.compile(r"booking|key|restaurant|trace|hold_id|pid|message")


def promtool(*arguments: str) -> None:
    run = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def is_as_made(path: str) -> None:
    made = MADE[path]()
    assert (MONITORING / path).read_text() == made, f"monitoring/{path} differs: toolchain/monitoring write"


def alerts() -> dict[str, str]:
    """The text of each alert, by its name."""
    parts = (MONITORING / "alerts.yml").read_text().split("  - alert: ")[1:]
    return {part.split("\n")[0]: part for part in parts}


def test_of(alert: str) -> Path:
    words = re.findall("[A-Z][a-z]+", alert.removeprefix("Holdfast"))
    return MONITORING / "alerts" / ("_".join(words).lower() + ".yml")


def fires_and_does_not(alert: str) -> None:
    text = test_of(alert).read_text()
    assert f"alertname: {alert}\n" in text
    assert "exp_alerts:\n    - exp_labels" in text, "no case in which it fires"
    assert "exp_alerts: []" in text, "no case in which it does not fire"
    promtool("test", "rules", str(test_of(alert)))


def has_a_runbook(alert: str) -> None:
    address = f"docs/alerts.md#{alert.lower()}"
    assert f"runbook_url: {address}\n" in alerts()[alert], address
    section = (ROOT / "docs/alerts.md").read_text().split(f"\n## {alert}\n")
    assert len(section) == 2, f"docs/alerts.md has no section {alert}"
    assert section[1].lstrip().startswith("```sql\n"), "the section begins with a query"


def names(expressions: Iterable[str]) -> set[str]:
    return {word for text in expressions for word in re.findall(r"\bholdfast_[a-z_]+", text)}


def only_known_metrics() -> None:
    shown = names(text for panels in ROWS.values() for panel in panels for text in panel.lines.values())
    fired = names(text.split("labels:")[0] for text in alerts().values())
    unknown = (shown | fired) - METRICS
    assert not unknown, f"nobody measures {sorted(unknown)}"
    unused = METRICS - shown - fired - NOT_SHOWN
    assert not unused, f"nobody looks at {sorted(unused)}"


def named_by_convention() -> None:
    for query in SERVER + SCHEMA:
        wide = [label for label in query.labels if UNBOUNDED.search(label)]
        assert not wide, f"{query.name}: a label without bound: {wide}"
        for column, (kind, sentence) in query.columns.items():
            is_total = column == "total" or column.endswith("_total")
            assert is_total == (kind == COUNTER), f"{name(query, column)}: _total is for counters, and for all of them"
            is_part = column.endswith(("_bucket", "_sum", "_count"))
            assert is_part == (kind == HISTOGRAM), f"{name(query, column)}: these endings are for histograms"
            assert sentence.endswith("."), f"{name(query, column)}: {sentence}"
            assert not re.search("_(ms|kb|minutes|hours|percent)$", column), f"{name(query, column)}: base units"


def no_test_without_alert() -> None:
    strays = set((MONITORING / "alerts").iterdir()) - {test_of(alert) for alert in alerts()}
    assert not strays, f"no alert for {sorted(stray.name for stray in strays)}"
    assert len(alerts()) >= 12


def cases() -> Iterable[tuple[str, Callable[[], None]]]:
    yield "rules", lambda: promtool("check", "rules", str(MONITORING / "alerts.yml"))
    yield "prometheus.yml", lambda: promtool("check", "config", str(MONITORING / "prometheus.yml"))
    yield "names_and_labels", named_by_convention
    yield "known_metrics", only_known_metrics
    yield "tests_have_alerts", no_test_without_alert
    for path in MADE:
        yield path, lambda path=path: is_as_made(path)
    for alert in alerts():
        yield alert, lambda alert=alert: fires_and_does_not(alert)
        yield f"{alert}_runbook", lambda alert=alert: has_a_runbook(alert)


def main() -> int:
    if sys.argv[1:] == ["write"]:
        for path, make in MADE.items():
            (MONITORING / path).parent.mkdir(exist_ok=True)
            (MONITORING / path).write_text(make())
        return 0
    failed = 0
    for number, (what, check) in enumerate(cases(), 1):
        try:
            check()
            print(f"ok {number} - {what}")
        except Exception as error:  # whatever goes wrong has the name of its test
            failed += 1
            print(f"{error}\nnot ok {number} - {what}")
    return 1 if failed else 0


sys.exit(main())
