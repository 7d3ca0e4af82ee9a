"""Followup over fresh databases of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.followup.bench import Bench, open_bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Followup on either database."""
    database = "sqlite"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres_databases")
    async with open_bench(tmp_path, database=database) as opened:
        yield opened
