"""Reading the vault: what was said and who said it, in clear. Every read by a person or a key is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.intake import store
from services.intake.model import Reader
from services.intake.policy.seal import Box, Vault
from services.intake.usecases.refusals import erased
from services.intake.usecases.scanning import must_be_clean
from shared.errors import NotFound
from shared.masking import mask_text
from shared.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class Opened:
    """A complaint as received: the body of the request, byte for byte, and those of the messages after it."""

    id: str
    number: str
    complainant_id: str
    original: bytes
    messages: tuple[tuple[str, datetime, bytes], ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A complainant in clear."""

    id: str
    unit: str
    anonymous: bool
    fields: dict[str, Any]
    code: str | None = None
    """The code of the complaint that was asked for: our own sender puts it into the acknowledgement."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Several people: those in clear, those erased, and those who are not within reach."""

    profiles: tuple[Profile, ...]
    erased: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """What opens an attachment's bytes on disk."""

    id: str
    media_type: str
    name: str | None
    box: Box


async def read_complaint(tx: Tx, number: str, reader: Reader, *, vault: Vault) -> Opened:
    """A complaint's own words. Raises NotFound or Gone."""
    row = _there(
        await store.sealed_complaint(tx.connection, number, reader.units), f"no complaint {number}"
    )
    box = _box(row, vault)
    messages = tuple(
        (one.id, one.added_at, box.open(f"message/{one.id}", one.original))
        for one in await store.sealed_messages(tx.connection, row.id)
    )
    await store.record_read(
        tx, reader=reader.id, what="complaint", target=row.id, unit=row.unit, at=tx.now
    )
    return Opened(
        row.id,
        row.number,
        row.complainant_id,
        box.open(f"original/{row.id}", row.original),
        messages,
    )


async def read_complainant(
    tx: Tx, id_: str, reader: Reader, *, vault: Vault, recorded: bool, complaint: str | None = None
) -> Profile:
    """Who complained, with the code of `complaint` if it is theirs.

    `recorded` is False for our own services: they record their sending. Raises NotFound or Gone.
    """
    row = _there(await store.complainant(tx.connection, id_, reader.units), f"no complainant {id_}")
    if row.data_key is None or row.profile is None or row.erased_at is not None:
        raise erased()
    if recorded:
        await store.record_read(
            tx, reader=reader.id, what="complainant", target=row.id, unit=row.unit, at=tx.now
        )
    box = vault.box(row.data_key, owner=row.id)
    sealed = await store.sealed_code(tx.connection, complaint, owner=row.id) if complaint else None
    code = box.open(f"code/{complaint}", sealed).decode() if sealed else None
    return Profile(
        row.id, row.unit, row.anonymous, orjson.loads(box.open("profile", row.profile)), code
    )


async def reveal(
    tx: Tx, ids: Sequence[str], reader: Reader, *, vault: Vault, recorded: bool
) -> Shown:
    """Several complainants in clear; each read is recorded with its reason."""
    rows = await store.complainants(tx.connection, ids, reader.units)
    there = {id_: row for id_, row in sorted(rows.items()) if row.profile is not None}
    if recorded:
        for id_, row in there.items():
            await store.record_read(
                tx, reader=reader.id, what="complainant", target=id_, unit=row.unit, at=tx.now,
                reason=mask_text(reader.reason),
            )  # fmt: skip
    return Shown(
        profiles=tuple(opened(row, vault) for row in there.values()),
        erased=tuple(sorted(rows.keys() - there.keys())),
        missing=tuple(sorted(set(ids) - rows.keys())),
    )


def opened(row: store.Found, vault: Vault) -> Profile:
    """A complainant who is not erased, in clear."""
    box = vault.box(row.data_key, owner=row.id)
    return Profile(row.id, row.unit, row.anonymous, orjson.loads(box.open("profile", row.profile)))


async def read_attachment(tx: Tx, id_: str, reader: Reader, *, vault: Vault) -> OpenedFile:
    """What opens a file that came with a complaint. Raises NotFound, Gone, or Conflict while it is in quarantine."""
    row = _there(
        await store.sealed_attachment(tx.connection, id_, reader.units), f"no attachment {id_}"
    )
    must_be_clean(row.scan)
    box = Box(_box(row, vault).open(f"attachment/{id_}", row.file_key), owner=id_)
    await store.record_read(
        tx, reader=reader.id, what="attachment", target=id_, unit=row.unit, at=tx.now
    )
    return OpenedFile(
        id_, row.media_type, box.open("name", row.name).decode() if row.name else None, box
    )


def _there(row: store.Found | None, what: str) -> store.Found:
    if row is None:
        raise NotFound(f"There is {what} within reach.", zh="未找到。")
    return row


def _box(row: store.Found, vault: Vault) -> Box:
    if row.data_key is None:
        raise erased()
    return vault.box(row.data_key, owner=row.complainant_id)
