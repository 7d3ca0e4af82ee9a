"""Leases: who alone may do a thing now. Time is the database's own; the token fences off a sleeper."""

import os
import socket
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, bindparam, cast, func, literal_column, select, update
from sqlalchemy.sql.dml import Update

from shared.errors import Transient
from shared.ids import new_id
from shared.store.database import Database
from shared.store.tables import Frame
from shared.store.transaction import Tx

LEASE_MILLISECONDS = 15_000


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was held when it was taken. Put `guard` into every write that needs it."""

    name: str
    owner: str
    token: int


def owner_name() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{new_id()[-8:]}"


def database_milliseconds(dialect: str) -> ColumnElement[int]:
    """The database's clock, in milliseconds of Unix time, as an SQL expression."""
    if dialect == "postgresql":
        return literal_column("(extract(epoch FROM clock_timestamp()) * 1000)::bigint", Integer)
    return cast(literal_column("(julianday('now') - 2440587.5) * 86400000.0"), Integer)


async def take(database: Database, name: str, owner: str, *, seize: bool = False) -> Lease | None:
    """Take the lease, or make a held one last longer; None while another owner has it.

    `seize` takes it also from an owner whose time is not over: for who knows that there can be no other.
    """

    async def unit(tx: Tx) -> Lease | None:
        table = tx.frame.leases
        now = database_milliseconds(tx.connection.dialect.name)
        new = tx.upsert(table).values(
            name=name, owner=owner, token=1, expires=now + LEASE_MILLISECONDS
        )
        statement = new.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "owner": owner,
                # A new owner gets a new token; the same owner keeps its own.
                "token": table.c.token + (table.c.owner != owner).cast(Integer),
                "expires": now + LEASE_MILLISECONDS,
            },
            where=None if seize else (table.c.owner == owner) | (table.c.expires < now),
        ).returning(table.c.token)
        row = await tx.row(statement)
        return Lease(name, owner, row.token) if row else None

    return await database.run(unit)


async def release(database: Database, lease: Lease) -> None:
    """Give the lease back at once, so that another takes over without waiting."""

    async def unit(tx: Tx) -> None:
        table = tx.frame.leases
        await tx.execute(
            update(table)
            .where(table.c.name == lease.name, table.c.token == lease.token)
            .values(expires=0)
        )

    await database.run(unit)


async def must_hold(tx: Tx, lease: Lease) -> None:
    """Raise Transient unless the lease is still this one's; it stays so until the commit."""
    table = tx.frame.leases
    query = (
        select(table.c.name)
        .where(
            table.c.name == lease.name,
            table.c.token == lease.token,
            table.c.expires >= database_milliseconds(tx.connection.dialect.name),
        )
        .with_for_update(read=True)
    )
    if await tx.row(query) is None:
        raise Transient(f"the lease {lease.name} went to another process")


def guarded(statement: Update, frame: Frame, dialect: str) -> Update:
    """The statement, without effect unless the lease is still held; its parameters are those of `held`."""
    table = frame.leases
    holds = (
        select(func.count())
        .where(
            table.c.name == bindparam("lease_name"),
            table.c.token == bindparam("lease_token"),
            table.c.expires >= database_milliseconds(dialect),
        )
        .scalar_subquery()
    )
    return statement.where(holds == 1)


def held(lease: Lease) -> dict[str, object]:
    """The parameters by which a guarded statement knows the lease."""
    return {"lease_name": lease.name, "lease_token": lease.token}
