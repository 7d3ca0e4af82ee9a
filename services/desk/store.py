"""The desk's tables and queries."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    MetaData,
    Select,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.desk.model import NewAccount, NewKey, NewUnit
from shared.contracts.desk import PolicyAccount, PolicyInForce, PolicyKey, PolicyPack, PolicyUnit
from shared.packs.wire import WirePack
from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

UNITS = Table(
    "units",
    METADATA,
    Column("id", String(63), primary_key=True),
    Column("parent", String(63)),
    Column("title_zh", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("default_team", String(60), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("login", String(100), nullable=False, unique=True),
    Column("display", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("languages", json_column(), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)
KEYS = Table(
    "keys",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("secret_sha256", String(64), nullable=False),
    Column("label", String(100), nullable=False),
    Column("scopes", json_column(), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("channel", String(20)),
    Column("created_by", String(100), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime),
    Column("revoked_at", UTCDateTime),
)
PACKS = Table(
    "packs",
    METADATA,
    Column("pack", String(63), primary_key=True),
    Column("version", String(30), primary_key=True),
    Column("inherits", String(100)),
    Column("body", Text, nullable=False),
    Column("added_at", UTCDateTime, nullable=False),
)
IN_FORCE = Table(
    "in_force",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("unit", String(63), nullable=False),
    Column("pack", String(63), nullable=False),
    Column("version", String(30), nullable=False),
    Column("since", UTCDateTime, nullable=False),
    Column("put_by", String(100), nullable=False),
)
Index("ix_in_force_unit", IN_FORCE.c.unit, IN_FORCE.c.since)


async def is_empty(tx: Tx) -> bool:
    """Whether nothing was ever set up."""
    return (await tx.row(select(UNITS.c.id).limit(1))) is None


async def unit(tx: Tx, id_: str) -> AnyRow | None:
    return await tx.row(select(UNITS).where(UNITS.c.id == id_))


async def add_unit(tx: Tx, new: NewUnit, *, parent: str | None) -> PolicyUnit:
    """Add a unit; the root's parent is None."""
    values = {
        "id": new.id,
        "parent": parent,
        "title_zh": new.title_zh,
        "title_en": new.title_en,
        "default_team": new.default_team,
    }
    await tx.execute(insert(UNITS), values | {"created_at": tx.now})
    return PolicyUnit.model_validate(values)


async def account_by_login(connection: AsyncConnection, login: str) -> AnyRow | None:
    query = select(ACCOUNTS).where(ACCOUNTS.c.login == login)
    return (await connection.execute(query)).one_or_none()


async def has_login(tx: Tx, login: str) -> bool:
    return await tx.row(select(ACCOUNTS.c.id).where(ACCOUNTS.c.login == login)) is not None


async def add_account(tx: Tx, new: NewAccount) -> PolicyAccount:
    shown = {
        "id": new.id,
        "login": new.login,
        "display": new.display,
        "role": new.role,
        "unit": new.unit,
        "languages": list(new.languages),
    }
    await tx.execute(
        insert(ACCOUNTS),
        shown | {"password_hash": new.password_hash, "active": True, "created_at": tx.now},
    )
    return PolicyAccount.model_validate(shown)


async def add_key(tx: Tx, new: NewKey, *, secret_sha256: str, by: str) -> PolicyKey:
    values = {
        "id": new.id,
        "secret_sha256": secret_sha256,
        "label": new.label,
        "scopes": list(new.scopes),
        "unit": new.unit,
        "channel": new.channel,
        "created_at": tx.now,
        "expires_at": new.expires_at,
    }
    await tx.execute(insert(KEYS), values | {"created_by": by})
    return PolicyKey.model_validate(values)


async def key(tx: Tx, id_: str) -> AnyRow | None:
    return await tx.row(select(KEYS).where(KEYS.c.id == id_))


async def revoke_key(tx: Tx, id_: str) -> None:
    await tx.execute(update(KEYS).where(KEYS.c.id == id_).values(revoked_at=tx.now))


async def has_pack(tx: Tx, *, pack: str, version: str) -> bool:
    query = select(PACKS.c.pack).where(PACKS.c.pack == pack, PACKS.c.version == version)
    return await tx.row(query) is not None


async def add_pack(tx: Tx, wire: WirePack) -> PolicyPack:
    pack, _, version = wire.ref.partition("@")
    values = {"pack": pack, "version": version, "inherits": wire.inherits, "body": wire.body}
    await tx.execute(insert(PACKS), values | {"added_at": tx.now})
    return PolicyPack.model_validate(values)


async def put_in_force(tx: Tx, said: PolicyInForce, *, by: str) -> None:
    await tx.execute(insert(IN_FORCE), said.model_dump() | {"put_by": by})


def units_query(units: Iterable[str], *, after: str | None, limit: int) -> Select[*tuple[Any, ...]]:
    query = select(UNITS).where(UNITS.c.id.in_(sorted(units))).order_by(UNITS.c.id).limit(limit)
    return query.where(UNITS.c.id > after) if after else query


def keys_query(units: Iterable[str], *, after: str | None, limit: int) -> Select[*tuple[Any, ...]]:
    query = select(KEYS).where(KEYS.c.unit.in_(sorted(units))).order_by(KEYS.c.id).limit(limit)
    return query.where(KEYS.c.id > after) if after else query


def accounts_query(
    units: Iterable[str], *, after: str | None, limit: int
) -> Select[*tuple[Any, ...]]:
    query = (
        select(ACCOUNTS)
        .where(ACCOUNTS.c.unit.in_(sorted(units)))
        .order_by(ACCOUNTS.c.id)
        .limit(limit)
    )
    return query.where(ACCOUNTS.c.id > after) if after else query


async def fetch(connection: AsyncConnection, query: Select[*tuple[Any, ...]]) -> Sequence[AnyRow]:
    """The rows of a list."""
    return (await connection.execute(query)).all()
