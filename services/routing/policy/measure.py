"""How right understanding is on texts of which a person told kind, category and severity."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.routing.model import Understanding
from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import Lesson
from services.routing.policy.understand import understand
from shared.language import detect_language
from shared.packs.model import Pack


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says of a text, and what was understood."""

    said: Lesson
    found: Understanding

    @property
    def points(self) -> int:
        """One for each of kind, category and severity that is as a person said."""
        said, found = self.said, self.found
        return (
            (found.kind == said.kind)
            + (found.category == said.category)
            + (found.severity == said.severity)
        )


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


def judge(pack: Pack, model: Learnt | None, texts: Sequence[Lesson]) -> list[Judgement]:
    """Understand each text by `pack` and `model`, beside what a person said of it."""
    return [
        Judgement(
            one,
            understand(
                text=one.text,
                subject=None,
                fields={},
                channel="web",
                pack=pack,
                language=detect_language(one.text),
                model=model,
            ),
        )
        for one in texts
    ]


def measure(pack: Pack, model: Learnt | None, texts: Sequence[Lesson]) -> int:
    """The points of a model on some texts."""
    return sum(one.points for one in judge(pack, model, texts))
