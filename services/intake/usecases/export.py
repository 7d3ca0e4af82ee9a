"""Everything that is kept of one person, for them to have."""

from typing import Any

import orjson

from services.intake import store
from services.intake.model import Reader
from services.intake.policy.original import JSON, unpack
from services.intake.policy.seal import Vault
from services.intake.store.mails import mails_of
from services.intake.usecases.vault import read_complainant, read_complaint
from shared.store.transaction import Tx


async def export_complainant(tx: Tx, id_: str, reader: Reader, *, vault: Vault) -> dict[str, Any]:
    """Profile, complaints with all that was said, files, and who read any of it. Raises NotFound or Gone."""
    profile = await read_complainant(tx, id_, reader, vault=vault, recorded=True)
    mine = (await store.numbers_of(tx.connection, [id_])).get(id_, [])
    complaints = []
    for complaint, number in mine:
        opened = await read_complaint(tx, number, reader, vault=vault)
        complaints.append(
            {
                "id": complaint,
                "number": number,
                "posted": _posted(opened.original),
                "messages": [
                    {"id": message, "added_at": at, "posted": _posted(original)}
                    for message, at, original in opened.messages
                ],
            }
        )
    files = await store.files_of(tx.connection, [id_])
    mails = await mails_of(tx.connection, [id_], reader.units)
    reads = await store.reads_of(tx.connection, [id_, *(one for one, _ in mine), *files, *mails])
    return {
        "id": profile.id,
        "unit": profile.unit,
        "exported_at": tx.now,
        "profile": profile.fields,
        "complaints": complaints,
        "attachments": [f"/intake/v1/vault/attachments/{one}" for one in files],
        "mails": [f"/intake/v1/vault/mails/{one}" for one in mails],
        "reads": [
            {"by": row.reader, "what": row.what, "at": row.at, "reason": row.reason}
            for row in reads
        ],
    }


def _posted(raw: bytes) -> Any:  # noqa: ANN401 - whatever JSON it is
    """What was posted: its JSON, or its text where a door takes another form."""
    received = unpack(raw)
    if received.media_type == JSON:
        return orjson.loads(received.payload)
    return received.payload.decode("utf-8", "replace")
