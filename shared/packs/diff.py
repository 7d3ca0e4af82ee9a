"""What differs between two resolved packs, as a person must know it: by subject, item and field, old and new."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from shared.packs.model import Pack

SUBJECTS: Final[Mapping[str, tuple[str, str]]] = {
    "taxonomy": ("类别", "categories"),
    "clocks": ("时限", "clocks"),
    "calendars": ("日历", "calendars"),
    "pausing": ("暂停规则", "pausing"),
    "teams": ("班组", "teams"),
    "cues": ("征象", "cues"),
    "downgrades": ("降级规则", "downgrades"),
    "kinds": ("性质", "kinds"),
    "urgency": ("紧急度", "urgency"),
    "scopes": ("影响范围", "scopes"),
    "emotions": ("情绪", "emotions"),
    "wants": ("诉求", "wishes"),
    "thresholds": ("阈值", "thresholds"),
    "templates": ("模板", "templates"),
    "facts": ("应问事实", "facts to ask for"),
    "hints": ("认定提示", "hints"),
    "remedies": ("补救", "remedies"),
    "compensation": ("补偿规则", "compensation"),
    "callback": ("回访", "callback"),
    "survey": ("调查", "survey"),
    "escalation": ("升级", "escalation"),
    "early_warning": ("预警", "early warnings"),
    "causes": ("根因", "causes"),
    "examples": ("例句", "examples"),
    "sources": ("依据", "sources"),
    "pack": ("策略包", "the pack itself"),
}
"""The sections of a pack by what they are about, the most telling first."""
_KEYS: Final = ("code", "id", "name", "category", "role", "date")


class Difference(NamedTuple):
    """One thing that differs.

    `item` is the code of the category, clock, … (empty where the section has none), `field` its field (empty where the
    whole item is new or gone). Of a list, such as words, `old` has what went and `new` what came.
    """

    subject: str
    item: str
    field: str
    what: Literal["added", "removed", "changed"]
    old: Any
    new: Any


def differences(old: Pack, new: Pack) -> Iterator[Difference]:
    """All that differs, by subject."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for subject in SUBJECTS:
        if before[subject] == after[subject]:
            continue
        if subject == "examples":
            yield from _examples(before[subject], after[subject])
        elif isinstance(before[subject], list):
            yield from _items(subject, _by_key(before[subject]), _by_key(after[subject]))
        else:
            yield from _within(subject, "", "", before[subject], after[subject])


def _items(subject: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for item in {**old, **new}:
        if item not in old:
            yield Difference(subject, item, "", "added", None, new[item])
        elif item not in new:
            yield Difference(subject, item, "", "removed", old[item], None)
        else:
            yield from _within(subject, item, "", old[item], new[item])


def _within(subject: str, item: str, field: str, old: Any, new: Any) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    if old == new:
        return
    if _is_keyed(old) and _is_keyed(new):
        old, new = _by_key(old), _by_key(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            inner = f"{field}.{name}" if field else name
            yield from _within(subject, item, inner, old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
        # In another order only: then the whole lists tell it.
        yield Difference(
            subject,
            item,
            field,
            "changed",
            gone if gone or come else old,
            come if gone or come else new,
        )
    else:
        yield Difference(subject, item, field, "changed", old, new)


def _examples(old: Sequence[Any], new: Sequence[Any]) -> Iterator[Difference]:
    """Texts are many: how many came and went of each category."""
    before, after = _texts(old), _texts(new)
    for category in {**before, **after}:
        gone = len(before.get(category, set()) - after.get(category, set()))
        come = len(after.get(category, set()) - before.get(category, set()))
        if gone or come:
            yield Difference("examples", category, "texts", "changed", gone, come)


def _texts(groups: Sequence[Any]) -> dict[str, set[str]]:
    return {one["category"]: {str(text) for text in one["texts"]} for one in groups}


def _is_keyed(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, list) and all(
        isinstance(one, dict) and any(key in one for key in _KEYS) for one in value
    )


def _by_key(items: Sequence[Any]) -> dict[str, Any]:
    return {
        str(next(one[key] for key in _KEYS if isinstance(one.get(key), str))): one for one in items
    }
