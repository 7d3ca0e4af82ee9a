"""The migrations make the tables that the code asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.routing.store import METADATA

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.world import World


async def test_a_migrated_database_is_as_the_tables_say(world: World) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    async with world.service("routing").service.database.reading() as connection:
        found = await connection.run_sync(differences)

    said = [one for one in found if "comment" not in str(one[0])]
    assert [one for one in said if not (isinstance(one, list) and _is_comment(one))] == []


def _is_comment(change: list[Any]) -> bool:
    return all("comment" in str(one[0]) for one in change)
