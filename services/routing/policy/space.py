"""The features of the texts that are learnt from, numbered, and what each counts for.

A feature counts the more the rarer it is. Words that say the same also count as their group: what is
learnt of one is learnt of all. In the model a group's weights lie in those of its words (`folded`).
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from services.routing.policy.learnt import Head, Learnt

LEAST_TEXTS: Final = 2
"""A feature of fewer texts teaches nothing that holds for others."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Words that say the same: for each feature of such a word its groups, by number."""

    groups: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def of(self, found: Collection[int]) -> list[int]:
        """The groups that show, each as often as it shows."""
        get = self.groups.get
        return [group for one in found for group in get(one, ())]


class Begun:
    """Where training begins: the features of a model, what each counts for, and its weights."""

    def __init__(self, model: Learnt | None) -> None:
        self.made_of = model.made_of if model else ""
        self.heads: dict[str, Head] = {one.name: one for one in model.heads} if model else {}
        rows = {one: model.row(one) for one in model.rows} if model else {}
        self.squares = {one: row[0] for one, row in rows.items()}
        labels = [(head.name, label) for head in self.heads.values() for label in head.labels]
        self._weights = {
            name: {one: row[at] for one, row in rows.items() if row[at]}
            for at, name in enumerate(labels, start=1)
        }

    def weights(self, head: str, label: str) -> tuple[Mapping[int, float], float]:
        """By feature, and the bias; nothing where the model knows no such label."""
        known = self._weights.get((head, label))
        if known is None:
            return {}, 0.0
        one = self.heads[head]
        return known, one.biases[one.labels.index(label)]


@dataclass(frozen=True, slots=True)
class Row:
    """A text's features by number, in order, and one over its length. `size`: its product with itself."""

    ids: tuple[int, ...]
    scale: float
    size: float
    add: Callable[[Sequence[float]], Sequence[float]]


class Space:
    """The features of some texts, and those that training begins with, which count as they do there."""

    def __init__(self, found: Sequence[Collection[int]], *, alike: Alike, begun: Begun) -> None:
        self._alike = alike
        counts = Counter(one for features in found for one in features)
        for features in found:
            counts.update(set(alike.of(features)))
        kept = {one for one, count in counts.items() if count >= LEAST_TEXTS}
        self.numbers = {one: at for at, one in enumerate(sorted(kept.union(begun.squares)))}
        every = 1 + len(found)
        self.squares = [
            begun.squares.get(one) or (1 + math.log(every / (1 + counts[one]))) ** 2
            for one in self.numbers
        ]

    def row(self, found: Collection[int]) -> Row:
        """A text as training reads it."""
        get = self.numbers.get
        shown = (get(one) for one in (*found, *self._alike.of(found)))
        ids = tuple(sorted(at for at in shown if at is not None))
        square = sum(self.squares[at] for at in ids)
        if not square:
            return Row((), 0.0, 0.0, list)
        size = sum(self.squares[at] * count * count for at, count in Counter(ids).items())
        return Row(ids, 1 / math.sqrt(square), size / square, _getter(ids))

    def folded(self, values: Sequence[float]) -> dict[int, float]:
        """What each feature of a text brings with it, that of its groups among it."""
        get = self.numbers.get
        own = {one: values[at] for one, at in self.numbers.items()}
        for one, groups in self._alike.groups.items():
            brought = sum(values[at] for group in groups if (at := get(group)) is not None)
            if brought:
                own[one] = own.get(one, 0.0) + brought
        return own


def _getter(ids: tuple[int, ...]) -> Callable[[Sequence[float]], Sequence[float]]:
    if len(ids) > 1:
        return itemgetter(*ids)
    return lambda weights: [weights[ids[0]]]
