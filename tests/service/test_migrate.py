"""Migrating forth, and going back to the release before."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from shared.store.engine import make_writer
from shared.store.migrate import is_current, upgrade

FOLDER = Path(__file__).resolve().parents[2] / "services" / "followup" / "migrations"


async def test_a_database_is_current_after_its_migrations_and_not_before(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/state.db"

    assert not await is_current(url, FOLDER)
    assert await upgrade(url, FOLDER)
    assert await is_current(url, FOLDER)
    assert not await upgrade(url, FOLDER)


async def test_a_release_runs_on_a_database_that_the_next_one_has_migrated(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/state.db"
    await upgrade(url, FOLDER)
    engine = make_writer(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'of the next'"))
    await engine.dispose()

    assert await is_current(url, FOLDER)
    assert not await upgrade(url, FOLDER)
