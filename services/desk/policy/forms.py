"""Forms of commands, made of the JSON schemas that the lifecycle gives: a new command has its form by itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final, Literal

Widget = Literal["line", "area", "lines", "check", "moment", "choice", "pairs"]
LONG: Final = 200
"""Texts that may be longer get more than a line."""
_INDEX: Final = re.compile(r"\.\d+(?=\.|$)")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `name` is its dotted path in the body; `part` its group where that may be left out."""

    name: str
    widget: Widget
    required: bool
    longest: int | None = None
    options: tuple[str, ...] = ()
    checked: bool = False
    part: str = ""

    @property
    def word(self) -> str:
        """The path without places in lists, by which its label is known."""
        return _INDEX.sub("", self.name)


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a body, those that must be filled first in their order."""
    found = list(_object(schema, schema.get("$defs", {}), "", required=True, part=""))
    return tuple(sorted(found, key=lambda one: bool(one.part) or not one.required))


def _object(
    schema: Mapping[str, Any], defs: Mapping[str, Any], at: str, *, required: bool, part: str
) -> Iterator[Field]:
    needed = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        yield from _field(
            each, defs, f"{at}{name}", required=required and name in needed, part=part
        )


def _field(
    schema: Mapping[str, Any], defs: Mapping[str, Any], name: str, *, required: bool, part: str
) -> Iterator[Field]:
    given, plain = schema, _plain(schema, defs)
    common: dict[str, Any] = {"name": name, "required": required, "part": part}
    longest = plain.get("maxLength")
    match plain.get("type"):
        case "object" if "properties" in plain:
            yield from _object(
                plain, defs, f"{name}.", required=required, part="" if required else name
            )
        case "object":
            yield Field(widget="pairs", **common)
        case "array":
            yield from _list(plain, defs, name, required=required, part=part)
        case "boolean" if "default" in given:
            yield Field(widget="check", checked=bool(given["default"]), **common)
        case "boolean":
            yield Field(widget="choice", options=("true", "false"), **common)
        case _ if "enum" in plain:
            yield Field(widget="choice", options=tuple(map(str, plain["enum"])), **common)
        case _ if plain.get("format") == "date-time":
            yield Field(widget="moment", **common)
        case _:
            widget: Widget = "area" if (longest or 0) > LONG else "line"
            yield Field(widget=widget, longest=longest, **common)


def _list(
    plain: Mapping[str, Any], defs: Mapping[str, Any], name: str, *, required: bool, part: str
) -> Iterator[Field]:
    item = _plain(plain.get("items", {}), defs)
    if "properties" not in item:
        yield Field(name, "lines", required or plain.get("minItems", 0) > 0, part=part)
        return
    least = max(1, int(plain.get("minItems", 0)))
    for at in range(least):
        here = f"{name}.{at}"
        group = "" if required else here
        yield from _object(item, defs, f"{here}.", required=required, part=group)


def _plain(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without references and without the choice of null."""
    if "$ref" in schema:
        return _plain(defs[schema["$ref"].rpartition("/")[2]], defs)
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return _plain(each, defs)
    for each in schema.get("allOf", ()):
        return _plain(each, defs)
    if "const" in schema:
        return {"type": "string", "enum": [schema["const"]]}
    return schema


def with_options(
    fields: Sequence[Field], options: Mapping[str, Sequence[str]]
) -> tuple[Field, ...]:
    """The fields, those among them that are chosen from a list with what there is to choose."""
    return tuple(
        replace(one, widget="choice", options=tuple(options[one.word]))
        if one.widget == "line" and options.get(one.word)
        else one
        for one in fields
    )


def body_of(fields: Sequence[Field], sent: Mapping[str, str], zone: tzinfo) -> dict[str, Any]:
    """The body that a sent form stands for: what was left empty is left out. Times are read in `zone`."""
    body: dict[str, Any] = {}
    filled = {
        one.part for one in fields if one.widget != "check" and sent.get(one.name, "").strip()
    }
    for one in fields:
        if one.part and one.part not in filled:
            continue
        value = _value(one, sent.get(one.name, ""), zone)
        if value is not None:
            _put(body, one.name.split("."), value)
    found: dict[str, Any] = _as_lists(body)
    return found


def _value(one: Field, text: str, zone: tzinfo) -> Any:  # noqa: ANN401 - JSON
    if one.widget == "check":
        return text != ""
    return _written(one, text.replace("\r\n", "\n"), zone) if text.strip() else None


def _written(one: Field, text: str, zone: tzinfo) -> object:
    match one.widget:
        case "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "pairs":
            pairs = (line.partition(":" if ":" in line else "：") for line in text.split("\n"))
            return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}
        case "moment":
            return _moment(text, zone)
        case "choice" if one.options == ("true", "false"):
            return text == "true"
        case _:
            return text.strip()


def _moment(text: str, zone: tzinfo) -> str:
    """An RFC 3339 time; what is none is passed on as it is, so that the service names the field."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).isoformat()
    except ValueError:
        return text


def _put(body: dict[str, Any], path: Sequence[str], value: object) -> None:
    for part in path[:-1]:
        body = body.setdefault(part, {})
    body[path[-1]] = value


def _as_lists(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return value
    inner = {name: _as_lists(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
