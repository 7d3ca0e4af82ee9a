"""What consumers of the last release rely on: `python -m dev.contracts` names what would break them.

With `--release` today's contracts become the ones to keep.

`shared/contracts/released.json` has every event's fields as that release said them: types, whether they are always
there, and the values a field may have. Fields and values may be added: readers ignore what they do not know. Anything
else needs a new version of the event beside the old one for two minor releases.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dev.docs import EVENTS, ROOT, schema_of
from shared.contracts.catalogue import BY_TYPE, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASELINE: Final = ROOT / "shared" / "contracts" / "released.json"
DEEPEST: Final = 12
ANY: Final = "anything"


@dataclass(frozen=True, slots=True)
class Field:
    """One field as consumers meet it. `values` None: any value of its types."""

    types: frozenset[str]
    is_required: bool
    values: frozenset[str] | None = None


Fields = dict[str, Field]
"""By path: `data.clocks[].due_at`; `{}` stands for any name."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One event: where it is said, and its fields. `topic` None where that is not known."""

    topic: str | None
    fields: Fields


def main(arguments: list[str] | None = None) -> int:
    """Compare the code with what was released. Returns 1 when a consumer would break, after naming each reason."""
    parser = argparse.ArgumentParser(prog="python -m dev.contracts", description=__doc__)
    parser.add_argument(
        "--release", action="store_true", help="make today's contracts the ones to keep"
    )
    options = parser.parse_args(arguments)
    if options.release:
        BASELINE.write_text(written(present()), encoding="utf-8")
        print(f"contracts: {len(BY_TYPE)} events are the released ones now")
        return 0
    found = breaks(read(BASELINE.read_text(encoding="utf-8")), present())
    for one in found:
        print(f"contracts: {one}", file=sys.stderr)
    return 1 if found else 0


def present() -> dict[str, Contract]:
    """The contracts of this code."""
    return {
        type_: Contract(TOPICS[body.source], fields_of(schema_of(body)))
        for type_, body in BY_TYPE.items()
    }


def breaks(old: Mapping[str, Contract], new: Mapping[str, Contract]) -> list[str]:
    """Every difference that would break a consumer built on `old`, in words."""
    found = []
    for type_, was in sorted(old.items()):
        now = new.get(type_)
        if now is None:
            found.append(
                f"{type_} is not said any more: say it beside its successor for two minor releases"
            )
            continue
        if None not in (was.topic, now.topic) and was.topic != now.topic:
            found.append(
                f"{type_} moved from {was.topic} to {now.topic}: its readers are elsewhere"
            )
        found += [f"{type_}: {one}" for one in _breaks_of(was.fields, now.fields)]
    return found


def _breaks_of(old: Fields, new: Fields) -> Iterator[str]:
    for path, was in sorted(old.items()):
        now = new.get(path)
        if now is not None:
            yield from (f"{path} {one}" for one in _breaks_in(was, now))
        # What it was in may be gone: that is told once.
        elif all(parent in new for parent in _parents(path) if parent in old):
            yield f"{path} is gone"


def _breaks_in(was: Field, now: Field) -> Iterator[str]:
    if added := sorted(now.types - was.types):
        yield f"may be {' or '.join(added)} now, was {' or '.join(sorted(was.types))}"
    if was.is_required and not now.is_required:
        yield "may be missing now"
    if was.values is None or added:
        return
    if now.values is None:
        yield f"may have any value now, was one of {', '.join(sorted(was.values))}"
    elif lost := sorted(was.values - now.values):
        yield f"is never {' or '.join(lost)} any more"


def _parents(path: str) -> Iterator[str]:
    for end, letter in enumerate(path):
        if letter in ".[{":
            yield path[:end]


def fields_of(schema: Mapping[str, Any]) -> Fields:
    """The fields of an event's JSON Schema."""
    found: Fields = {}
    _collect(schema, schema.get("$defs", {}), "", is_required=True, found=found, depth=0)
    found.pop("", None)
    return found


def _collect(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    path: str,
    *,
    is_required: bool,
    found: Fields,
    depth: int,
) -> None:
    if depth > DEEPEST:
        return
    options = list(_options(schema, definitions))
    found[path] = Field(
        frozenset(_type_of(one) for one in options), is_required, _values_of(options)
    )
    for one in options:
        required = set(one.get("required", ()))
        for name, inner in one.get("properties", {}).items():
            _collect(inner, definitions, f"{path}.{name}".lstrip("."), is_required=name in required, found=found,
                     depth=depth + 1)  # fmt: skip
        for mark, inner in (("[]", one.get("items")), ("{}", one.get("additionalProperties"))):
            if isinstance(inner, dict):
                _collect(
                    inner, definitions, path + mark, is_required=True, found=found, depth=depth + 1
                )


def _options(
    schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """What a value may be, references followed."""
    if "$ref" in schema:
        yield from _options(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    elif "anyOf" in schema or "oneOf" in schema:
        for one in schema.get("anyOf") or schema["oneOf"]:
            yield from _options(one, definitions)
    else:
        yield schema


def _type_of(schema: Mapping[str, Any]) -> str:
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    named = schema.get("type") or (
        "string" if values and all(isinstance(v, str) for v in values) else ANY
    )
    return f"{named}/{schema['format']}" if "format" in schema else str(named)


def _values_of(options: list[Mapping[str, Any]]) -> frozenset[str] | None:
    found: set[str] = set()
    for one in options:
        if one.get("type") == "null":
            continue
        if "const" not in one and "enum" not in one:
            return None
        found |= {str(value) for value in one.get("enum", [one.get("const")])}
    return frozenset(found) or None


def written(contracts: Mapping[str, Contract]) -> str:
    """The contracts as text, a field a line, so that a change shows."""
    document = {
        type_: {"topic": one.topic, "fields": {path: _as_text(f) for path, f in sorted(one.fields.items())}}
        for type_, one in sorted(contracts.items())
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def read(text: str) -> dict[str, Contract]:
    """The contracts in a text that `written` made."""
    return {
        type_: Contract(
            one["topic"], {path: _from_text(text) for path, text in one["fields"].items()}
        )
        for type_, one in json.loads(text).items()
    }


def _as_text(field: Field) -> str:
    must = "required" if field.is_required else "optional"
    values = "" if field.values is None else " = " + "|".join(sorted(field.values))
    return f"{must} {'|'.join(sorted(field.types))}{values}"


def _from_text(text: str) -> Field:
    kind, _, values = text.partition(" = ")
    must, _, types = kind.partition(" ")
    return Field(
        frozenset(types.split("|")),
        must == "required",
        frozenset(values.split("|")) if values else None,
    )


def at_last_tag(root: Path) -> tuple[str, dict[str, Contract]] | None:
    """The newest tag's name and the contracts that its published schemas tell; None where there is no tag."""
    tag = _git(root, "describe", "--tags", "--abbrev=0")
    if tag is None:
        return None
    folder = EVENTS.relative_to(ROOT).as_posix()
    names = (_git(root, "ls-tree", "--name-only", tag, f"{folder}/") or "").splitlines()
    schemas = {
        Path(name).stem: _git(root, "show", f"{tag}:{name}")
        for name in names
        if name.endswith(".json")
    }
    found = {
        type_: Contract(None, fields_of(json.loads(text)))
        for type_, text in schemas.items()
        if text
    }
    return tag, found


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - whichever git there is
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
