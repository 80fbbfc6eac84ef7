"""Draws the dashboard's panels from what Prometheus has, as the picture in docs/monitoring.md."""

import math
from collections.abc import Callable
from html import escape
from re import sub

from panels import ROWS, Panel

WIDTH, HEIGHT, ACROSS, LEFT, TOP, LINES = 300, 150, 4, 52, 26, 4
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"]
FACTORS = {"ops": (1, "/s"), "percentunit": (100, "%"), "bytes": (1e-6, "MB"), "s": (1, "s"), "short": (1, "")}
Points = list[tuple[float, float]]


def number(value: float, unit: str) -> str:
    factor, word = FACTORS[unit]
    value *= factor
    if unit == "s" and value and value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.3g} {word}".strip()


def named(legend: str, labels: dict[str, str]) -> str:
    return sub(r"\{\{(\w+)\}\}", lambda label: labels.get(label[1], ""), legend)


def drawn(panel: Panel, x: int, y: int, lines: list[tuple[str, Points]], span: tuple[float, float]) -> str:
    wide, high = WIDTH - LEFT - 14, HEIGHT - TOP - 44
    most = max((value for _, points in lines for _, value in points), default=0) or 1
    parts = [
        f'<g transform="translate({x},{y})"><rect width="{WIDTH - 8}" height="{HEIGHT - 8}" rx="3" fill="#fff" stroke="#ccc"/>',
        f'<text x="8" y="17" font-weight="bold">{escape(panel.title)}</text>',
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end" fill="#666">{number(most, panel.unit)}</text>',
        f'<text x="{LEFT - 4}" y="{TOP + high}" text-anchor="end" fill="#666">0</text>',
        f'<path d="M{LEFT},{TOP}V{TOP + high}H{LEFT + wide}" fill="none" stroke="#ddd"/>',
    ]
    for at, (legend, points) in enumerate(lines):
        place = " ".join(
            f"{LEFT + (when - span[0]) / (span[1] - span[0]) * wide:.0f},{TOP + high - value / most * high:.0f}"
            for when, value in points
        )
        parts.append(f'<polyline points="{place}" fill="none" stroke="{COLOURS[at]}" stroke-width="1.3"/>')
        left, below = 8 + at % 2 * (WIDTH // 2 - 8), TOP + high + 15 + at // 2 * 13
        parts.append(f'<text x="{left}" y="{below}" fill="{COLOURS[at]}">{escape(legend[:26])}</text>')
    return "".join(parts) + "</g>\n"


def picture(ask: Callable[[str], list], span: tuple[float, float]) -> str:
    """`ask` returns the series of an expression, as query_range has them."""
    body, y = "", 4
    for row, panels in ROWS.items():
        body += f'<text x="6" y="{y + 14}" font-size="13" font-weight="bold">{row}</text>\n'
        y += 22
        for at, panel in enumerate(panels):
            lines = []
            for legend, expression in panel.lines.items():
                for series in ask(expression):
                    points = [(when, float(value)) for when, value in series["values"] if math.isfinite(float(value))]
                    lines.append((named(legend, series["metric"]), points))
            lines.sort(key=lambda line: -max((value for _, value in line[1]), default=0))
            body += drawn(panel, 4 + at % ACROSS * WIDTH, y + at // ACROSS * HEIGHT, lines[:LINES], span)
        y += math.ceil(len(panels) / ACROSS) * HEIGHT
    size = f'width="{ACROSS * WIDTH}" height="{y}" viewBox="0 0 {ACROSS * WIDTH} {y}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="10">\n'
        f'<rect width="100%" height="100%" fill="#f6f6f6"/>\n{body}</svg>\n'
    )
