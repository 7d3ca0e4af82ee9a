"""Files that settings name: what an operator describes in YAML, and secrets beside it. Every fault says where it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.settings import SettingsError

M = TypeVar("M", bound=BaseModel)


def read_described(setting: str, file: Path, model: type[M]) -> M:
    """The file that a setting names, as a model. Raises SettingsError that names setting, file and every place."""
    at = f"{setting}: {file}"
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{at} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{at} is no YAML: {' '.join(str(error).split())}.") from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(f"{at}: {_faults(error, raw)}.") from error


def _faults(error: ValidationError, raw: object) -> str:
    found = []
    for one in error.errors(include_url=False):
        place = ".".join(map(str, one["loc"]))
        found.append(f"{place or 'the file'}{_named(raw, one['loc'])}: {one['msg']}")
    return "; ".join(found)


def _named(raw: object, place: Sequence[int | str]) -> str:
    """The name of the entry that a place lies in: people know it by that, not by its number."""
    name = None
    for step in place:
        try:
            raw = raw[step]  # type: ignore[index] # whatever was written there
        except (TypeError, KeyError, IndexError):
            break
        if isinstance(raw, dict):
            name = raw.get("name", name)
    return f" ({name})" if name is not None else ""


def read_secret(setting: str, path: Path) -> str:
    """The secret in a file that the file of a setting names. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{setting}: {path} cannot be read: {error.strerror}.") from error
    if not text:
        raise SettingsError(f"{setting}: {path} is empty.")
    return text
