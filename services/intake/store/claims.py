"""What may make one thing only: Idempotency-Keys, and channels' own ids."""

from collections.abc import Iterable, Mapping
from functools import cache

from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError

from services.intake.model import Claim
from services.intake.store.tables import FRAME
from shared.errors import Transient
from shared.store.lists import among
from shared.store.transaction import Tx

# Made once: see shared/store/lists.py.
_CLAIM = insert(FRAME.idempotency)


class Raced(Transient):
    """Another replica has just made what the same key or external id makes: look again."""


async def claimed(tx: Tx, claims: Iterable[Claim]) -> dict[tuple[str, str], tuple[str, str]]:
    """What claims made already: (scope, key) → (fingerprint, id)."""
    wanted = {(one.scope, one.key) for one in claims}
    if not wanted:
        return {}
    scopes, keys = sorted({scope for scope, _ in wanted}), sorted({key for _, key in wanted})
    found = await tx.rows(_claimed(tx.connection.dialect.name), {"scopes": scopes, "keys": keys})
    return {
        (row.scope, row.key): (row.fingerprint, row.reference)
        for row in found
        if (row.scope, row.key) in wanted
    }


@cache
def _claimed(dialect: str) -> Select[tuple[str, str, str, str]]:
    table = FRAME.idempotency
    # Two lists, not one of pairs: both databases answer this from the index, neither always does for pairs.
    return select(table.c.scope, table.c.key, table.c.fingerprint, table.c.reference).where(
        among(table.c.scope, "scopes", dialect), among(table.c.key, "keys", dialect)
    )


async def claim(tx: Tx, made: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Remember what claims made, in the order that keeps two replicas from waiting for each other. Raises Raced."""
    rows = [
        {
            "scope": scope,
            "key": key,
            "fingerprint": fingerprint,
            "reference": reference,
            "created_at": tx.now,
        }
        for (scope, key), (fingerprint, reference) in sorted(made.items())
    ]
    if not rows:
        return
    try:
        await tx.execute(_CLAIM, rows)
    except IntegrityError as error:
        raise Raced("the same key or external id is being used by another request") from error
