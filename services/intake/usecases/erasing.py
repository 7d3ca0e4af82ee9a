"""Erasing people: one asks, another agrees, the data key is destroyed, then the files are scrubbed, with proof.

What was sealed under the key can never be read again, whatever copy of it exists. What is masked stays: the case, its
history and the figures. Reads recorded stay too: they hold ids only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.intake import store
from services.intake.model import Reader
from services.intake.store.conversations import erase_conversations
from services.intake.store.mails import erase_mails
from shared.contracts.intake import ComplainantErased
from shared.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from shared.masking import mask_text
from shared.store.transaction import Tx

PURGED: Final = 100
"""People of a test unit who are erased in one transaction."""
REQUESTED, ERASED, COMPLETE = "requested", "erased", "complete"


@dataclass(frozen=True, slots=True)
class Erasure:
    """Where an erasure stands. `proof` tells what was done: counts, times, what is left to time."""

    id: str
    unit: str
    complainants: tuple[str, ...]
    state: str
    reason: str | None
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    completed_at: datetime | None
    proof: dict[str, Any]


async def request_erasure(
    tx: Tx, id_: str, complainants: Sequence[str], reader: Reader, *, unit: str
) -> Erasure:
    """Ask that people be erased. Raises Invalid that names whom there is no (longer) such."""
    found = await store.complainants(tx.connection, complainants, reader.units)
    errors = [
        FieldError(
            f"ids.{at}", "unknown", "is no complainant within reach, or erased", "不存在或已删除"
        )
        for at, one in enumerate(complainants)
        if one not in found or found[one].data_key is None
    ]
    if errors:
        raise Invalid(
            "Some fields are wrong: see errors.", zh="部分字段不正确,见 errors。", errors=errors
        )
    values: dict[str, object] = {
        "id": id_,
        "unit": unit,
        "complainants": sorted(set(complainants)),
        "state": REQUESTED,
        "reason": mask_text(reader.reason),
        "requested_by": reader.id,
        "requested_at": tx.now,
        "proof": {},
    }
    await store.add_erasure(tx, values)
    return await read_erasure(tx, id_, reader)


async def read_erasure(tx: Tx, id_: str, reader: Reader) -> Erasure:
    """Where an erasure stands. Raises NotFound."""
    return _shown(_there(await store.erasure(tx.connection, id_, reader.units), id_))


async def approve_erasure(tx: Tx, id_: str, reader: Reader) -> Erasure:
    """Agree, and destroy the keys. Raises NotFound, Forbidden for who asked, Conflict out of reach."""
    row = _there(await store.erasure(tx.connection, id_, reader.units, lock=True), id_)
    if row.requested_by == reader.id:
        raise Forbidden(
            "You asked for this erasure: somebody else must agree.",
            zh="删除须由申请人以外的人批准。",
        )
    if row.state == REQUESTED:
        await _destroy(tx, row, reader)
    return await read_erasure(tx, id_, reader)


async def purge(tx: Tx, id_: str, unit: str, reader: Reader) -> int:
    """Erase people of a unit for tests, at once and by one person alone; says how many. Nobody real is there."""
    found = await store.people_of(tx.connection, unit, limit=PURGED)
    if found:
        await request_erasure(tx, id_, found, reader, unit=unit)
        await _destroy(
            tx, _there(await store.erasure(tx.connection, id_, reader.units), id_), reader
        )
    return len(found)


async def scrubbed(
    tx: Tx, id_: str, units: frozenset[str], *, files: int, is_log_clean: bool
) -> None:
    """Record that the files hold nothing any more."""
    row = _there(await store.erasure(tx.connection, id_, units, lock=True), id_)
    if row.state != ERASED:
        return
    if left := await store.keys_left(tx.connection, row.complainants):
        raise AssertionError(f"{left} data keys of erasure {id_} are still there")
    log = "clean" if is_log_clean else "ages: the database's role may not turn its log over"
    proof = row.proof | {
        "files_deleted": files,
        "keys_left": 0,
        "database_log": log,
        "scrubbed_at": tx.now.isoformat(),
    }
    await store.change_erasure(tx, id_, state=COMPLETE, completed_at=tx.now, proof=proof)


async def _destroy(tx: Tx, row: store.Found, reader: Reader) -> None:
    ids = list(row.complainants)
    found = await store.complainants(tx.connection, ids, reader.units)
    if len(found) != len(ids):
        raise Conflict("Some of them are out of your reach.", zh="部分投诉人不在您的权限范围内。")
    await tx.lock(*ids)
    numbers = await store.numbers_of(tx.connection, ids)
    await tx.lock(*(id_ for all_ in numbers.values() for id_, _ in all_))
    files = await store.files_of(tx.connection, ids)
    mails = await erase_mails(tx, ids, reader.units)
    await erase_conversations(tx, ids)
    points, owned = await store.forget_indexes(tx, ids)
    await store.forget_traits(tx, ids)
    await store.destroy(tx, ids)
    for one in ids:
        await store.record_read(
            tx, reader=reader.id, what="erasure", target=one, unit=found[one].unit, at=tx.now
        )
        said = ComplainantErased(
            complainant_id=one,
            erasure_id=row.id,
            numbers=tuple(number for _, number in numbers.get(one, ())),
            erased_at=tx.now,
        )
        tx.say(said, subject=one, unit=found[one].unit)
    proof = {
        "keys_destroyed": len(ids),
        "keys_destroyed_at": tx.now.isoformat(),
        "contact_points": points,
        "belongings": owned,
        "mails": mails,
        "attachments": files,
    }
    await store.change_erasure(
        tx, row.id, state=ERASED, approved_by=reader.id, approved_at=tx.now, proof=proof
    )


def _there(row: store.Found | None, id_: str) -> store.Found:
    if row is None:
        raise NotFound(f"There is no erasure {id_} within reach.", zh="未找到。")
    return row


def _shown(row: store.Found) -> Erasure:
    found = dict(row._mapping)
    return Erasure(**found | {"complainants": tuple(found["complainants"])})
