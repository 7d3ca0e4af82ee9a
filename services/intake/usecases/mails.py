"""Mails that are no complaints: bounces are told to whoever sent the message, the rest waits for a person."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from services.intake import store
from services.intake.model import NewMail, Reader
from services.intake.policy.seal import Vault
from services.intake.store import mails as mail_store
from shared.contracts.intake import ComplaintUndelivered
from shared.errors import Conflict, Gone, NotFound
from shared.store.transaction import Tx
from shared.web.idempotency import claim

MOST_AN_HOUR: Final = 20
"""Mails that one address may send within an hour: more come from a machine, or in anger that a person should see."""
WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Repeat:
    """What tells a repeated request: the credential's Idempotency-Key, and what it was used with."""

    scope: str
    key: str | None
    fingerprint: str


async def keep_mail(
    tx: Tx, new: NewMail, repeat: Repeat, *, units: frozenset[str]
) -> tuple[store.Found, bool]:
    """Keep a mail once; returns its row, and whether it was kept before. Raises Invalid for another body.

    `units`: where whoever brought it reaches; a report about a complaint elsewhere tells nothing.
    """
    complaint = await _complaint(tx, new, units)
    if complaint is None:
        new = replace(new, number=None, message=None)
    await claim(
        tx, scope=repeat.scope, key=repeat.key, fingerprint=repeat.fingerprint, reference=new.id, now=tx.now
    )  # fmt: skip
    row = await mail_store.add_mail(tx, new)
    is_new = row.id == new.id
    if is_new and complaint is not None:
        _say_undelivered(tx, new, complaint)
    return row, not is_new


async def _complaint(tx: Tx, new: NewMail, units: frozenset[str]) -> store.Found | None:
    """The complaint within reach that a bounce is about."""
    if new.number is None:
        return None
    row = await store.complaint_to_add_to(tx, new.number)
    return row if row is not None and row.unit in units else None


def _say_undelivered(tx: Tx, new: NewMail, row: store.Found) -> None:
    said = ComplaintUndelivered(
        number=str(new.number),
        message_id=str(new.message),
        kind=new.reason,  # type: ignore[arg-type] # a bounce's
        status=new.status,
        at=tx.now,
    )
    tx.say(said, subject=row.id, unit=row.unit)


async def writes_too_often(tx: Tx, *, sender: str, key: str) -> bool:
    """Whether a sender has sent more mails within an hour than a person does; this one is noted."""
    others = await mail_store.note_sending(tx, sender=sender, key=key, within=WITHIN)
    return others >= MOST_AN_HOUR


async def read_mail(tx: Tx, id_: str, reader: Reader, *, vault: Vault) -> bytes:
    """A mail as it came; the read is recorded. Raises NotFound or Gone."""
    row = await _sealed(tx, id_, reader)
    await store.record_read(
        tx, reader=reader.id, what="mail", target=row.id, unit=row.unit, at=tx.now
    )
    raw: bytes = vault.box(row.data_key, owner=row.id).open("raw", row.raw)
    return raw


@dataclass(frozen=True, slots=True)
class PutAside:
    """A mail that a person takes for a complaint: its unit and channel, as it came."""

    id: str
    unit: str
    channel: str
    raw: bytes


async def open_put_aside(tx: Tx, id_: str, reader: Reader, *, vault: Vault) -> PutAside:
    """A mail that may be released. Raises NotFound, Gone, or Conflict for what is no complaint at all."""
    row = await _sealed(tx, id_, reader)
    if row.outcome == "bounce":
        raise Conflict(
            "It is a report about a mail of ours: it opens no case.",
            zh="这是退信报告，不会成为投诉。",
        )
    raw = vault.box(row.data_key, owner=row.id).open("raw", row.raw)
    return PutAside(row.id, row.unit, row.channel, raw)


async def note_release(tx: Tx, mail: PutAside, number: str, reader: Reader) -> None:
    """Record that a mail became a complaint, or part of one, and by whose decision."""
    if await mail_store.release_mail(tx, mail.id, number=number, by=reader.id):
        await store.record_read(
            tx, reader=reader.id, what="mail released", target=mail.id, unit=mail.unit, at=tx.now
        )


async def _sealed(tx: Tx, id_: str, reader: Reader) -> store.Found:
    row = await mail_store.sealed_mail(tx.connection, id_, reader.units)
    if row is None:
        raise NotFound(f"There is no mail {id_!r} within reach.", zh="未找到该邮件。")
    if row.data_key is None:
        raise Gone("The mail was erased.", zh="该邮件已被删除。")
    return row
