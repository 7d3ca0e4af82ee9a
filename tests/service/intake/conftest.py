"""Intake with the desk behind it, over fresh databases of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path, services=("desk", "intake")) as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def either_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    database = (
        "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_databases")
    )
    async with open_world(tmp_path, services=("desk", "intake"), database=database) as opened:
        yield opened
