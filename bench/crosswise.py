"""The packs' own examples, each judged by models that did not see it: what understanding may be tuned to."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from services.routing.policy.features import features
from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import Lesson, examples_of, learn, learn_common
from services.routing.policy.plain import normalised
from shared.packs.load import load_folder
from shared.packs.model import Examples, Pack

FOLDS: Final = 3
NEAR: Final = 0.5
"""Texts that share so much of their features stay together."""
COMMON: Final = 40
"""A feature of more texts tells nothing of which are near."""
Part = tuple[Pack, Learnt | None, list[Lesson]]


def across(packs: Sequence[Pack], folds: int = FOLDS) -> Iterator[Part]:
    """Each fold of all packs' examples with models of the others; near-duplicates are of one fold."""
    place = _places({one.text for pack in packs for one in examples_of(pack)}, folds)
    for fold in range(folds):
        yield from _judged(packs, lambda text, fold=fold: place[text] == fold)


def since(packs: Sequence[Pack], folder: Path) -> Iterator[Part]:
    """The examples that are not in the packs of `folder`, with models of those that are: other
    people's texts, which is nearer to customers nobody has heard than a fold by lot.
    """
    known = {one.text for pack in packs for one in examples_of(load_folder(folder, pack.pack.id))}
    yield from _judged(packs, lambda text: text not in known)


def _judged(packs: Sequence[Pack], is_aside: Callable[[str], bool]) -> Iterator[Part]:
    fewer = [_without(pack, is_aside) for pack in packs]
    common = learn_common(fewer)
    for pack, rest in zip(packs, fewer, strict=True):
        inherited = {} if pack is packs[0] else {one.text for one in examples_of(packs[0])}
        aside = [
            one for one in examples_of(pack) if is_aside(one.text) and one.text not in inherited
        ]
        if aside:
            yield pack, learn(rest, common=common), aside


def _without(pack: Pack, is_aside: Callable[[str], bool]) -> Pack:
    kept = [
        Examples(
            category=one.category,
            texts=tuple(each for each in one.texts if not is_aside(each.text)),
        )
        for one in pack.examples
    ]
    return pack.model_copy(update={"examples": tuple(kept)})


def _places(texts: set[str], folds: int) -> dict[str, int]:
    """A fold for each text, the same for near-duplicates."""
    groups = near(sorted(texts))
    random.Random(11).shuffle(groups)  # noqa: S311 - repeatable, no secret
    return {text: at % folds for at, group in enumerate(groups) for text in group}


def near(texts: Sequence[str]) -> list[list[str]]:
    """The texts in groups: each is near to one that stands before it in its group."""
    group_of: dict[int, int] = {}
    groups: defaultdict[int, list[str]] = defaultdict(list)
    holders: defaultdict[int, list[int]] = defaultdict(list)
    found = [features(normalised(text)) for text in texts]
    for at, own in enumerate(found):
        shared = Counter(
            other for one in own if len(holders[one]) < COMMON for other in holders[one]
        )
        near = next(
            (
                other
                for other, count in shared.most_common(3)
                if count >= NEAR * len(own | found[other])
            ),
            at,
        )
        group_of[at] = group_of.get(near, at)
        groups[group_of[at]].append(texts[at])
        for one in own:
            holders[one].append(at)
    return [*groups.values()]
