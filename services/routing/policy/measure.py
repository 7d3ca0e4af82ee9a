"""How right a model is on texts that people corrected and that it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import Lesson
from services.routing.policy.understand import understand
from shared.packs.model import Pack


@dataclass(frozen=True, slots=True)
class Measured:
    """Points of the model in force and of a new one, on as many texts as `aside` says."""

    old: int
    new: int
    aside: int

    @property
    def is_not_worse(self) -> bool:
        """Whether the new one may take over."""
        return self.new >= self.old

    def said(self) -> dict[str, int | bool]:
        """For the record."""
        return {
            "old": self.old,
            "new": self.new,
            "aside": self.aside,
            "put_in_force": self.is_not_worse,
        }


def measure(pack: Pack, model: Learnt | None, texts: Sequence[Lesson]) -> int:
    """A point for each kind, category and severity that is as a person said."""
    points = 0
    for one in texts:
        found = understand(
            text=one.text,
            subject=None,
            fields={},
            channel="web",
            pack=pack,
            language="",
            model=model,
        )
        points += found.kind == one.kind
        points += found.category == one.category
        points += found.severity == one.severity
    return points
