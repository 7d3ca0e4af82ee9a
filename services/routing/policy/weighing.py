"""How likely each severity is, out of everything that speaks for one: weighed as it proved right.

The weights (multinomial logistic regression) were fitted on the packs' examples, each understood by
models that did not learn it (see `bench.crosswise`). `normal` is what the others are held against.
"""

import math
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Final

from services.routing.model import CueHit
from services.routing.policy.cue import ABOUT_PEOPLE
from shared.packs.model import SEVERITIES, Severity

Outlook = Mapping[Severity, float]
"""How likely each severity is."""

_WEIGHTS: Final[Mapping[Severity, Sequence[float]]] = {
    "low": (0.51, 0.89, -0.83, 0.21, 0.08, 0.11, -0.2, 0.17, 0.13, 0.82),
    "normal": (0.0,) * 10,
    "high": (-0.17, 0.05, -0.79, 1.33, 0.16, 0.0, -0.26, 0.95, 1.83, 1.28),
    "critical": (0.32, -0.01, -0.68, 0.54, 0.92, 0.2, 0.02, 3.34, 1.54, 0.68),
}
"""For each severity: what it has by itself, then for each sign of `_signs`, in order."""
_LEAST: Final = 1e-4


def weighed(outlook: Outlook, *, high: float, critical: float, cues: Sequence[CueHit]) -> Outlook:
    """`outlook` corrected by how grave the text reads (`high`, `critical`) and the cues that show."""
    signs = _signs(outlook, high, critical, cues)
    scores = [sum(map(mul, _WEIGHTS[one], signs)) for one in SEVERITIES]
    most = max(scores)
    shares = [math.exp(score - most) for score in scores]
    total = sum(shares)
    return {one: share / total for one, share in zip(SEVERITIES, shares, strict=True)}


def _signs(
    outlook: Outlook, high: float, critical: float, cues: Sequence[CueHit]
) -> tuple[float, ...]:
    """One, for what a severity has by itself; how likely each is; how grave it reads; the cues."""
    said = {"people" if cue.id in ABOUT_PEOPLE else cue.effect for cue in cues}
    return (
        1.0,
        *(math.log(max(outlook[one], _LEAST)) for one in SEVERITIES),
        _logit(high),
        _logit(critical),
        *(float(one in said) for one in ("critical", "high", "people")),
    )


def _logit(share: float) -> float:
    kept = min(max(share, _LEAST), 1 - _LEAST)
    return math.log(kept / (1 - kept))
