"""Imports: what was brought, how far each is, and which rows were refused; and mappings that are kept by name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import METADATA, Found
from shared.store.transaction import Tx
from shared.store.types import UTCDateTime, json_column

IMPORTS = Table(
    "imports",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("kind", String(12), nullable=False),  # complaints | history | customers
    Column("is_dry", Boolean, nullable=False),
    Column("file_hash", String(64), nullable=False),
    Column("columns", json_column(), nullable=False),
    Column("brought_by", String(60), nullable=False),
    Column("channel", String(20)),
    Column("state", String(10), nullable=False),  # waiting | done | failed
    Column("last_row", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("detail", json_column()),
    Column("data_key", LargeBinary),
    Column("created_at", UTCDateTime, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    UniqueConstraint("unit", "kind", "is_dry", "file_hash", name="uq_imports_unit"),
    comment="Files that are taken in row by row. `file_hash` is keyed; the file is sealed on disk until it is done.",
)
Index("ix_imports_state", IMPORTS.c.state)
REFUSED_ROWS = Table(
    "refused_rows",
    METADATA,
    Column("import_id", String(36), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("errors", json_column(), nullable=False),
    comment="Rows that were not taken, and why: fields and reasons, never what they held.",
)
MAPPINGS = Table(
    "import_mappings",
    METADATA,
    Column("unit", String(63), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("columns", json_column(), nullable=False),
    comment="Which column is which field, by the name under which a unit keeps it.",
)
_SHOWN = [column for column in IMPORTS.c if column.name not in {"data_key", "file_hash"}]


async def add_import(tx: Tx, values: Mapping[str, Any]) -> Found:
    """Keep an import, or find the one of the same file; returns its row."""
    await tx.execute(tx.upsert(IMPORTS).values(**values).on_conflict_do_nothing())
    same = [IMPORTS.c[name] == values[name] for name in ("unit", "kind", "is_dry", "file_hash")]
    return (await tx.execute(select(*_SHOWN).where(*same))).one()


async def import_of(connection: AsyncConnection, id_: str, units: Iterable[str]) -> Found | None:
    """An import within reach."""
    query = select(*_SHOWN).where(IMPORTS.c.id == id_, IMPORTS.c.unit.in_(sorted(units)))
    row: Found | None = (await connection.execute(query)).one_or_none()
    return row


async def waiting_import(connection: AsyncConnection) -> Found | None:
    """The oldest import that is not done."""
    query = select(IMPORTS).where(IMPORTS.c.state == "waiting").order_by(IMPORTS.c.id).limit(1)
    row: Found | None = (await connection.execute(query)).one_or_none()
    return row


async def advance_import(
    tx: Tx,
    id_: str,
    *,
    before: int,
    values: Mapping[str, Any],
    refused: Sequence[Mapping[str, Any]],
) -> bool:
    """Note how far an import is; False where somebody else has gone on from `before`."""
    mine = (IMPORTS.c.id == id_) & (IMPORTS.c.last_row == before) & (IMPORTS.c.state == "waiting")
    changed = await tx.execute(update(IMPORTS).where(mine).values(**values, changed_at=tx.now))
    if changed.rowcount != 1:
        return False
    if refused:
        await tx.add(REFUSED_ROWS, refused)
    return True


async def refused_rows(
    connection: AsyncConnection, id_: str, *, after: int, limit: int
) -> Sequence[Found]:
    """The rows of an import that were refused, in their order."""
    query = (
        select(REFUSED_ROWS.c.row, REFUSED_ROWS.c.errors)
        .where(REFUSED_ROWS.c.import_id == id_, REFUSED_ROWS.c.row > after)
        .order_by(REFUSED_ROWS.c.row)
        .limit(limit)
    )
    rows: Sequence[Found] = (await connection.execute(query)).all()  # type: ignore[assignment] # rows of two
    return rows


async def keep_mapping(tx: Tx, unit: str, name: str, columns: Mapping[str, str]) -> None:
    """Keep a mapping under its name."""
    statement = tx.upsert(MAPPINGS).values(unit=unit, name=name, columns=dict(columns))
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["unit", "name"], set_={"columns": dict(columns)}
        )
    )


async def mapping(connection: AsyncConnection, unit: str, name: str) -> dict[str, str] | None:
    """The mapping of that name."""
    query = select(MAPPINGS.c.columns).where(MAPPINGS.c.unit == unit, MAPPINGS.c.name == name)
    found: dict[str, str] | None = (await connection.execute(query)).scalar_one_or_none()
    return found
