"""How right answers are: figures of pairs of what is true and what was found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SHARES: Final = (1.0, 0.9, 0.8, 0.7, 0.5)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is true of a text, what was found, and how sure that is, 0 to 1."""

    true: str
    found: str
    sure: float = 1.0

    @property
    def is_right(self) -> bool:
        """Whether it was found as it is."""
        return self.true == self.found


def accuracy(answers: Sequence[Answer]) -> float:
    """The share that is right; 0 where there is nothing."""
    return sum(one.is_right for one in answers) / (len(answers) or 1)


def macro_f1(answers: Sequence[Answer]) -> float:
    """The mean over true labels of the harmonic mean of precision and recall."""
    true = Counter(one.true for one in answers)
    found = Counter(one.found for one in answers)
    right = Counter(one.true for one in answers if one.is_right)
    scores = [2 * right[label] / (true[label] + found[label]) for label in true]
    return sum(scores) / (len(scores) or 1)


def confusion(answers: Sequence[Answer]) -> list[tuple[str, str, int]]:
    """What was taken for what, the most frequent first: true, found, how often."""
    wrong = Counter((one.true, one.found) for one in answers if not one.is_right)
    return [
        (*pair, count) for pair, count in sorted(wrong.items(), key=lambda one: (-one[1], one[0]))
    ]


def precision_at(answers: Sequence[Answer], share: float) -> tuple[float, float]:
    """If only the surest `share` is answered: how sure one must be, and how many of those are right."""
    ordered = sorted(answers, key=lambda one: -one.sure)
    kept = ordered[: max(1, round(share * len(ordered)))]
    return (kept[-1].sure if kept else 0.0), accuracy(kept)
