"""Safe retries: the same Idempotency-Key makes one thing, remembered in the transaction that makes it."""

import hashlib
from datetime import datetime
from typing import Final

from fastapi import Request
from sqlalchemy import select

from shared.errors import FieldError, Invalid
from shared.store.transaction import Tx

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_LONGEST: Final = 255


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key, or None. Raises Invalid when it is empty, too long or not printable ASCII."""
    value = request.headers.get(HEADER)
    if value is None:
        return None
    if not 1 <= len(value) <= _LONGEST or not value.isascii() or not value.isprintable():
        raise Invalid(
            f"{HEADER} must have 1 to {_LONGEST} printable ASCII characters.",
            zh=f"{HEADER} 应为 1 至 {_LONGEST} 个可打印 ASCII 字符。",
            errors=[
                FieldError(HEADER, "idempotency_key", f"1 to {_LONGEST} printable ASCII characters")
            ],
        )
    return value


def fingerprint(*parts: bytes) -> str:
    """What tells two requests under one key apart."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def other_body() -> Invalid:
    """The same key was used for another request."""
    return Invalid(
        f"This {HEADER} was used for another request: use a new key for a new request.",
        zh=f"该 {HEADER} 已用于另一请求，新请求请使用新的键。",
        errors=[FieldError(HEADER, "reused", "was used with another body", "已用于其他内容")],
    )


async def claim(
    tx: Tx, *, scope: str, key: str | None, fingerprint: str, reference: str, now: datetime
) -> str | None:
    """Remember that `key` makes `reference`; returns what it made already, if it did. Raises Invalid for another body.

    `scope` is whose key it is and what for. Without a key nothing is remembered.
    """
    if key is None:
        return None
    table = tx.frame.idempotency
    new = tx.upsert(table).values(
        scope=scope, key=key, fingerprint=fingerprint, reference=reference, created_at=now
    )
    if (await tx.execute(new.on_conflict_do_nothing())).rowcount == 1:
        return None
    row = await tx.row(
        select(table.c.fingerprint, table.c.reference).where(
            table.c.scope == scope, table.c.key == key
        )
    )
    if row is None or row.fingerprint != fingerprint:
        raise other_body()
    return str(row.reference)
