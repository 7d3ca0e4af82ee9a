"""What a learnt model answers to one text; without a model it answers nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.routing.model import Evidence
from services.routing.policy.features import features, words
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

    @property
    def name(self) -> str:
        """Which model it is."""
        return self.model.name if self.model else WORDS_ALONE

    def likely(self, head: str, points: Mapping[str, float]) -> dict[str, float]:
        """How likely each label of a head is, with what the pack's words count for; empty without."""
        one = self.model.head(head) if self.model else None
        return one.probabilities(self.margins[head], points) if one else {}

    def shown(self, head: str, least: float) -> dict[str, float]:
        """What is at least so likely by what was learnt alone, words aside."""
        one = self.model.head(head) if self.model else None
        return one.likely(self.margins[head], least) if one else {}

    def telling(self, head: str, label: str) -> tuple[Evidence, ...]:
        """The words of the text that speak most for a label."""
        if self.model is None:
            return ()
        places = list(words(self.text))
        # A word that was learnt as a whole says it best; else its letters do.
        found = self._said(head, label, [(start, end, parts[:1]) for start, end, parts in places])
        found = found or self._said(head, label, places)
        most = sorted(found, reverse=True)[:MOST_TELLING]
        return tuple(
            Evidence(self.text[start:end].lower(), "text", start, end, round(weight, 3), "learnt")
            for weight, start, end in sorted(most, key=lambda one: one[1])
        )

    def _said(
        self, head: str, label: str, places: Sequence[tuple[int, int, tuple[int, ...]]]
    ) -> list[tuple[float, int, int]]:
        if self.model is None:
            return []
        said = self.model.weights((parts for _, _, parts in places), head=head, label=label)
        return [
            (weight, start, end)
            for weight, (start, end, _) in zip(said, places, strict=True)
            if weight > 0
        ]


def ask(model: Learnt | None, text: str, subject: str) -> Answers:
    """Ask a model about a normalised text and its subject."""
    if model is None:
        return Answers()
    found = features(text)
    if subject:
        found |= features(subject)
    return Answers(model, text, model.margins(found))
