"""Adding to a complaint, at any time."""

import orjson

from services.intake import store
from services.intake.model import MessageReceipt, NewMessage
from services.intake.policy.normalise import language_in, mask_message
from services.intake.policy.seal import Vault
from services.intake.usecases.refusals import erased, wrong_fields
from services.intake.usecases.taking import check_files, take
from shared.contracts.intake import ComplaintMessageAdded
from shared.errors import FieldError, Invalid, NotFound
from shared.store.transaction import Tx
from shared.web.idempotency import claim


async def add_message(tx: Tx, new: NewMessage, *, vault: Vault) -> MessageReceipt:
    """Add a message. Raises NotFound out of reach, Gone when erased, Invalid for another body under the same key."""
    row = await store.complaint_to_add_to(tx, new.number)
    if row is None or row.unit not in new.units:
        raise NotFound(
            f"There is no complaint {new.number}.", zh=f"没有编号为 {new.number} 的投诉。"
        )
    await tx.lock(row.id)
    before = await _made_before(tx, new, row)
    if before is not None:
        return before
    await append(tx, row, new, vault=vault)
    return MessageReceipt(new.id, new.number, tx.now)


async def append(tx: Tx, row: store.Found, new: NewMessage, *, vault: Vault) -> None:
    """Add a message to a locked complaint, and say so. Raises Gone, or Invalid for attachments that are none."""
    if row.data_key is None:
        raise erased()
    files = await store.attachments(tx.connection, new.attachments, lock=True)
    errors = check_files(files, new.attachments, owner=new.added_by)
    if errors:
        raise wrong_fields(errors)
    taken = take(
        files, new.attachments, new.attachment_nonces,
        vault=vault, complainant=row.complainant_id, data_key=row.data_key,
    )  # fmt: skip
    await store.take_attachments(tx, [(row.id, one) for one in taken])
    box = vault.box(row.data_key, owner=row.complainant_id)
    profile = orjson.loads(box.open("profile", row.profile))
    said = ComplaintMessageAdded(
        number=row.number,
        message_id=new.id,
        by=new.by,
        channel=new.channel or row.channel,
        language=language_in(new.text, tag=new.language),
        text=mask_message(new.text, profile),
        attachments=tuple(one.value for one in taken),
        added_at=tx.now,
    )
    await store.add_message(
        tx,
        {
            "id": new.id,
            "complaint_id": row.id,
            "unit": row.unit,
            "by": new.by,
            "added_by": new.added_by,
            "channel": said.channel,
            "language": said.language,
            "text": said.text,
            "attachments": [one.model_dump() for one in said.attachments],
            "added_at": tx.now,
            "original": box.seal(f"message/{new.id}", new.original, nonce=new.nonce),
        },
    )
    tx.say(said, subject=row.id, unit=row.unit)


async def _made_before(tx: Tx, new: NewMessage, complaint: store.Found) -> MessageReceipt | None:
    """The message that the same external id or Idempotency-Key made already."""
    try:
        made = await claim(
            tx, scope=f"external-message/{complaint.id}/{new.channel or complaint.channel}", key=new.external_id,
            fingerprint=new.fingerprint, reference=new.id, now=tx.now,
        )  # fmt: skip
    except Invalid as error:
        raise wrong_fields(
            [FieldError("external_id", "reused", "was used with another body", "已用于其他内容")]
        ) from error
    keyed = await claim(
        tx, scope=f"{new.added_by}/messages/{new.number}", key=new.idempotency_key, fingerprint=new.fingerprint,
        reference=made or new.id, now=tx.now,
    )  # fmt: skip
    id_ = keyed or made
    row = await store.message(tx, id_) if id_ else None
    return MessageReceipt(row.id, new.number, row.added_at, replayed=True) if row else None
