"""What a measurement is, and how it is judged. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing measured, a value per round; `floors` holds the floor's value of the same round.

    `target` is a ratio to the floor where there is one, else a value in `unit`; None: only reported.
    """

    name: str
    title: str
    unit: str
    better: Better
    values: tuple[float, ...]
    floors: tuple[float, ...] = ()
    target: float | None = None
    gate: bool = False
    note: str = ""
    """Why it was not measured, or what else should be known."""


@dataclass(frozen=True, slots=True)
class Row:
    """A measure in one line: medians over the rounds. `met` is None where there is no target to meet."""

    name: str
    value: float | None
    unit: str
    better: Better
    floor: float | None
    ratio: float | None
    target: float | None
    gate: bool
    met: bool | None


def ratios(measure: Measure) -> tuple[float, ...]:
    """Product by floor, round by round: both sides of a round had the same machine."""
    return tuple(ours / floor for ours, floor in zip(measure.values, measure.floors, strict=False))


def judge(measure: Measure) -> Row:
    """The row of a measure. A gate that could not be measured is missed."""
    found = ratios(measure)
    ratio = median(found) if found else None
    value = median(measure.values) if measure.values else None
    return Row(
        name=measure.name,
        value=value,
        unit=measure.unit,
        better=measure.better,
        floor=median(measure.floors) if measure.floors else None,
        ratio=ratio,
        target=measure.target,
        gate=measure.gate,
        met=_is_met(measure, value if ratio is None else ratio),
    )


def _is_met(measure: Measure, reached: float | None) -> bool | None:
    if measure.target is None:
        return None
    if reached is None:
        return False if measure.gate else None
    return reached >= measure.target if measure.better == "higher" else reached <= measure.target


def attained(row: Row) -> float | None:
    """How much of its target a row reached: 1 is just met, 2 twice as good as asked."""
    reached = row.value if row.ratio is None else row.ratio
    if reached is None or not row.target or reached <= 0:
        return None
    return reached / row.target if row.better == "higher" else row.target / reached


def is_passed(rows: Sequence[Row]) -> bool:
    """Whether no gate is missed."""
    return all(row.met for row in rows if row.gate)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` (0 to 1) of the values do not exceed: the nearest rank, no interpolation."""
    ordered = sorted(values)
    rank = -int(-part * len(ordered) // 1)
    return ordered[min(max(rank, 1), len(ordered)) - 1]
