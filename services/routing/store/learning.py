"""Lessons that people's corrections are, and the models learnt of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.model import Correction
from services.routing.store.tables import LESSONS, MODELS, MODELS_IN_FORCE
from shared.store.transaction import AnyRow, Tx

ASIDE_SHARE = 5
"""Every fifth lesson is never learnt from; which, its complaint's id says, so all replicas agree."""


async def keep_lesson(tx: Tx, row: Mapping[str, Any], correction: Correction) -> None:
    """Keep what a correction teaches; a later one of the same complaint replaces it."""
    if not row["text"]:
        return
    values = {
        "complaint": row["complaint"],
        "pack": row["pack"],
        "unit": row["unit"],
        "text": row["text"],
        "kind": correction.kind,
        "category": correction.category,
        "severity": correction.severity,
        "aside": crc32(row["complaint"].encode()) % ASIDE_SHARE == 0,
        "corrected_at": tx.now,
    }
    query = tx.upsert(LESSONS)
    changed = {
        name: query.excluded[name] for name in ("kind", "category", "severity", "corrected_at")
    }
    await tx.execute(
        query.on_conflict_do_update(index_elements=["complaint"], set_=changed), [values]
    )


async def lessons(connection: AsyncConnection, pack: str) -> Sequence[AnyRow]:
    """A pack's lessons, always in the same order."""
    query = select(LESSONS).where(LESSONS.c.pack == pack).order_by(LESSONS.c.complaint)
    return (await connection.execute(query)).all()


async def lesson_counts(connection: AsyncConnection) -> dict[str, tuple[int, Any]]:
    """For each pack the number of its lessons, and when the last was given."""
    query = select(LESSONS.c.pack, func.count(), func.max(LESSONS.c.corrected_at)).group_by(
        LESSONS.c.pack
    )
    return {pack: (count, last) for pack, count, last in (await connection.execute(query)).all()}


async def models(
    connection: AsyncConnection, *, pack: str | None, after: tuple[str, str, str] | None, limit: int
) -> Sequence[AnyRow]:
    """Models without their data, and whether each is in force."""
    shown = [one for one in MODELS.c if one.name != "data"]
    query = (
        select(*shown, MODELS_IN_FORCE.c.name.label("in_force"))
        .outerjoin(
            MODELS_IN_FORCE,
            (MODELS_IN_FORCE.c.pack == MODELS.c.pack)
            & (MODELS_IN_FORCE.c.pack_version == MODELS.c.pack_version)
            & (MODELS_IN_FORCE.c.name == MODELS.c.name),
        )
        .order_by(MODELS.c.pack, MODELS.c.pack_version, MODELS.c.name)
        .limit(limit)
    )
    if pack is not None:
        query = query.where(MODELS.c.pack == pack)
    for row in (after,) if after else ():
        query = query.where(
            (MODELS.c.pack > row[0])
            | ((MODELS.c.pack == row[0]) & (MODELS.c.pack_version > row[1]))
            | (
                (MODELS.c.pack == row[0])
                & (MODELS.c.pack_version == row[1])
                & (MODELS.c.name > row[2])
            )
        )
    return (await connection.execute(query)).all()


async def last_made(connection: AsyncConnection, *, pack: str, version: str) -> AnyRow | None:
    """When a pack version's newest model was made, and of how many corrections."""
    query = (
        select(MODELS.c.made_at, MODELS.c.corrections)
        .where(MODELS.c.pack == pack, MODELS.c.pack_version == version)
        .order_by(MODELS.c.made_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).one_or_none()


async def in_force(connection: AsyncConnection) -> dict[tuple[str, str], str]:
    """The name of each pack version's model in force, where one was put in force."""
    rows = (await connection.execute(select(MODELS_IN_FORCE))).all()
    return {(row.pack, row.pack_version): row.name for row in rows}


async def model_data(
    connection: AsyncConnection, *, pack: str, version: str, name: str
) -> bytes | None:
    """A model as data."""
    query = select(MODELS.c.data).where(
        MODELS.c.pack == pack, MODELS.c.pack_version == version, MODELS.c.name == name
    )
    row = (await connection.execute(query)).one_or_none()
    return row.data if row else None


async def has_model(tx: Tx, *, pack: str, version: str, name: str) -> bool:
    """Whether there is such a model."""
    query = select(MODELS.c.name).where(
        MODELS.c.pack == pack, MODELS.c.pack_version == version, MODELS.c.name == name
    )
    return await tx.row(query) is not None


async def keep_model(tx: Tx, row: Mapping[str, Any]) -> None:
    """Keep a model; another replica may have made the same one."""
    await tx.execute(tx.upsert(MODELS).on_conflict_do_nothing(), [row])


async def put_in_force(tx: Tx, *, pack: str, version: str, name: str, by: str) -> None:
    """From now on a pack version is read by this model."""
    values = {"pack": pack, "pack_version": version, "name": name, "by": by, "since": tx.now}
    query = tx.upsert(MODELS_IN_FORCE)
    changed = {column: query.excluded[column] for column in ("name", "by", "since")}
    await tx.execute(
        query.on_conflict_do_update(index_elements=["pack", "pack_version"], set_=changed), [values]
    )
