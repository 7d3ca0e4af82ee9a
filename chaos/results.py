"""Results of runs, kept so that slices add up, and the table of them in docs/guarantees.md. Pure but for the files."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chaos.run import Outcome

ROOT = Path(__file__).parents[1]
FILE = ROOT / "chaos" / "results.json"
PAGE = ROOT / "docs" / "guarantees.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
TITLES = {
    "points": "kill -9 at a named point",
    "random": "kill -9 at random",
    "calm": "left alone",
    "freeze": "frozen and thawed (zombies)",
    "broker": "broker killed and back",
    "database": "PostgreSQL killed and back",
    "clocks": "clock jumps and skews",
    "churn": "members leave and join",
    "catchup": "cold start with a backlog of thousands",
    "disk": "disk full and free again",
    "poison": "records that cannot be applied",
    "storm": "everything delivered again, shuffled",
    "links": "half-open links",
    "handover": "a replica stops in order, the others go on",
    "takeover": "a replica is killed, the others go on",
}
ENGINES = {"embedded": "embedded", "grown": "Kafka + PostgreSQL"}
Document = dict[str, Any]


def load() -> list[Document]:
    """What earlier runs left."""
    return list(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else []


def keep(outcomes: Iterable[Outcome], *, afresh: bool) -> None:
    """Add results; `afresh` forgets older ones of the same engine and scenario."""
    new = [one.document() for one in outcomes]
    replaced = {(one["engine"], one["scenario"]) for one in new} if afresh else set()
    old = [one for one in load() if (one["engine"], one["scenario"]) not in replaced]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in [*old, *new])
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def write_page() -> None:
    """Put the table into the page, between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    table = f"{BEGIN}\n\n{in_words(load())}\n{END}"
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: table, page), encoding="utf-8")


def in_words(documents: Sequence[Document]) -> str:
    """The results as a Markdown table, a row for each engine and scenario."""
    groups: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for one in documents:
        groups[one["scenario"], one["engine"]].append(one)
    rows = [
        "| What was done | Engine | Times | Complaints | Broken promises | Back after (median, longest) | Measured |",
        "|---|---|---:|---:|---|---|---|",
    ]
    for scenario in TITLES:
        rows += [
            _row(scenario, engine, groups[scenario, engine])
            for engine in ENGINES
            if (scenario, engine) in groups
        ]
    return "\n".join(rows) + "\n"


def _row(scenario: str, engine: str, runs: Sequence[Document]) -> str:
    broken = sorted({text.split(" ", 1)[0] for one in runs for text in one["violations"]})
    longest = [one["recovery_max"] for one in runs if one["recovery_max"] is not None]
    middle = [one["recovery_median"] for one in runs if one["recovery_median"] is not None]
    back = f"{max(middle):.1f} s, {max(longest):.1f} s" if longest else "–"
    if alone := [one["undisturbed_median"] for one in runs if one.get("undisturbed_median")]:
        back += f" (with nothing ended: {max(alone):.1f} s)"
    cells = (
        TITLES[scenario],
        ENGINES[engine],
        sum(one["faults"] for one in runs),
        f"{sum(one['complaints'] for one in runs):,}",
        ", ".join(broken) or "none",
        back,
        max(one["measured_on"] for one in runs),
    )
    return f"| {' | '.join(map(str, cells))} |"
