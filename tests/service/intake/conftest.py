"""Intake with the desk behind it, over fresh databases of both kinds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def world(seeded_folder: Path, tmp_path: Path) -> AsyncIterator[World]:
    shutil.copytree(seeded_folder, tmp_path, dirs_exist_ok=True)
    async with open_world(tmp_path, services=("desk", "intake")) as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def either_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    database = request.param
    if database == "sqlite":
        shutil.copytree(request.getfixturevalue("seeded_folder"), tmp_path, dirs_exist_ok=True)
    else:
        database = request.getfixturevalue("postgres_databases")
    async with open_world(tmp_path, services=("desk", "intake"), database=database) as opened:
        yield opened
