"""What a learnt model answers to one text; without a model it answers nothing."""

from collections.abc import Mapping
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

    def cue(self, cue: str) -> float:
        """How likely the text shows a cue, words aside."""
        return self._alone("cue", cue)

    @property
    def danger(self) -> float:
        """How likely a text is critical, words aside."""
        return self._alone("danger", "danger")

    def telling(self, head: str, label: str) -> tuple[Evidence, ...]:
        """The words of the text that speak most for a label."""
        if self.model is None:
            return ()
        found = [
            (self.model.weight(parts, head=head, label=label), start, end)
            for start, end, parts in words(self.text)
        ]
        most = sorted((one for one in found if one[0] > 0), reverse=True)[:MOST_TELLING]
        return tuple(
            Evidence(self.text[start:end].lower(), "text", start, end, round(weight, 3), "learnt")
            for weight, start, end in sorted(most, key=lambda one: one[1])
        )

    def _alone(self, head: str, label: str) -> float:
        one = self.model.head(head) if self.model else None
        if one is None or label not in one.labels:
            return 0.0
        return one.likelihood(self.margins[head][one.labels.index(label)])


def ask(model: Learnt | None, text: str, subject: str) -> Answers:
    """Ask a model about a normalised text and its subject."""
    if model is None:
        return Answers()
    found = features(text)
    if subject:
        found |= features(subject)
    return Answers(model, text, model.margins(found))
