"""Draws how far each measure is from its target: an SVG of a few kilobytes, for light and dark pages. Pure."""

from collections.abc import Sequence
from html import escape
from math import log2
from typing import Final

from bench.model import Measure, Row, attained, judge, ratios
from bench.report import figure

WIDTH, LEFT, RIGHT, TOP, STEP = 860, 420, 130, 46, 30
LOWEST, HIGHEST = 0.25, 4.0
"""A quarter of the target to four times as good; what lies beyond is drawn at the edge."""
STYLE: Final = """\
text{font:13px system-ui,sans-serif;fill:#1f2937}.small{font-size:11px;fill:#6b7280}.value{font-weight:600}
.line{stroke:#6b7280;stroke-width:1}.target{stroke:#1f2937;stroke-width:1.5}.grid{stroke:#e5e7eb}
.met{fill:#2f855a}.missed{fill:#c05621}.spread{stroke:#1f2937;stroke-width:1.5}
@media (prefers-color-scheme:dark){text{fill:#e5e7eb}.small{fill:#9ca3af}.grid{stroke:#374151}
.target,.spread{stroke:#e5e7eb}.met{fill:#48bb78}.missed{fill:#ed8936}}"""


def draw(measures: Sequence[Measure]) -> str:
    """The picture: a bar a measure, right of the line is met; gates first."""
    shown = [(one, judge(one)) for one in measures]
    shown = [(one, row) for one, row in shown if attained(row) is not None]
    shown.sort(key=lambda pair: not pair[1].gate)
    height = TOP + STEP * len(shown) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">How far each measure is from its target</title>',
        f"<style>{STYLE}</style>",
        *_axis(height),
    ]
    for at, (measure, row) in enumerate(shown):
        parts += _bar(measure, row, TOP + STEP * at)
    return "\n".join([*parts, "</svg>\n"])


def _axis(height: int) -> list[str]:
    bottom = height - 24
    parts = []
    for share, label in ((0.25, "¼"), (0.5, "½"), (1.0, "target"), (2.0, "2×"), (4.0, "4×")):
        x, kind = place(share), "target" if share == 1.0 else "grid"
        parts.append(
            f'<line class="{kind}" x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{bottom}"/>'
        )
        parts.append(
            f'<text class="small" text-anchor="middle" x="{x:.1f}" y="{TOP - 18}">{label}</text>'
        )
    legend = (
        "right of the line: the target is met (line across: lowest and highest round; logarithmic)"
    )
    parts.append(f'<text class="small" x="10" y="{height - 8}">{legend}</text>')
    return parts


def _bar(measure: Measure, row: Row, y: int) -> list[str]:
    reached = attained(row)
    assert reached is not None  # noqa: S101 - only such are shown
    kind = "met" if row.met else "missed"
    zero, end = sorted((place(1.0), place(reached)))
    label = f"{'gate: ' if row.gate else ''}{measure.title}"
    parts = [
        f'<text x="10" y="{y + 14}">{escape(_short(label))}</text>',
        f'<rect class="{kind}" x="{zero:.1f}" y="{y + 3}" width="{max(end - zero, 1.5):.1f}" height="14" rx="2"/>',
        f'<text class="value" x="{WIDTH - RIGHT + 8}" y="{y + 14}">{escape(_reached(row))}</text>',
    ]
    found = ratios(measure)
    if found and row.target:
        low, high = (
            place(one / row.target if row.better == "higher" else row.target / one)
            for one in (min(found), max(found))
        )
        parts.append(
            f'<line class="spread" x1="{low:.1f}" y1="{y + 10}" x2="{high:.1f}" y2="{y + 10}"/>'
        )
    return parts


def place(share: float) -> float:
    """Where a share of the target lies across, on a logarithmic scale."""
    inside = min(max(share, LOWEST), HIGHEST)
    part = (log2(inside) - log2(LOWEST)) / (log2(HIGHEST) - log2(LOWEST))
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _reached(row: Row) -> str:
    sign = "≥" if row.better == "higher" else "≤"
    if row.ratio is not None:
        return f"{row.ratio:.2f}  ({sign} {row.target:g})"
    assert row.value is not None  # noqa: S101 - it was attained
    return f"{figure(row.value)} {row.unit}  ({sign} {row.target:g})"


def _short(label: str) -> str:
    cap = 62
    return label if len(label) <= cap else label[: cap - 1] + "…"
