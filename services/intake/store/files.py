"""Queries about files that may or may not belong to a complaint, and about what was claimed."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import ATTACHMENTS, FRAME
from shared.store.transaction import Tx


async def drop_untaken(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Remove those of these files that no complaint has taken; returns their ids."""
    statement = (
        delete(ATTACHMENTS)
        .where(ATTACHMENTS.c.id.in_(sorted(ids)), ATTACHMENTS.c.complaint_id.is_(None))
        .returning(ATTACHMENTS.c.id)
    )
    return [row.id for row in await tx.rows(statement)]


async def claims_on(
    connection: AsyncConnection, wanted: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """What these (scope, key) have made: fingerprint and reference of each."""
    table, found = FRAME.idempotency, []
    for scope, key in wanted:
        query = select(table.c.fingerprint, table.c.reference).where(
            table.c.scope == scope, table.c.key == key
        )
        found += [(row.fingerprint, row.reference) for row in await connection.execute(query)]
    return found


async def is_claimed(connection: AsyncConnection, wanted: Sequence[tuple[str, str]]) -> bool:
    """Whether any of these (scope, key) has made something."""
    return bool(await claims_on(connection, wanted))
