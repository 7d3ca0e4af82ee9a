"""The migrations make the tables that the code asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.followup.store import METADATA

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.service.followup.bench import Bench


async def test_a_migrated_database_is_as_the_tables_say(bench: Bench) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    async with bench.service.database.reading() as connection:
        found = await connection.run_sync(differences)

    said = [one for one in found if "comment" not in str(one[0]) and not _is_index(one)]
    assert [one for one in said if not (isinstance(one, list) and _is_comment(one))] == []


def _is_index(change: Any) -> bool:
    """The index of words is each engine's own: FTS5 with its shadow tables, or a tsvector with a GIN index."""
    about = change[1] if isinstance(change, tuple) else None
    names = str(getattr(about, "name", "")), str(getattr(getattr(about, "table", None), "name", ""))
    return any(name.startswith("texts_index") for name in names)


def _is_comment(change: list[Any]) -> bool:
    return all("comment" in str(one[0]) for one in change)
