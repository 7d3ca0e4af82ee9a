"""The migrations make the tables that the code asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.intake.store import METADATA
from services.intake.store.mails import MAILS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.world import World


async def test_a_migrated_database_is_as_the_tables_say(either_world: World) -> None:
    assert MAILS.name in METADATA.tables

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    async with either_world.service("intake").service.database.reading() as connection:
        found = await connection.run_sync(differences)

    assert [one for one in found if not _is_comment(one)] == []


def _is_comment(change: Any) -> bool:
    parts = change if isinstance(change, list) else [change]
    return all("comment" in str(one[0]) for one in parts)
