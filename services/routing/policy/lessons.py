"""What is learnt from: a pack's examples and people's corrections, as labelled texts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.routing.policy.category import points_of
from services.routing.policy.evidence import places_of
from services.routing.policy.features import group, saying
from services.routing.policy.learnt import Learnt
from services.routing.policy.reading import read
from services.routing.policy.severity import severity_of
from services.routing.policy.space import Alike
from services.routing.policy.train import Labelled, Question, Step, digest, train
from shared.packs.model import KINDS, SEVERITIES, Kind, Pack, Severity, Text

GRAVE: Final = ("high", "critical")
MOST_COMMON: Final = 8_000
"""Features of the common model: with more it tells little better, and every pack's model carries them."""
OF_RARE: Final = 0.3
"""Texts about something grave have little in common: plainer weights hold better for the next one."""
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
    """The pack's examples, with the severity that was said, else follows from kind, category and cues."""
    return [
        Lesson(
            text=example.text,
            kind=example.kind,
            category=examples.category,
            severity=example.severity
            or severity_of(pack, kind=example.kind, category=examples.category, cues=example.cues),
            cues=frozenset(example.cues),
        )
        for examples in pack.examples
        for example in examples.texts
    ]


def learn(
    pack: Pack,
    corrections: Iterable[Lesson] = (),
    *,
    common: Learnt | None = None,
    step: Step = lambda _done, _all: None,
) -> Learnt | None:
    """The model of a pack's examples and of corrections; None where there is nothing to learn from.

    What is the same in all packs begins where `common` stands (see `learn_common`).
    """
    lessons = [*examples_of(pack), *corrections]
    if len({one.category for one in lessons}) < 2:  # noqa: PLR2004 - one class teaches nothing
        return None
    texts = [*labelled(pack, lessons), *_described(pack)]
    return train(
        texts,
        questions=_questions(pack, lessons, common),
        name=f"{pack.pack.id}-{digest(texts, _alike(pack))[:8]}",
        alike=_alike(pack),
        begun_from=common,
        step=step,
    )


def learn_common(packs: Sequence[Pack], *, step: Step = lambda _done, _all: None) -> Learnt:
    """What the examples of all packs teach that is the same in all: kinds, generic cues, and what
    makes a text grave. `packs`: first the one that all inherit.
    """
    generic = packs[0]
    texts = _common_texts(packs)
    return train(
        texts,
        questions=_common_questions(tuple(one.id for one in generic.cues)),
        name="common",
        alike=_alike(generic),
        most=MOST_COMMON,
        step=step,
    )


def fits(model: Learnt, pack: Pack) -> bool:
    """Whether `model` was made of exactly the examples and words of `pack`."""
    texts = [*(_unread(pack, one) for one in examples_of(pack)), *_described(pack)]
    return model.made_of == digest(texts, _alike(pack))


def fits_all(common: Learnt, packs: Sequence[Pack]) -> bool:
    """Whether `common` was made of exactly the examples of `packs`."""
    return common.made_of == digest(_common_texts(packs), _alike(packs[0]))


def labelled(pack: Pack, lessons: Sequence[Lesson]) -> list[Labelled]:
    """The lessons as training takes them; those whose category the pack no longer has are left out."""
    known = {category.code for category in pack.taxonomy}
    return [_labelled(pack, one) for one in lessons if one.category in known]


def _labelled(pack: Pack, lesson: Lesson) -> Labelled:
    found = read(pack, places_of(text=lesson.text, subject=None, fields={}))
    _, points = points_of(pack, found)
    return replace(_unread(pack, lesson), points=points)


def _unread(pack: Pack, lesson: Lesson) -> Labelled:
    labels = {"category": frozenset((lesson.category,)), "kind": frozenset((lesson.kind,))}
    grave = _gravity(pack, lesson)
    if grave is not None:
        labels["grave"] = grave
    if lesson.cues is not None:
        labels |= {"cue": lesson.cues, "own_cue": lesson.cues}
    return Labelled(lesson.text, labels)


def _gravity(pack: Pack, lesson: Lesson) -> frozenset[str] | None:
    """How grave a text is by what happened, whatever its category; None where nobody can tell."""
    is_complaint = lesson.kind == "complaint"
    base = pack.category(lesson.category).base_severity if is_complaint else "low"
    is_above = SEVERITIES.index(lesson.severity) > SEVERITIES.index(base)
    if lesson.cues is None and not is_above and base in ("high", "critical"):
        return None
    shown = {cue.effect for cue in pack.cues if cue.id in (lesson.cues or ())}
    if is_above:
        shown |= {one for one in GRAVE if one == lesson.severity}
    return frozenset(("high", "critical") if "critical" in shown else shown)


def _common_texts(packs: Sequence[Pack]) -> list[Labelled]:
    """Each example of some packs once, with the pack that says it first as its source."""
    found: dict[str, Labelled] = {}
    for pack in packs:
        for one in examples_of(pack):
            if one.text not in found:
                found[one.text] = replace(_unread(pack, one), source=pack.pack.id)
    return list(found.values())


def _described(pack: Pack) -> list[Labelled]:
    """What the pack itself says of its categories: words, facts to ask for, verdicts and remedies."""
    codes = {one.code for one in pack.taxonomy if not one.general}
    said: defaultdict[str, set[str]] = defaultdict(set)
    for text, categories in _descriptions(pack):
        said[text].update(codes.intersection(categories))
    return [
        Labelled(text, {"category": frozenset(categories)}, is_said=False)
        for text, categories in said.items()
        if categories
    ]


def _descriptions(pack: Pack) -> Iterator[tuple[str, Iterable[str]]]:
    for category in pack.taxonomy:
        for word in (*category.keywords.zh, *category.keywords.en):
            yield word, (category.code,)
    for text, categories in _told(pack):
        yield text.zh, categories
        yield text.en, categories


def _told(pack: Pack) -> Iterator[tuple[Text, Iterable[str]]]:
    for category in pack.taxonomy:
        yield category.name, (category.code,)
    for fact in pack.facts:
        asked = {one.code for one in pack.taxonomy if fact.id in one.facts}
        yield fact.ask, fact.categories or asked
    for hint in pack.hints:
        yield hint.reason, hint.categories
        yield hint.evidence, hint.categories
    for remedy in pack.remedies:
        yield remedy.name, remedy.categories
        if remedy.when:
            yield remedy.when, remedy.categories


def _alike(pack: Pack) -> Alike:
    return pack.derived(_made_alike)


def _made_alike(pack: Pack) -> Alike:
    groups: defaultdict[int, set[int]] = defaultdict(set)
    for one in pack.alike:
        for feature in saying(one.words.zh, one.words.en):
            groups[feature].add(group(one.id))
    return Alike({feature: tuple(sorted(groups[feature])) for feature in sorted(groups)})


def _common_questions(cues: tuple[str, ...]) -> list[Question]:
    return [
        Question("kind", KINDS, offsets=True),
        Question("grave", GRAVE, exclusive=False, offsets=True, stiffness=OF_RARE),
        Question("cue", cues, exclusive=False, offsets=True),
    ]


def _questions(pack: Pack, lessons: Sequence[Lesson], common: Learnt | None) -> list[Question]:
    head = common.head("cue") if common else None
    known = head.labels if head else ()
    counts = Counter(cue for one in lessons for cue in one.cues or ())
    own = tuple(
        one.id for one in pack.cues if counts[one.id] >= LEAST_OF_A_CUE and one.id not in known
    )
    return [
        Question("category", tuple(one.code for one in pack.taxonomy)),
        *_common_questions(known),
        Question("own_cue", own, exclusive=False, offsets=True),
    ]
