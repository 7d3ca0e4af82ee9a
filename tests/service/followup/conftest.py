"""Followup over fresh databases of both kinds."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests import engines
from tests.service.followup.bench import Bench, open_bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def own_database(postgres_server: str) -> Iterator[str]:
    """Return a setting for REDRESS_DATABASE with followup's database alone made."""
    prefix = f"t_{secrets.token_hex(6)}"
    engines.create_databases(postgres_server, [f"{prefix}_followup"])
    yield f"{postgres_server}/{prefix}_{{service}}"
    engines.drop_databases(postgres_server, [f"{prefix}_followup"])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Followup on either database."""
    database = "sqlite"
    if request.param == "postgresql":
        database = request.getfixturevalue("own_database")
    async with open_bench(tmp_path, database=database) as opened:
        yield opened
