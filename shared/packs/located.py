"""Pack data that remembers the file and line it came from, through merging to the last error
message.

Scalars stay text: `1.10` is no number and `no` is no boolean until the model asks for one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import yaml

MAX_DEPTH = 20
_KEYS = ("code", "id", "name")
_GATHERED = ("category", "texts")
"""An item with exactly these fields adds its texts to those of the same category."""

Plain = str | list["Plain"] | dict[str, "Plain"] | None


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it stands. Line 0: it came in one piece, without lines."""

    value: "str | tuple[Located, ...] | Mapping[str, Located] | None"
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class PackError:
    """One thing wrong with a pack: where, what, and what to do."""

    file: str
    line: int
    field: str
    message: str
    advice: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}. {self.advice}"


class PackInvalid(ValueError):
    """A pack that cannot be used; `errors` say everything that is wrong with it."""

    def __init__(self, errors: Sequence[PackError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


def read_yaml(text: bytes, *, name: str) -> tuple[Located | None, list[PackError]]:
    """One file's content, or what is wrong with it. `name` is how errors call the file."""
    errors: list[PackError] = []
    try:
        events = iter(yaml.parse(text.decode(), Loader=_Loader))
        return _document(events, _At(name, 1, "", 0), errors), errors
    except UnicodeDecodeError:
        return None, [PackError(name, 1, "", "it is not UTF-8", "Save the file as UTF-8.")]
    except PackInvalid as error:
        return None, [*errors, *error.errors]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is not YAML"
        line = mark.line + 1 if mark else 1
        advice = "Check indentation, colons and quotes on and above that line."
        return None, [PackError(name, line, "", str(problem), advice)]


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Events, not nodes: composing nodes recurses in C, and a file nested deeply enough would end the process.
_Events = Iterator[yaml.Event]
_BEFORE = (yaml.StreamStartEvent, yaml.DocumentStartEvent)


class _At(NamedTuple):
    file: str
    line: int
    path: str
    depth: int

    def inside(self, event: yaml.Event, *, path: str) -> "_At":
        line = event.start_mark.line + 1 if event.start_mark else self.line
        return _At(self.file, line, path, self.depth + 1)

    def error(self, message: str, advice: str) -> PackError:
        return PackError(self.file, self.line, self.path, message, advice)


def _document(events: _Events, at: _At, errors: list[PackError]) -> Located | None:
    first = next(event for event in events if not isinstance(event, _BEFORE))
    if isinstance(first, yaml.StreamEndEvent):
        return None
    root = _value(events, first, at, errors)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            here = at.inside(event, path="")
            raise PackInvalid([here.error("a second document begins", "Remove the line `---`.")])
    return None if root.value is None else root


def _value(events: _Events, first: yaml.Event, at: _At, errors: list[PackError]) -> Located:
    """The value that begins with the event `first`. Raises PackInvalid where the file cannot be read on."""
    if at.depth > MAX_DEPTH:
        advice = f"Packs are at most {MAX_DEPTH} deep."
        raise PackInvalid([at.error("it is nested too deeply", advice)])
    match first:
        case yaml.SequenceStartEvent():
            return Located(tuple(_items_of(events, at, errors)), at.file, at.line)
        case yaml.MappingStartEvent():
            return _mapping(events, at, errors)
        case yaml.ScalarEvent():
            is_null = not first.style and first.value in ("", "~", "null")
            return Located(None if is_null else str(first.value), at.file, at.line)
        case _:
            advice = "Write out what it stands for."
            raise PackInvalid([at.error("a pack takes no aliases (`*name`)", advice)])


def _items_of(events: _Events, at: _At, errors: list[PackError]) -> Iterator[Located]:
    for index, event in enumerate(events):
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield _value(events, event, at.inside(event, path=f"{at.path}[{index}]"), errors)


def _mapping(events: _Events, at: _At, errors: list[PackError]) -> Located:
    found: dict[str, Located] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        if not isinstance(key, yaml.ScalarEvent):
            raise PackInvalid(
                [at.inside(key, path=at.path).error("a key must be a word", "Write `key: …`.")]
            )
        here = at.inside(key, path=f"{at.path}.{key.value}" if at.path else str(key.value))
        if key.value in found:
            message = f"{key.value!r} stands twice, first on line {found[key.value].line}"
            errors.append(here.error(message, "Keep one of them."))
        found[key.value] = _value(events, next(events), here, errors)
    return Located(found, at.file, at.line)


def from_plain(value: Plain, *, file: str) -> Located:
    """JSON data as located data: everything at line 0 of `file`."""
    if isinstance(value, dict):
        return Located(
            {str(key): from_plain(child, file=file) for key, child in value.items()}, file, 0
        )
    if isinstance(value, list):
        return Located(tuple(from_plain(child, file=file) for child in value), file, 0)
    return Located(value if value is None else str(value), file, 0)


def to_plain(node: Located) -> Plain:
    """The data without its places."""
    if isinstance(node.value, Mapping):
        return {key: to_plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [to_plain(child) for child in node.value]
    return node.value


def merge(base: Located, over: Located) -> Located:
    """`over` laid on `base`.

    Mappings merge key by key. In a list of items with a code, id or name, one of the same code
    replaces, a new one is added at the end, and `{code: X, dropped: true}` takes an inherited one
    out; example texts of the same category are added. Anything else is replaced.
    """
    if isinstance(base.value, Mapping) and isinstance(over.value, Mapping):
        merged = dict(base.value)
        for key, child in over.value.items():
            merged[key] = merge(base.value[key], child) if key in base.value else child
        return Located(merged, over.file, over.line)
    if isinstance(base.value, tuple) and isinstance(over.value, tuple):
        keyed = [*map(item_key, base.value), *map(item_key, over.value)]
        if None not in keyed:
            items = _laid_on(base.value, over.value)
            return Located(items, over.file, over.line)
    return over


def _laid_on(base: tuple[Located, ...], over: tuple[Located, ...]) -> tuple[Located, ...]:
    items = {item_key(item): item for item in base}
    for item in over:
        if _is_dropped(item) and item_key(item) in items:
            del items[item_key(item)]
        else:
            name = item_key(item)
            items[name] = _gathered(items[name], item) if name in items else item
    return tuple(items.values())


def _is_dropped(item: Located) -> bool:
    # Where there is nothing to drop the item stays, and validation refuses it: a misspelt code is told.
    mark = item.value.get("dropped") if isinstance(item.value, Mapping) else None
    return mark is not None and mark.value == "true"


def dropped_codes(over: Located) -> frozenset[str]:
    """The codes of the categories that `over` takes out."""
    taxonomy = find(over, ("taxonomy",)).value
    items = taxonomy if isinstance(taxonomy, tuple) else ()
    return frozenset(item_key(item) or "" for item in items if _is_dropped(item))


def without_examples_of(codes: frozenset[str], base: Located) -> Located:
    """`base` without its examples of those categories."""
    if not codes or not isinstance(base.value, Mapping) or "examples" not in base.value:
        return base
    groups = base.value["examples"]
    all_ = groups.value if isinstance(groups.value, tuple) else ()
    kept = tuple(one for one in all_ if find(one, ("category",)).value not in codes)
    examples = Located(kept, groups.file, groups.line)
    return Located({**base.value, "examples": examples}, base.file, base.line)


def _gathered(base: Located, over: Located) -> Located:
    """`over`, with the texts of `base` before its own where both only gather texts."""
    if not (_only_gathers(base) and _only_gathers(over)):
        return over
    key, texts = _GATHERED
    both = (*_items(find(base, (texts,))), *_items(find(over, (texts,))))
    together = Located(both, over.file, over.line)
    return Located({key: find(over, (key,)), texts: together}, over.file, over.line)


def _only_gathers(item: Located) -> bool:
    return isinstance(item.value, Mapping) and item.value.keys() == set(_GATHERED)


def _items(node: Located) -> tuple[Located, ...]:
    return node.value if isinstance(node.value, tuple) else (node,)


def item_key(item: Located) -> str | None:
    """What a list item is called: its code, id or name, or the category of its texts; None where it has none."""
    if isinstance(item.value, Mapping):
        for key in (*_KEYS, "category") if _only_gathers(item) else _KEYS:
            if key in item.value and isinstance(item.value[key].value, str):
                return str(item.value[key].value)
    return None


def find(root: Located, path: Sequence[str | int]) -> Located:
    """The value at `path`, or the deepest one on the way that exists."""
    node = root
    for step in path:
        if isinstance(node.value, Mapping) and step in node.value:
            node = node.value[str(step)]
        elif isinstance(node.value, tuple) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            break
    return node


def field_name(root: Located, path: Sequence[str | int]) -> str:
    """The path as people read it, with codes instead of positions: `taxonomy[GEN-PRD].team`."""
    name = ""
    node = root
    for index, step in enumerate(path):
        node = find(root, path[: index + 1])
        if isinstance(step, int):
            name += f"[{item_key(node) or step}]"
        else:
            name += f".{step}" if name else step
    return name
