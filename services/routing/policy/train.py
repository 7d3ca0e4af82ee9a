"""Training: from labelled texts to a model. Pure, deterministic, without a library of numbers.

A linear support vector machine a label (dual coordinate descent with shrinking: Hsieh et al., 2008),
over features that count the more the rarer they are. What the margins are worth is measured on
texts that the measured machine was not trained on (cross-validation), so probabilities are honest.
"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from services.routing.policy.calibrate import Judged, calibrated
from services.routing.policy.features import features
from services.routing.policy.learnt import FORMAT, Head, Learnt, build
from services.routing.policy.plain import normalised

ROUNDS: Final = 6
STIFFNESS: Final = 1.0
RARE_WEIGHT: Final = 3.0
"""How much more a text that shows a label counts than one that does not: the former are few."""
LEAST_TEXTS: Final = 2
"""A feature of fewer texts teaches nothing that holds for others."""
_CLOSE: Final = 0.05
_FAR: Final = 1.0
_MANY: Final = 3_000
Step = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and, by head, the labels that a person gave it; a head that is missing was not asked.

    `points`: what the pack's words count for in it, by head and label.
    """

    text: str
    labels: Mapping[str, frozenset[str]]
    points: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Question:
    """A head to be learnt: its labels, and whether they exclude each other."""

    name: str
    labels: tuple[str, ...]
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class _Row:
    """A text's features by number, in order, and one over its length."""

    ids: tuple[int, ...]
    scale: float
    add: Callable[[Sequence[float]], Sequence[float]]


def train(
    texts: Sequence[Labelled],
    *,
    questions: Sequence[Question],
    name: str,
    seed: int = 1,
    step: Step = lambda _done, _all: None,
) -> Learnt:
    """A model of `texts` that answers `questions`. The same texts and seed give the same model."""
    found = [features(normalised(one.text)) for one in texts]
    folds = 2 if len(texts) > _MANY else 4
    labels = sum(len(question.labels) for question in questions)
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        step(done, labels * (folds + 1))

    margins = _unseen_margins(texts, found, questions, folds=folds, seed=seed, tick=tick)
    space = _Space(found)
    machines = [
        [_machine(space, texts, question, label, seed, tick) for label in question.labels]
        for question in questions
    ]
    heads = [
        calibrated(_head(question, one), _judged(texts, question, margins[question.name]))
        for question, one in zip(questions, machines, strict=True)
    ]
    weights = {
        feature: [machine.weights[at] for one in machines for machine in one]
        for feature, at in space.numbers.items()
    }
    squares = {feature: space.squares[at] for feature, at in space.numbers.items()}
    return build(heads=heads, weights=weights, squares=squares, name=name, made_of=digest(texts))


def digest(texts: Iterable[Labelled]) -> str:
    """What tells whether two models were made of the same texts with the same labels."""
    said = hashlib.sha256(f"{FORMAT}".encode())
    for one in texts:
        labels = sorted((head, sorted(labels)) for head, labels in one.labels.items())
        said.update(f"{one.text}\x1f{labels}\x1e".encode())
    return said.hexdigest()[:16]


@dataclass(slots=True)
class _Machine:
    weights: list[float]
    bias: float

    def margin(self, row: _Row) -> float:
        return row.scale * sum(row.add(self.weights)) + self.bias


class _Space:
    """The features of some texts, numbered, with the square of what each counts for."""

    def __init__(self, found: Sequence[Collection[int]]) -> None:
        counts = Counter(one for features_ in found for one in features_)
        kept = sorted(one for one, count in counts.items() if count >= LEAST_TEXTS)
        self.numbers = {one: at for at, one in enumerate(kept)}
        every = 1 + len(found)
        self.squares = [(1 + math.log(every / (1 + counts[one]))) ** 2 for one in kept]
        self.rows = [self.row(features_) for features_ in found]

    def row(self, found: Collection[int]) -> _Row:
        ids = tuple(sorted(self.numbers[one] for one in found if one in self.numbers))
        length = math.sqrt(sum(self.squares[at] for at in ids))
        return _Row(ids, 1 / length if length else 0.0, _getter(ids))


def _getter(ids: tuple[int, ...]) -> Callable[[Sequence[float]], Sequence[float]]:
    if len(ids) > 1:
        return itemgetter(*ids)
    return lambda weights: [weights[at] for at in ids]


def _machine(
    space: _Space,
    texts: Sequence[Labelled],
    question: Question,
    label: str,
    seed: int,
    tick: Callable[[], None],
) -> _Machine:
    tick()
    asked = [at for at, one in enumerate(texts) if question.name in one.labels]
    rows = [space.rows[at] for at in asked]
    shows = [label in texts[at].labels[question.name] for at in asked]
    return _fit(rows, shows, squares=space.squares, draw=random.Random(f"{seed} {label}"))  # noqa: S311 - repeatable, no secret


def _fit(
    rows: Sequence[_Row], shows: Sequence[bool], *, squares: Sequence[float], draw: random.Random
) -> _Machine:
    """The widest border between the rows that show a label and the others (squared hinge loss)."""
    machine = _Machine([0.0] * len(squares), 0.0)
    forces = [0.0] * len(rows)
    looked_at = list(range(len(rows)))
    for _ in range(ROUNDS):
        draw.shuffle(looked_at)
        still = []
        for at in looked_at:
            give = 1 / (2 * STIFFNESS * (RARE_WEIGHT if shows[at] else 1.0))
            sign = 1.0 if shows[at] else -1.0
            slope = sign * machine.margin(rows[at]) - 1 + give * forces[at]
            if forces[at] == 0.0 and slope >= 0:
                if slope < _FAR:
                    still.append(at)
                continue
            still.append(at)
            if abs(slope) > _CLOSE:
                force = max(0.0, forces[at] - slope / (2 + give))
                _push(machine, rows[at], (force - forces[at]) * sign, squares)
                forces[at] = force
        looked_at = still
    return machine


def _push(machine: _Machine, row: _Row, by: float, squares: Sequence[float]) -> None:
    machine.bias += by
    weights, each = machine.weights, by * row.scale
    for at in row.ids:
        weights[at] += each * squares[at]


def _unseen_margins(
    texts: Sequence[Labelled],
    found: Sequence[Collection[int]],
    questions: Sequence[Question],
    *,
    folds: int,
    seed: int,
    tick: Callable[[], None],
) -> dict[str, list[list[float]]]:
    """For each question and text its labels' margins, by machines that did not see the text."""
    margins = {
        question.name: [[0.0] * len(question.labels) for _ in texts] for question in questions
    }
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)  # noqa: S311 - repeatable, no secret
    for fold in range(folds):
        aside = order[fold::folds]
        kept = sorted(set(order) - set(aside))
        space = _Space([found[at] for at in kept])
        seen = [texts[at] for at in kept]
        rows = {at: space.row(found[at]) for at in aside}
        for question in questions:
            for place, label in enumerate(question.labels):
                machine = _machine(space, seen, question, label, seed, tick)
                for at, row in rows.items():
                    margins[question.name][at][place] = machine.margin(row)
    return margins


def _head(question: Question, machines: Sequence[_Machine]) -> Head:
    return Head(
        name=question.name,
        labels=question.labels,
        biases=tuple(machine.bias for machine in machines),
        exclusive=question.exclusive,
    )


def _judged(
    texts: Sequence[Labelled], question: Question, margins: Sequence[Sequence[float]]
) -> list[Judged]:
    return [
        Judged(margin, one.points.get(question.name, {}), one.labels[question.name])
        for one, margin in zip(texts, margins, strict=True)
        if question.name in one.labels
    ]
