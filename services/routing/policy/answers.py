"""What a learnt model answers to one text; without a model it answers nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.routing.model import Evidence
from services.routing.policy.features import features, pointed, words
from services.routing.policy.learnt import Learnt

MOST_TELLING = 3
WORDS_ALONE = "words-2"
"""The model's name where nothing is learnt yet."""


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's margins for the text that a customer wrote, by head."""

    model: Learnt | None = None
    text: str = ""
    margins: Mapping[str, list[float]] = field(default_factory=dict)
    _totals: dict[bool, tuple[list[tuple[int, int]], list[int]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Which model it is."""
        return self.model.name if self.model else WORDS_ALONE

    def likely(self, head: str) -> dict[str, float]:
        """How likely each label of a head is; empty without a model."""
        one = self.model.head(head) if self.model else None
        return one.probabilities(self.margins[head]) if one else {}

    def shown(self, head: str, least: float) -> dict[str, float]:
        """What is at least so likely."""
        one = self.model.head(head) if self.model else None
        return one.likely(self.margins[head], least) if one else {}

    def telling(self, head: str, label: str) -> tuple[Evidence, ...]:
        """The words of the text that speak most for a label."""
        if self.model is None:
            return ()
        # A word that was learnt as a whole says it best; else its letters do.
        found = self._said(head, label, whole=True) or self._said(head, label, whole=False)
        most = sorted(found, reverse=True)[:MOST_TELLING]
        return tuple(
            Evidence(self.text[start:end].lower(), "text", start, end, round(weight, 3), "learnt")
            for weight, start, end in sorted(most, key=lambda one: one[1])
        )

    def _said(self, head: str, label: str, *, whole: bool) -> list[tuple[float, int, int]]:
        if self.model is None:
            return []
        if whole not in self._totals:
            self._totals[whole] = self._added(self.model, whole=whole)
        places, totals = self._totals[whole]
        said = self.model.weights(totals, head=head, label=label)
        return [
            (weight, start, end)
            for weight, (start, end) in zip(said, places, strict=True)
            if weight > 0
        ]

    def _added(self, model: Learnt, *, whole: bool) -> tuple[list[tuple[int, int]], list[int]]:
        """Where words stand that the model knows, and their rows: once a text, whatever is asked."""
        places, totals = [], []
        for start, end, parts in words(self.text):
            total = model.rows.get(parts[0], 0) if whole else model.total(parts)
            if total:
                places.append((start, end))
                totals.append(total)
        return places, totals


def ask(model: Learnt | None, text: str, subject: str, points: Mapping[str, float]) -> Answers:
    """Ask a model about a normalised text and its subject. `points`: what the words count for."""
    if model is None:
        return Answers()
    found = {*features(text), *pointed(points)}
    if subject:
        found |= features(subject)
    return Answers(model, text, model.margins(found))
