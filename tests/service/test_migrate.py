"""Migrating forth, and going back to the release before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from redress.host import BUILDERS
from shared.store import migrate
from shared.store.engine import make_writer
from shared.store.migrate import is_current, upgrade

FOLDER = Path(__file__).resolve().parents[2] / "services" / "followup" / "migrations"
SERVICES = tuple(BUILDERS)


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


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_newest_is_read_of_the_files_as_alembic_reads_it(service: str) -> None:
    folder = FOLDER.parents[1] / service / "migrations"
    scripts = ScriptDirectory(str(folder))

    known, newest = migrate._known(folder)

    assert known == {script.revision for script in scripts.walk_revisions()}
    assert newest == set(scripts.get_heads())


def test_a_start_that_has_nothing_to_migrate_does_not_load_alembic() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, redress.host; print('alembic' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert said.stdout.strip() == "False"
