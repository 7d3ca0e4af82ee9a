"""Migrations: each service has an Alembic tree of its own, run here.

Files are named by date and by when they are safe: `pre_` under the old code, `post_` only once the new code runs.
Whether there is anything to migrate is asked at every start, and answered without loading Alembic.
"""

import re
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from shared.errors import Transient
from shared.settings import SettingsError
from shared.store.engine import make_writer
from shared.store.faults import is_passing

LOCK: Final = 7_262_733  # any number, the same for every process that migrates
_REVISION: Final = re.compile(r'^(down_)?revision(?:: .*?)? = "([^"]+)"', re.MULTILINE)


async def upgrade(url: str, folder: Path) -> bool:
    """Bring one service's database to the newest version; says whether there was anything to do.

    Creates the PostgreSQL database when it is missing and the role may. Raises Transient when the server is away,
    SettingsError when the database cannot be made.
    """
    if url.startswith("postgresql"):
        await _ensure_database(url)
    engine = make_writer(url)
    try:
        async with engine.connect() as connection, connection.begin():
            if url.startswith("postgresql"):
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            return await connection.run_sync(_upgrade, folder)
    except Exception as error:
        if is_passing(error):
            raise _away(folder, error) from error
        raise
    finally:
        await engine.dispose()


async def is_current(url: str, folder: Path) -> bool:
    """Whether the database has every migration that this release knows. Raises Transient when the server is away.

    One that a newer release has migrated is current too, so that one can go back to the release before.
    """
    engine = make_writer(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_is_current, folder)
    except Exception as error:
        if is_passing(error):
            raise _away(folder, error) from error
        raise
    finally:
        await engine.dispose()


def _away(folder: Path, error: Exception) -> Transient:
    return Transient(f"the database for {folder.parent.name} is away: {type(error).__name__}")


def _current(connection: Connection) -> set[str]:
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def _known(folder: Path) -> tuple[set[str], set[str]]:
    """This release's versions, and the newest of them: what no other one goes on from."""
    found: dict[bool, set[str]] = {False: set(), True: set()}
    for file in (folder / "versions").glob("*.py"):
        for down, revision in _REVISION.findall(file.read_text(encoding="utf-8")):
            found[bool(down)].add(revision)
    return found[False], found[False] - found[True]


def _is_current(connection: Connection, folder: Path) -> bool:
    current, (known, newest) = _current(connection), _known(folder)
    is_newer = not current <= known
    return is_newer or current == newest


def _upgrade(connection: Connection, folder: Path) -> bool:
    if _is_current(connection, folder):
        return False
    from alembic import command  # here: it would be a tenth of every start
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def run_environment() -> None:
    """What each service's `env.py` calls: migrate on the connection that `upgrade` opened."""
    from alembic import context

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transactional_ddl=True, render_as_batch=True)
    # The caller's transaction holds: all migrations or none.
    context.run_migrations()


async def _ensure_database(url: str) -> None:
    address = make_url(url)
    engine = create_async_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            query = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if (await connection.execute(query, {"name": address.database})).first():
                return
            quoted = str(address.database).replace('"', '""')
            await connection.execute(text(f'CREATE DATABASE "{quoted}"'))
    except DBAPIError as error:
        if is_passing(error):
            raise Transient(f"PostgreSQL is away: {type(error).__name__}") from error
        state = getattr(error.orig, "sqlstate", "")
        if state in {"42P04", "23505"}:
            return  # Another process made it meanwhile.
        if state == "42501":
            raise SettingsError(
                f"the database {address.database!r} does not exist and the role {address.username!r} may not create it: "
                "create it, owned by that role, and run `redress migrate` again."
            ) from error
        # A role that may not open `postgres` can still own its database.
        return
    except OSError as error:
        raise Transient(
            f"PostgreSQL at {address.host}:{address.port} is away: {type(error).__name__}"
        ) from error
    finally:
        await engine.dispose()
