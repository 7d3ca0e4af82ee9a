"""Placeholders in what operators write: `{name}` in texts, at any depth of lists and objects. Nothing is evaluated."""

import re
from collections.abc import Mapping
from typing import Any, Final

_PLACE: Final = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)?)\}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced; one without a value becomes nothing."""
    return _PLACE.sub(lambda found: values.get(found[1], ""), text)


def filled_all(shape: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value with the placeholders in all its texts replaced; keys stay as they are."""
    if isinstance(shape, str):
        return filled(shape, values)
    if isinstance(shape, Mapping):
        return {name: filled_all(one, values) for name, one in shape.items()}
    if isinstance(shape, list):
        return [filled_all(one, values) for one in shape]
    return shape


def places(shape: Any) -> set[str]:  # noqa: ANN401 - any JSON
    """The placeholders in a JSON value."""
    if isinstance(shape, str):
        return set(_PLACE.findall(shape))
    if isinstance(shape, Mapping):
        return set().union(*map(places, shape.values()))
    return set().union(*map(places, shape)) if isinstance(shape, list) else set()
