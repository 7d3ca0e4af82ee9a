"""The desk's tables and queries."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.desk.model import Flow, NewAccount, NewKey, NewUnit, PackChange, Session
from shared.contracts.desk import (
    Before,
    PolicyAccount,
    PolicyInForce,
    PolicyKey,
    PolicyPack,
    PolicyUnit,
)
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
PACK_CHANGES = Table(
    "pack_changes",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("at", UTCDateTime, nullable=False),
    Column("by", String(100), nullable=False),
    Column("action", String(20), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("ref", String(100), nullable=False),
    Column("since", UTCDateTime),
    Column("was", String(100)),
    Column("reason", Text, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", String(64), primary_key=True, comment="SHA-256 of what the browser holds"),
    Column("account", String(36), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
)
Index("ix_sessions_seen_at", SESSIONS.c.seen_at)
TRIES = Table(
    "tries",
    METADATA,
    Column("login", String(64), primary_key=True, comment="SHA-256 of the login that was typed"),
    Column("failures", Integer, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    comment="Wrong passwords one after another.",
)
PRESENT = Table(
    "present",
    METADATA,
    Column("number", String(20), primary_key=True),
    Column("account", String(36), primary_key=True),
    Column("seen_at", UTCDateTime, nullable=False),
    comment="Who looks at a case.",
)
Index("ix_present_seen_at", PRESENT.c.seen_at)
FLOWS = Table(
    "flows",
    METADATA,
    Column("id", String(64), primary_key=True, comment="SHA-256 of the state the browser holds"),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("to", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    comment="Who was sent to the identity provider and has not come back.",
)
Index("ix_flows_created_at", FLOWS.c.created_at)
IDENTITIES = Table(
    "identities",
    METADATA,
    Column("id", String(64), primary_key=True, comment="SHA-256 of issuer and subject"),
    Column("account", String(36), nullable=False, unique=True),
    Column("created_at", UTCDateTime, nullable=False),
    comment="Accounts of those who sign in at the identity provider.",
)


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


async def pack_body(tx: Tx, *, pack: str, version: str) -> str | None:
    """What a version of a pack says, packed; None where it is not here."""
    query = select(PACKS.c.body).where(PACKS.c.pack == pack, PACKS.c.version == version)
    row = await tx.row(query)
    return str(row.body) if row else None


async def packs(connection: AsyncConnection) -> dict[str, WirePack]:
    """All versions of all packs, by `P@V`."""
    rows = await fetch(connection, select(PACKS).order_by(PACKS.c.pack, PACKS.c.version))
    return {one.ref: one for one in map(_wire, rows)}


def _wire(row: AnyRow) -> WirePack:
    return WirePack(ref=f"{row.pack}@{row.version}", inherits=row.inherits, body=row.body)


async def add_pack(tx: Tx, wire: WirePack) -> PolicyPack:
    pack, _, version = wire.ref.partition("@")
    values = {"pack": pack, "version": version, "inherits": wire.inherits, "body": wire.body}
    await tx.execute(insert(PACKS), values | {"added_at": tx.now})
    return PolicyPack.model_validate(values)


async def put_in_force(tx: Tx, said: PolicyInForce, *, by: str) -> None:
    await tx.execute(insert(IN_FORCE), said.model_dump(exclude={"before"}) | {"put_by": by})


async def begins(tx: Tx, unit: str, *, limit: int) -> list[Before]:
    """The last versions that were put in force for a unit, in the order in which they count."""
    query = (
        select(IN_FORCE)
        .where(IN_FORCE.c.unit == unit)
        .order_by(IN_FORCE.c.since.desc(), IN_FORCE.c.id.desc())
        .limit(limit)
    )
    rows = reversed(await tx.rows(query))
    return [Before(pack=row.pack, version=row.version, since=row.since) for row in rows]


async def keep_change(tx: Tx, change: PackChange) -> None:
    await tx.execute(insert(PACK_CHANGES), asdict(change) | {"at": tx.now})


async def in_force(
    connection: AsyncConnection, units: Iterable[str], now: datetime
) -> Sequence[AnyRow]:
    """What was put in force last for each unit at `now`, and all that begins later."""
    last = (
        select(IN_FORCE.c.unit, func.max(IN_FORCE.c.since).label("since"))
        .where(IN_FORCE.c.since <= now)
        .group_by(IN_FORCE.c.unit)
        .subquery()
    )
    query = (
        select(IN_FORCE)
        .outerjoin(last, last.c.unit == IN_FORCE.c.unit)
        .where(IN_FORCE.c.unit.in_(sorted(units)))
        .where((last.c.since.is_(None)) | (IN_FORCE.c.since >= last.c.since))
        .order_by(IN_FORCE.c.unit, IN_FORCE.c.since, IN_FORCE.c.id)
    )
    rows = await fetch(connection, query)
    present = {row.unit: row.id for row in rows if row.since <= now}
    return [row for row in rows if row.since > now or row.id == present[row.unit]]


def versions_query(
    *, pack: str | None, after: tuple[str, str] | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """Versions of packs without what they say."""
    shown = [PACKS.c.pack, PACKS.c.version, PACKS.c.inherits, PACKS.c.added_at]
    query = select(*shown).order_by(PACKS.c.pack, PACKS.c.version).limit(limit)
    if pack is not None:
        query = query.where(PACKS.c.pack == pack)
    if after is not None:
        query = query.where(tuple_(PACKS.c.pack, PACKS.c.version) > tuple_(*after))
    return query


def changes_query(
    units: Iterable[str], *, pack: str | None, after: int | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """Changes of packs in these units, the newest first; versions added are everybody's."""
    query = select(PACK_CHANGES).order_by(PACK_CHANGES.c.id.desc()).limit(limit)
    query = query.where(PACK_CHANGES.c.unit.in_(sorted(units)) | (PACK_CHANGES.c.action == "added"))
    if pack is not None:
        query = query.where(PACK_CHANGES.c.ref.startswith(f"{pack}@", autoescape=True))
    return query.where(PACK_CHANGES.c.id < after) if after is not None else query


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


async def session(connection: AsyncConnection, id_: str) -> Session | None:
    """The session that a browser holds, whether or not it is still good."""
    row = (await connection.execute(select(SESSIONS).where(SESSIONS.c.id == id_))).one_or_none()
    return Session(**row._mapping) if row else None


async def add_session(tx: Tx, new: Session) -> None:
    await tx.execute(insert(SESSIONS), asdict(new))


async def see_session(tx: Tx, id_: str) -> None:
    await tx.execute(update(SESSIONS).where(SESSIONS.c.id == id_).values(seen_at=tx.now))


async def end_session(tx: Tx, id_: str) -> None:
    await tx.execute(delete(SESSIONS).where(SESSIONS.c.id == id_))


async def forget_sessions(tx: Tx, *, before: datetime) -> None:
    """Drop what has not been seen since a time."""
    await tx.execute(delete(SESSIONS).where(SESSIONS.c.seen_at < before))


async def tries(tx: Tx, login: str) -> tuple[int, datetime]:
    """How often in a row the password was wrong, and when last; held until the commit."""
    new = {"login": login, "failures": 0, "last_at": tx.now}
    await tx.execute(tx.upsert(TRIES).on_conflict_do_nothing(), new)
    row = await tx.row(select(TRIES).where(TRIES.c.login == login).with_for_update())
    return (row.failures, row.last_at) if row else (0, tx.now)


async def count_try(tx: Tx, login: str, failures: int) -> None:
    counted = update(TRIES).where(TRIES.c.login == login)
    await tx.execute(counted.values(failures=failures, last_at=tx.now))


async def forget_tries(tx: Tx, login: str, *, before: datetime) -> None:
    """Drop a login's failures, and everybody's from before a time."""
    await tx.execute(delete(TRIES).where((TRIES.c.login == login) | (TRIES.c.last_at < before)))


async def present(
    connection: AsyncConnection, number: str, *, since: datetime
) -> dict[str, datetime]:
    """Who was seen at a case since then, and when last."""
    query = select(PRESENT.c.account, PRESENT.c.seen_at).where(
        PRESENT.c.number == number, PRESENT.c.seen_at > since
    )
    return {row.account: row.seen_at for row in await connection.execute(query)}


async def see_present(tx: Tx, number: str, account: str, *, before: datetime) -> None:
    """Somebody looks at a case; whoever was last seen before a time is dropped."""
    await tx.execute(delete(PRESENT).where(PRESENT.c.seen_at < before))
    put = tx.upsert(PRESENT).on_conflict_do_update(
        index_elements=["number", "account"], set_={"seen_at": tx.now}
    )
    await tx.execute(put, {"number": number, "account": account, "seen_at": tx.now})


async def drop_present(tx: Tx, number: str, account: str) -> None:
    gone = (PRESENT.c.number == number) & (PRESENT.c.account == account)
    await tx.execute(delete(PRESENT).where(gone))


async def add_flow(tx: Tx, new: Flow) -> None:
    await tx.execute(insert(FLOWS), asdict(new))


async def take_flow(tx: Tx, id_: str) -> Flow | None:
    """What was remembered under an id, which is forgotten with that."""
    row = await tx.row(delete(FLOWS).where(FLOWS.c.id == id_).returning(*FLOWS.c))
    return Flow(**row._mapping) if row else None


async def forget_flows(tx: Tx, *, before: datetime) -> None:
    await tx.execute(delete(FLOWS).where(FLOWS.c.created_at < before))


async def account_of_identity(tx: Tx, key: str) -> str | None:
    row = await tx.row(select(IDENTITIES.c.account).where(IDENTITIES.c.id == key))
    return str(row.account) if row else None


async def add_identity(tx: Tx, key: str, account: str) -> None:
    await tx.execute(insert(IDENTITIES), {"id": key, "account": account, "created_at": tx.now})


async def account(tx: Tx, id_: str) -> AnyRow:
    """An account that there is."""
    found = await tx.row(select(ACCOUNTS).where(ACCOUNTS.c.id == id_))
    if found is None:
        raise LookupError(f"there is no account {id_}")
    return found


async def change_account(tx: Tx, said: PolicyAccount) -> None:
    """Keep an account as it is said."""
    values = said.model_dump(include={"display", "role", "unit", "active"})
    await tx.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == said.id).values(values))


async def end_sessions_of(tx: Tx, account: str) -> None:
    await tx.execute(delete(SESSIONS).where(SESSIONS.c.account == account))
