"""Training: from labelled texts to a model. Pure, deterministic, without a library of numbers.

A linear support vector machine a label (dual coordinate descent with shrinking: Hsieh et al., 2008),
which may begin where another model stands. What the margins are worth is measured on texts that the
measured machine was not trained on, so probabilities are honest.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from services.routing.policy.calibrate import Judged, calibrated
from services.routing.policy.features import features, pointed
from services.routing.policy.learnt import FEATURES, Head, Learnt, build
from services.routing.policy.plain import normalised
from services.routing.policy.space import Alike, Begun, Row, Space

ROUNDS: Final = 6
STIFFNESS: Final = 1.0
RARE_WEIGHT: Final = 3.0
"""How much more a text that shows a label counts than one that does not: the former are few."""
_CLOSE: Final = 0.05
_FAR: Final = 1.0
_MANY: Final = 3_000
FOLDS: Final = 4
NOTHING_ALIKE: Final = Alike()
Tick = Callable[[], None]
Step = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and, by head, the labels that a person gave it; a head that is missing was not asked.

    `points`: what the pack's words count for in it, by category. `source`: where it comes from;
    what is learnt is judged on texts of other sources, where there are several. `is_said` false:
    no customer wrote it, so that nothing is judged by it.
    """

    text: str
    labels: Mapping[str, frozenset[str]]
    points: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    is_said: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """A head to be learnt: its labels, whether they exclude each other, and whether each has an
    offset of its own. `stiffness`: how much a text on the wrong side weighs against plain weights.
    """

    name: str
    labels: tuple[str, ...]
    exclusive: bool = True
    offsets: bool = False
    stiffness: float = STIFFNESS


@dataclass(slots=True)
class _Machine:
    weights: list[float]
    bias: float

    def margin(self, row: Row) -> float:
        return row.scale * sum(row.add(self.weights)) + self.bias


class _Lessons:
    """What training reads: texts, their features, and where it begins."""

    def __init__(
        self, texts: Sequence[Labelled], alike: Alike, begun: Begun, seed: int, tick: Tick
    ) -> None:
        self.texts, self.alike, self.begun = texts, alike, begun
        self.found = [features(normalised(one.text)).union(pointed(one.points)) for one in texts]
        self._seed, self._tick = seed, tick

    def space(self, kept: Iterable[int]) -> Space:
        return Space([self.found[at] for at in kept], alike=self.alike, begun=self.begun)

    def machine(
        self, space: Space, rows: Mapping[int, Row], question: Question, label: str
    ) -> _Machine:
        """What tells the texts of `rows` that show a label from the others."""
        self._tick()
        asked = [at for at in rows if question.name in self.texts[at].labels]
        shows = [label in self.texts[at].labels[question.name] for at in asked]
        known, bias = self.begun.weights(question.name, label)
        machine = _Machine([known.get(one, 0.0) for one in space.numbers], bias)
        draw = random.Random(f"{self._seed} {label}")  # noqa: S311 - repeatable, no secret
        weights = _Weights(space.squares, question.stiffness, draw)
        _fit(machine, [rows[at] for at in asked], shows, weights)
        return machine

    def judged(
        self, questions: Sequence[Question], folds: Sequence[int]
    ) -> dict[str, list[Judged]]:
        """For each question the margins of its texts, by machines that did not see the text."""
        found: dict[str, list[Judged]] = {one.name: [] for one in questions}
        for fold in sorted(set(folds)) if questions else ():
            kept = [at for at, one in enumerate(folds) if one != fold]
            space = self.space(kept)
            rows = {at: space.row(self.found[at]) for at in kept}
            others = {
                at: space.row(self.found[at])
                for at, one in enumerate(folds)
                if one == fold and self.texts[at].is_said
            }
            for question in questions:
                machines = [self.machine(space, rows, question, one) for one in question.labels]
                found[question.name] += [
                    Judged([one.margin(row) for one in machines], labels[question.name])
                    for at, row in others.items()
                    if question.name in (labels := self.texts[at].labels)
                ]
        return found


def train(
    texts: Sequence[Labelled],
    *,
    questions: Sequence[Question],
    name: str,
    alike: Alike = NOTHING_ALIKE,
    begun_from: Learnt | None = None,
    most: int | None = None,
    seed: int = 1,
    step: Step = lambda _done, _all: None,
) -> Learnt:
    """A model of `texts` that answers `questions`. The same texts and seed give the same model.

    Questions that `begun_from` answers begin where it stands, and its likelihoods stay. `most`: for
    a model that others begin from: so many features, and groups of words apart from their words.
    """
    begun, folds = Begun(begun_from), _folds(texts, seed)
    new = [one for one in questions if one.name not in begun.heads]
    labels = sum(len(one.labels) for one in questions)
    every = labels + len(set(folds)) * sum(len(one.labels) for one in new)
    done = itertools.count(1)
    lessons = _Lessons(texts, alike, begun, seed, lambda: step(next(done), every))
    judged = lessons.judged(new, folds)
    space = lessons.space(range(len(texts)))
    rows = {at: space.row(found) for at, found in enumerate(lessons.found)}
    heads, columns = [], [space.squares]
    for question in questions:
        machines = [lessons.machine(space, rows, question, label) for label in question.labels]
        columns += [machine.weights for machine in machines]
        heads.append(_head(question, machines, judged, begun))
    by_feature = _rows(space, columns, most)
    return build(
        heads=heads,
        rows=by_feature,
        name=name,
        made_of=digest(texts, alike),
        begun_from=begun.made_of,
    )


def _rows(
    space: Space, columns: Sequence[Sequence[float]], most: int | None
) -> dict[int, list[float]]:
    """By feature: its square, and its weights."""
    if most is None:
        folded = [space.folded(one) for one in columns]
        return {one: [column.get(one, 0.0) for column in folded] for one in folded[0]}
    rows = {one: [column[at] for column in columns] for one, at in space.numbers.items()}
    telling = sorted(rows, key=lambda one: (-max(map(abs, rows[one][1:])), one))
    return {one: rows[one] for one in telling[:most]}


def _folds(texts: Sequence[Labelled], seed: int) -> list[int]:
    """In which part each text is judged: by its source where there are several, else by lot."""
    sources = sorted({one.source for one in texts})
    if len(sources) > 1:
        return [sources.index(one.source) % FOLDS for one in texts]
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)  # noqa: S311 - repeatable, no secret
    folds = [0] * len(texts)
    for place, at in enumerate(order):
        folds[at] = place % (2 if len(texts) > _MANY else FOLDS)
    return folds


def _head(
    question: Question,
    machines: Sequence[_Machine],
    judged: Mapping[str, Sequence[Judged]],
    begun: Begun,
) -> Head:
    head = Head(
        name=question.name,
        labels=question.labels,
        biases=tuple(machine.bias for machine in machines),
        exclusive=question.exclusive,
    )
    known = begun.heads.get(question.name)
    if known is not None:
        return replace(head, slope=known.slope, offsets=known.offsets)
    return calibrated(head, judged[question.name], offsets=question.offsets)


def digest(texts: Iterable[Labelled], alike: Alike = NOTHING_ALIKE) -> str:
    """What tells whether two models were made of the same texts with the same labels."""
    said = hashlib.sha256(f"{FEATURES} {sorted(alike.groups.items())}".encode())
    for one in texts:
        labels = sorted((head, sorted(labels)) for head, labels in one.labels.items())
        said.update(f"{one.text}\x1f{labels}\x1e".encode())
    return said.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a feature counts for, and a text on the wrong side; and who draws the order of texts."""

    squares: Sequence[float]
    stiffness: float
    draw: random.Random


def _fit(machine: _Machine, rows: Sequence[Row], shows: Sequence[bool], weights: _Weights) -> None:
    """The widest border between the rows that show a label and the others (squared hinge loss)."""
    forces = [0.0] * len(rows)
    looked_at = list(range(len(rows)))
    for _ in range(ROUNDS):
        weights.draw.shuffle(looked_at)
        still = []
        for at in looked_at:
            give = 1 / (2 * weights.stiffness * (RARE_WEIGHT if shows[at] else 1.0))
            sign = 1.0 if shows[at] else -1.0
            slope = sign * machine.margin(rows[at]) - 1 + give * forces[at]
            if forces[at] == 0.0 and slope >= 0:
                if slope < _FAR:
                    still.append(at)
                continue
            still.append(at)
            if abs(slope) > _CLOSE:
                force = max(0.0, forces[at] - slope / (1 + rows[at].size + give))
                _push(machine, rows[at], (force - forces[at]) * sign, weights.squares)
                forces[at] = force
        looked_at = still


def _push(machine: _Machine, row: Row, by: float, squares: Sequence[float]) -> None:
    machine.bias += by
    weights, each = machine.weights, by * row.scale
    for at in row.ids:
        weights[at] += each * squares[at]
