"""Taking attachments: a file belongs to whoever sent it until one complaint takes it, once."""

import os
from collections.abc import Mapping, Sequence

from services.intake import store
from services.intake.model import NewAttachment, Taken
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box, Vault
from services.intake.store import files as file_store
from shared.contracts.values import Attachment
from shared.errors import FieldError
from shared.store.transaction import Tx

Files = Mapping[str, store.Found]


def check_files(files: Files, wanted: Sequence[str], *, owner: str) -> list[FieldError]:
    """What is wrong with attachments that a complaint names: not there, somebody else's, or taken already."""
    errors = []
    for at, id_ in enumerate(wanted):
        row = files.get(id_)
        if row is None or row.owner != owner:
            errors.append(
                FieldError(
                    f"attachments.{at}.id",
                    "unknown",
                    "is no attachment that you sent",
                    "不是您上传的附件",
                )
            )
        elif row.complaint_id is not None:
            errors.append(
                FieldError(
                    f"attachments.{at}.id",
                    "taken",
                    "belongs to a complaint already",
                    "已属于其他投诉",
                )
            )
    return errors


def take(
    files: Files,
    wanted: Sequence[str],
    nonces: Sequence[bytes],
    *,
    vault: Vault,
    complainant: str,
    data_key: bytes,
) -> tuple[Taken, ...]:
    """Move the keys of checked attachments into the complainant's box: who erases that key erases the files."""
    if not wanted:
        return ()
    box = vault.box(data_key, owner=complainant)
    taken = []
    for id_, nonce in zip(wanted, nonces, strict=True):
        row = files[id_]
        key = vault.unwrap(row.data_key, owner=id_)
        value = Attachment(id=id_, size=row.size, media_type=row.media_type)
        taken.append(Taken(value, box.seal(f"attachment/{id_}", key, nonce=nonce)))
    return tuple(taken)


def seal_file(
    content: bytes,
    *,
    id_: str,
    unit: str,
    owner: str,
    media_type: str,
    name: str | None,
    vault: Vault,
    scan: str | None = None,
) -> tuple[NewAttachment, bytes]:
    """A file sealed under a key of its own: its row, and the bytes for the disk."""
    key = os.urandom(KEY_BYTES)
    box = Box(key, owner=id_)
    row = NewAttachment(
        id=id_,
        unit=unit,
        owner=owner,
        media_type=media_type,
        size=len(content),
        data_key=vault.wrap(key, owner=id_, nonce=os.urandom(NONCE_BYTES)),
        name=box.seal("name", name.encode(), nonce=os.urandom(NONCE_BYTES)) if name else None,
        scan=scan,
    )
    return row, box.seal("content", content, nonce=os.urandom(NONCE_BYTES))


async def keep_attachment(tx: Tx, new: NewAttachment) -> None:
    """Record a file whose bytes are on disk."""
    await store.add_attachment(tx, new)


async def forget_untaken(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Forget those of some files that no complaint has taken; returns them."""
    return await file_store.drop_untaken(tx, ids)
