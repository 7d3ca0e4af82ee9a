"""What margins are worth: the numbers that make honest probabilities of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.routing.policy.learnt import Head

_ROUNDS: Final = 40
_STEP: Final = 0.5
"""Of the way to where each number alone would be best: they move together."""
_SHORTER: Final = 0.4
_SURE: Final = 1e-6
_FIRST: Final = 3.0
_LEAST_SLOPE: Final = 0.1
_PULL: Final = 2.0
"""How many texts it takes to move an offset from nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A text that a machine did not see in training: its margins and its labels."""

    margins: Sequence[float]
    labels: frozenset[str]


def calibrated(head: Head, judged: Sequence[Judged], *, offsets: bool = True) -> Head:
    """`head` with the slope and offsets under which what people said was the likeliest (Newton's
    way, a number at a time). `offsets` false: one slope alone, for labels of few texts each.
    """
    if not judged or not head.labels:
        return head
    found = replace(head, slope=_FIRST, offsets=(0.0,) * len(head.labels))
    loss, step = _loss(found, judged), _STEP
    for _ in range(_ROUNDS):
        tried = _nearer(found, judged, step, offsets=offsets)
        less = _loss(tried, judged)
        if less < loss:
            found, loss = tried, less
        else:
            step *= _SHORTER
    return found


def _loss(head: Head, judged: Sequence[Judged]) -> float:
    """How unlikely what people said is, and how far the offsets are from nothing."""
    lost = _PULL / 2 * sum(one * one for one in head.offsets)
    for one in judged:
        shares = head.probabilities(one.margins)
        if head.exclusive:
            lost -= sum(math.log(max(shares[label], _SURE)) for label in one.labels)
        else:
            lost -= sum(
                math.log(max(share if label in one.labels else 1 - share, _SURE))
                for label, share in shares.items()
            )
    return lost


def _nearer(head: Head, judged: Sequence[Judged], step: float, *, offsets: bool) -> Head:
    """One step: against the slope of the loss, by its bend."""
    count = len(head.labels)
    pull, bend = [one * _PULL for one in head.offsets], [_PULL] * count
    slope_pull, slope_bend = 0.0, 1e-6
    for one in judged:
        shares = head.shares(one.margins)
        mean = 0.0
        square = 0.0
        for at, (share, margin) in enumerate(zip(shares, one.margins, strict=True)):
            error = share - (head.labels[at] in one.labels)
            pull[at] += error
            bend[at] += share * (1 - share)
            slope_pull += error * margin
            mean += share * margin
            square += share * margin * margin
            if not head.exclusive:
                slope_bend += share * (1 - share) * margin * margin
        if head.exclusive:
            slope_bend += square - mean * mean
    moved = [
        offset - step * by / over for offset, by, over in zip(head.offsets, pull, bend, strict=True)
    ]
    slope = max(_LEAST_SLOPE, head.slope - step * slope_pull / slope_bend)
    return replace(head, slope=slope, offsets=tuple(moved) if offsets else head.offsets)
