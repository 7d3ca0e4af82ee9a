"""What margins and words are worth: the numbers that make honest probabilities of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.routing.policy.learnt import Head

_SLOPES: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_EVIDENCE: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_OFFSETS: Final = (-4.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0)
_SURE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Judged:
    """A text that a machine did not see in training: its margins, its words' points, its labels."""

    margins: Sequence[float]
    points: Mapping[str, float]
    labels: frozenset[str]


def calibrated(head: Head, judged: Sequence[Judged]) -> Head:
    """`head` with the slope, evidence and offset under which what people said was the likeliest."""
    has_points = any(one.points for one in judged)
    best, least = head, math.inf
    for slope in _SLOPES:
        for evidence in _EVIDENCE if has_points else (0.0,):
            for offset in (0.0,) if head.exclusive else _OFFSETS:
                tried = replace(head, slope=slope, evidence=evidence, offset=offset)
                loss = sum(_losses(tried, judged))
                if loss < least:
                    best, least = tried, loss
    return best


def _losses(head: Head, judged: Sequence[Judged]) -> Iterator[float]:
    for one in judged:
        shares = head.probabilities(one.margins, one.points)
        if head.exclusive:
            yield from (-math.log(max(shares.get(label, 0.0), _SURE)) for label in one.labels)
        else:
            yield from (
                -math.log(max(share if label in one.labels else 1 - share, _SURE))
                for label, share in shares.items()
            )
