"""What is learnt from: a pack's examples and people's corrections, as labelled texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.routing.policy.answers import Answers
from services.routing.policy.category import points_of
from services.routing.policy.cue import find_cues
from services.routing.policy.evidence import places_of, weight_of
from services.routing.policy.kind import ruled_kind
from services.routing.policy.learnt import Learnt
from services.routing.policy.reading import read
from services.routing.policy.severity import severity_of
from services.routing.policy.train import Labelled, Question, Step, digest, train
from shared.packs.model import KINDS, Kind, Pack, Severity

LEAST_OF_A_CUE: Final = 6
"""A cue that fewer texts show is left to the pack's words."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text and what a person says it is. `cues` None: nobody was asked."""

    text: str
    kind: Kind
    category: str
    severity: Severity
    cues: frozenset[str] | None = None


def examples_of(pack: Pack) -> list[Lesson]:
    """The pack's examples, with the severity that follows from kind, category and cues."""
    return [
        Lesson(
            text=example.text,
            kind=example.kind,
            category=examples.category,
            severity=severity_of(
                pack, kind=example.kind, category=examples.category, cues=example.cues
            ),
            cues=frozenset(example.cues),
        )
        for examples in pack.examples
        for example in examples.texts
    ]


def learn(
    pack: Pack,
    corrections: Iterable[Lesson] = (),
    *,
    step: Step = lambda _done, _all: None,
) -> Learnt | None:
    """The model of a pack's examples and of corrections; None where there is nothing to learn from."""
    lessons = [*examples_of(pack), *corrections]
    if len({one.category for one in lessons}) < 2:  # noqa: PLR2004 - one class teaches nothing
        return None
    texts = [*labelled(pack, lessons), *_words_of(pack)]
    name = f"{pack.pack.id}-{digest(texts)[:8]}"
    return train(texts, questions=_questions(pack, lessons), name=name, step=step)


def fits(model: Learnt, pack: Pack) -> bool:
    """Whether `model` was made of exactly the examples of `pack`."""
    return model.made_of == digest([*map(_unread, examples_of(pack)), *_words_of(pack)])


def labelled(pack: Pack, lessons: Sequence[Lesson]) -> list[Labelled]:
    """The lessons as training takes them; those whose category the pack no longer has are left out."""
    known = {category.code for category in pack.taxonomy}
    return [_labelled(pack, one) for one in lessons if one.category in known]


def _labelled(pack: Pack, lesson: Lesson) -> Labelled:
    found = read(pack, places_of(text=lesson.text, subject=None, fields={}))
    _, points = points_of(pack, found)
    told = any(points.get(one.code) for one in pack.taxonomy if not one.general)
    cues = find_cues(pack, found, Answers())
    kind, score = ruled_kind(found, cues=cues, has_category=told)
    return replace(_unread(lesson), points={"category": points, "kind": {kind: score}})


def _unread(lesson: Lesson) -> Labelled:
    labels = {
        "category": frozenset((lesson.category,)),
        "kind": frozenset((lesson.kind,)),
        "danger": frozenset(("danger",) if lesson.severity == "critical" else ()),
    }
    if lesson.cues is not None:
        labels["cue"] = lesson.cues
    return Labelled(lesson.text, labels, {})


def _words_of(pack: Pack) -> list[Labelled]:
    """The words of each category as texts of their own: parts of them are learnt, and so is how far
    to trust words, which examples that avoid them would tell wrongly.
    """
    return [
        Labelled(
            word,
            {"category": frozenset((category.code,))},
            {"category": {category.code: weight_of(word)}},
        )
        for category in pack.taxonomy
        if not category.general
        for word in (*category.keywords.zh, *category.keywords.en)
    ]


def _questions(pack: Pack, lessons: Sequence[Lesson]) -> list[Question]:
    counts = Counter(cue for one in lessons for cue in one.cues or ())
    cues = tuple(one.id for one in pack.cues if counts[one.id] >= LEAST_OF_A_CUE)
    return [
        Question("category", tuple(one.code for one in pack.taxonomy)),
        Question("kind", KINDS),
        Question("cue", cues, exclusive=False),
        Question("danger", ("danger",), exclusive=False),
    ]
