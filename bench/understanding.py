"""How well texts are understood: by words alone, by what was learnt alone, by both."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import Lesson, learn
from services.routing.policy.understand import understand
from shared.packs.model import SEVERITIES, Pack, Words

FOLDS: Final = 5
WAYS: Final = ("words", "learnt", "both")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says of a text, and what was understood."""

    language: str
    said: Lesson
    kind: str
    category: str
    severity: str
    unsure: bool


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of 1. `missed`: critical texts judged below high, of `critical` ones."""

    texts: int
    kind: float
    category_f1: float
    category: float
    severity: float
    missed: int
    critical: int
    answered: float
    precision: float


def judge(pack: Pack, lessons: Sequence[Lesson], model: Learnt | None, way: str) -> list[Judgement]:
    """Understand each text one of three ways."""
    seen = without_words(pack) if way == "learnt" else pack
    found = []
    for one in lessons:
        what = understand(
            text=one.text,
            subject=None,
            fields={},
            channel="web",
            pack=seen,
            language="zh",
            model=None if way == "words" else model,
        )
        found.append(
            Judgement(
                language_of(one.text), one, what.kind, what.category, what.severity, what.unsure
            )
        )
    return found


def without_words(pack: Pack) -> Pack:
    """The pack as if it named no words."""
    none = Words()
    return pack.model_copy(
        update={
            "kinds": tuple(
                one.model_copy(update={"strong": none, "words": none}) for one in pack.kinds
            ),
            "taxonomy": tuple(one.model_copy(update={"keywords": none}) for one in pack.taxonomy),
            "cues": tuple(one.model_copy(update={"examples": none}) for one in pack.cues),
        }
    )


def language_of(text: str) -> str:
    """By its letters."""
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else "en"


def crosswise(
    pack: Pack, lessons: Sequence[Lesson]
) -> Iterator[tuple[Learnt | None, list[Lesson]]]:
    """Each fold of the texts with a model that was trained on the others."""
    order = list(lessons)
    random.Random(11).shuffle(order)  # noqa: S311 - repeatable, no secret
    bare = pack.model_copy(update={"examples": ()})
    for fold in range(FOLDS):
        aside = order[fold::FOLDS]
        kept = [one for at, one in enumerate(order) if at % FOLDS != fold]
        yield learn(bare, kept), aside


def quality(found: Sequence[Judgement]) -> Quality:
    """The figures of some judgements."""
    count = len(found) or 1
    answered = [one for one in found if not one.unsure]
    critical = [one for one in found if one.said.severity == "critical"]
    return Quality(
        texts=len(found),
        kind=sum(one.kind == one.said.kind for one in found) / count,
        category_f1=macro_f1([(one.said.category, one.category) for one in found]),
        category=sum(one.category == one.said.category for one in found) / count,
        severity=sum(one.severity == one.said.severity for one in found) / count,
        missed=sum(SEVERITIES.index(one.severity) < SEVERITIES.index("high") for one in critical),
        critical=len(critical),
        answered=len(answered) / count,
        precision=sum(one.category == one.said.category for one in answered) / (len(answered) or 1),
    )
