"""What a run writes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from bench.__main__ import write
from bench.machine import Machine
from bench.model import Measure
from bench.picture import WIDTH, draw, place
from bench.report import Run, document, page

if TYPE_CHECKING:
    from pathlib import Path

MET = Measure("intake", "Intake", "1/s", "higher", (60, 70), (100, 100), 0.5, gate=True)
MISSED = Measure("relay", "Relay <bare>", "1/s", "higher", (5, 5), (10, 10), 0.7, gate=True)
GOAL = Measure("memory", "Memory", "MB", "lower", (200,), (), 250.0, note="230 MB at most")
UNMEASURED = Measure("kafka", "Kafka", "1/s", "higher", (), (), 0.7, gate=True, note="no Java here")
ALL = (MET, MISSED, GOAL, UNMEASURED)
COLUMNS = ["name", "value", "unit", "better", "floor", "ratio", "target", "gate", "met"]


def run(*measures: Measure) -> Run:
    machine = Machine(2, 23.5, "Linux x86_64", "3.11.7", "3.45.1", 0.1, 1.2)
    return Run("2026-03-02", 2, is_quick=False, machine=machine, measures=measures)


def test_a_row_has_the_nine_agreed_columns() -> None:
    rows = document(run(*ALL))["rows"]

    assert [list(row) for row in rows] == [COLUMNS] * len(ALL)
    assert rows[0] == dict(
        zip(COLUMNS, ["intake", 65, "1/s", "higher", 100, 0.65, 0.5, True, True], strict=True)
    )


def test_a_run_passes_only_with_every_gate_met() -> None:
    assert document(run(MET, GOAL))["passed"] is True
    assert document(run(MET, MISSED))["passed"] is False


def test_the_page_names_what_is_missed_and_the_spread_of_ratios() -> None:
    text = page(run(*ALL))

    assert "Missed gates: Relay <bare>; Kafka." in text
    assert "| Intake | 65 1/s | 100 1/s | 0.65 (0.60..0.70) | ≥ 0.5 | gate | yes |" in text
    assert "| Memory | 200 MB |  |  | ≤ 250 MB | goal | yes |" in text
    assert "- Kafka: no Java here." in text
    assert "Every gate is met." in page(run(MET, GOAL))


def test_the_picture_is_small_well_formed_and_leaves_out_what_was_not_measured() -> None:
    picture = draw(ALL)

    drawn = ET.fromstring(picture)  # noqa: S314 - made here
    bars = [each for each in drawn.iter() if each.tag.endswith("rect")]
    assert [bar.get("class") for bar in bars] == ["met", "missed", "met"]
    assert len(picture) < 8_000


def test_what_lies_far_beyond_the_target_stays_inside_the_picture() -> None:
    assert place(1e-9) == place(0.25)
    assert place(1e9) == place(4) < WIDTH


def test_results_page_and_picture_are_written_together(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()

    write(run(*ALL), tmp_path)

    written = json.loads((tmp_path / "bench" / "results" / "latest.json").read_text("utf-8"))
    assert written == document(run(*ALL))
    assert (tmp_path / "docs" / "performance.md").read_text("utf-8") == page(run(*ALL))
    assert (tmp_path / "docs" / "performance.svg").read_text("utf-8") == draw(ALL)
