"""How values are kept in columns."""

from collections.abc import Sequence
from typing import Any

from services.routing.model import Candidate, Choice, CueHit, Nobody, Reason, Understanding


def understanding_columns(understood: Understanding) -> dict[str, object]:
    """How an understanding is kept."""
    return {
        "kind": understood.kind,
        "categories": [*map(_with_evidence, understood.categories)],
        "severity": understood.severity,
        "urgency": understood.urgency,
        "unsure": understood.unsure,
        "cues": [*map(_with_evidence, understood.cues)],
        "reasons": [*map(columns_of, (*understood.unsure_because, *understood.reasons))],
        "team": understood.team,
        "skills": sorted(understood.skills),
        "language": understood.language,
        "scope": understood.manner.scope,
        "emotion": understood.manner.emotion,
        "wants": list(understood.manner.wants),
        "model": understood.model,
    }


def choice_column(choice: Choice | Nobody) -> dict[str, object]:
    """How the reasons of an assignment are kept."""
    reasons: Sequence[Reason] = choice.reasons if isinstance(choice, Choice) else (choice.reason,)
    return {
        "reasons": [*map(columns_of, reasons)],
        "passed_over": [
            {"handler": one.handler, **columns_of(one.reason)} for one in choice.passed_over
        ],
    }


def columns_of(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of the model
    """A value's fields, as they are: `asdict` copies all that is in them, which costs ten times as much."""
    return {name: getattr(value, name) for name in value.__slots__}


def _with_evidence(value: Candidate | CueHit) -> dict[str, Any]:
    return columns_of(value) | {"evidence": [*map(columns_of, value.evidence)]}
