"""A real server under load, a real exporter, a real Prometheus: every expression of the dashboard returns data, no rule fails,
and what goes wrong fires its alert and ends it. Prints a line a test, as pg_regress does. HOLDFAST_SECONDS is
how long it lasts before something goes wrong, HOLDFAST_PICTURE=FILE draws the panels."""

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from metrics import SCHEMA as OF_SCHEMA, SERVER, name
from panels import ROWS
from picture import picture
from place import DATABASE, Load, Prometheus, folder, prepare, psql, until

SELECTOR = re.compile(r"holdfast_[a-z_]+(?:\{[^}]*\})?")
METRICS = {name(query, column) for query in SERVER + OF_SCHEMA for column in query.columns}


def ready(expression: str) -> str:
    """The expression with what Grafana would put in."""
    return re.sub(r"\$(instance|datname|schema)", ".*", expression).replace("$__rate_interval", "10s")


def every_expression_returns_data(prometheus: Prometheus, _: Load) -> str:
    asked = 0
    for panels in ROWS.values():
        for panel in panels:
            for expression in panel.lines.values():
                until(f"{panel.title}: {expression}", 60, lambda text=expression: prometheus.value(ready(text)))
                asked += 1
    return f"{asked} expressions"


def every_rule_is_evaluated(prometheus: Prometheus, _: Load) -> str:
    until("rules", 30, lambda: prometheus.api("rules")["groups"][0]["lastEvaluation"] > "1")
    rules = prometheus.api("rules")["groups"][0]["rules"]
    for rule in rules:
        assert rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}"
        for selector in SELECTOR.findall(rule["query"]):
            until(f"{rule['name']}: {selector}", 30, lambda selector=selector: prometheus.value(selector))
    return f"{len(rules)} rules"


def nothing_fires_at_rest(prometheus: Prometheus, _: Load) -> str:
    time.sleep(float(os.environ.get("HOLDFAST_SECONDS", "0")))
    until("no alert", 60, lambda: not prometheus.value('ALERTS{alertstate="firing"}'))
    return ""


def the_other_exporter_says_the_same(prometheus: Prometheus, _: Load) -> str:
    said = prometheus.other_metrics()
    assert said >= METRICS, f"postgres_exporter lacks {sorted(METRICS - said)}"
    return f"{len(METRICS)} metrics"


def fires_and_ends(prometheus: Prometheus, alert: str, mend: Callable[[], object]) -> str:
    fired = until(f"{alert} fires", 60, lambda: prometheus.firing(alert))
    mend()
    ended = until(f"{alert} ends", 90, lambda: not prometheus.firing(alert))
    return f"{alert}: fired after {fired:.0f} s, ended after {ended:.0f} s"


def a_confirmed_booking() -> str:
    return psql("select id from bookings where status = 'confirmed' order by updated_at desc limit 1")


def a_mismatch(prometheus: Prometheus, _: Load) -> str:
    booking = a_confirmed_booking()
    psql(f"delete from allocations where booking_id = '{booking}'")
    repair = f"select * from repair_booking('{booking}', p_dry_run => false)"
    return fires_and_ends(prometheus, "HoldfastMismatchFound", lambda: psql(repair))


def a_stopped_worker(prometheus: Prometheus, _: Load) -> str:
    psql("alter system set holdfast.worker = off; select pg_reload_conf();")
    again = "alter system set holdfast.worker = on; select pg_reload_conf();"
    return fires_and_ends(prometheus, "HoldfastWorkerSilent", lambda: psql(again))


def a_storm_of_timeouts(prometheus: Prometheus, _: Load) -> str:
    booking = a_confirmed_booking()
    call = f"""
        select * from atomic_confirm_and_transition_within(p_booking_id => '{booking}', p_hold_id => gen_random_uuid(),
                                                           p_timeout_ms => 20, p_idempotency_key => 'late');
    """
    holder = f"begin; select from bookings where id = '{booking}' for update; select pg_sleep(15);"
    sessions = [threading.Thread(target=psql, args=(text, DATABASE, False)) for text in (holder, call * 500)]
    for session in sessions:
        session.start()
    return fires_and_ends(prometheus, "HoldfastTimeoutRate", lambda: [session.join() for session in sessions])


CASES = [
    every_expression_returns_data,
    every_rule_is_evaluated,
    the_other_exporter_says_the_same,
    nothing_fires_at_rest,
    a_mismatch,
    a_stopped_worker,
    a_storm_of_timeouts,
]


def main() -> int:
    prepare()
    failed, load, began = 0, Load(), time.time()
    with folder() as place, Prometheus(Path(place)) as prometheus:
        load.thread.start()
        for number, case in enumerate(CASES, 1):
            try:
                print(f"ok {number} - {case.__name__} {case(prometheus, load)}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"{error}\nnot ok {number} - {case.__name__}", flush=True)
        if drawing := os.environ.get("HOLDFAST_PICTURE"):
            span = (began, time.time())
            Path(drawing).write_text(picture(lambda text: prometheus.series(ready(text), span), span))
        if failed:
            for log in Path(place).glob("*.log"):
                print(log.name, *log.read_text().splitlines()[-10:], sep="\n  ")
        load.stop()
    return 1 if failed else 0


sys.exit(main())
