"""Files that settings name: what an operator describes in YAML, and secrets beside it. Every fault says where it is."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.settings import SettingsError

M = TypeVar("M", bound=BaseModel)


def read_described(setting: str, file: Path, model: type[M]) -> M:
    """The file that a setting names, as a model. Raises SettingsError that names setting, file and place."""
    try:
        return model.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{setting}: {file} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(f"{setting}: {file}: {place}: {first['msg']}.") from error


def read_secret(setting: str, file: Path, path: Path) -> str:
    """The secret in the file at `path`, which is relative to the one that names it. Raises SettingsError."""
    try:
        text = (file.parent / path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{setting}: {path} cannot be read: {error}.") from error
    if not text:
        raise SettingsError(f"{setting}: {path} is empty.")
    return text
