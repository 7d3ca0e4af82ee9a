"""docker-compose.yml and what is laid over it say nothing that is not there: names of services, secrets, settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
BASE = ROOT / "docker-compose.yml"
OVERLAYS = sorted((ROOT / "deploy").glob("compose.*.yml"))
OF_COMPOSE = {"LISTEN", "SECRETS", "VERSION", "BACKUPS", "SMTP_PUBLISH"}
"""What docker compose itself puts into the files."""
OF_THE_COMMAND = {"KEY", "KEY_FILE"}


class _Loader(yaml.SafeLoader):
    """YAML with Compose's own tags."""


def _reset(loader: yaml.SafeLoader, node: yaml.Node) -> None:
    """`!reset`: what the base says is taken away."""


def _override(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """`!override`: it replaces what the base says."""
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("!reset", _reset)
_Loader.add_constructor("!override", _override)


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return found


@pytest.mark.parametrize("file", OVERLAYS, ids=lambda one: one.name)
def test_an_overlay_is_laid_over_services_that_are_there_or_brings_a_whole_one(file: Path) -> None:
    there = read(BASE)["services"].keys()
    own = {name: service for name, service in read(file)["services"].items() if name not in there}

    assert [name for name, service in own.items() if "image" not in service] == []


@pytest.mark.parametrize("file", [BASE, *OVERLAYS], ids=lambda one: one.name)
def test_every_secret_that_a_service_asks_for_is_declared(file: Path) -> None:
    declared = read(BASE)["secrets"].keys() | read(file).get("secrets", {}).keys()
    asked = {
        name
        for service in read(file)["services"].values()
        for name in (service or {}).get("secrets", ())
    }

    assert asked <= declared


@pytest.mark.parametrize("file", [BASE, *OVERLAYS], ids=lambda one: one.name)
def test_every_setting_is_one_that_a_service_reads(file: Path) -> None:
    known = {name.upper() for name in Settings.model_fields} | OF_COMPOSE | OF_THE_COMMAND
    named = set(re.findall(r"\bREDRESS_([A-Z_]+)", file.read_text(encoding="utf-8")))

    assert named - known == set()
