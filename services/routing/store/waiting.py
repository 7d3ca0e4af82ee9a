"""Who waits for somebody who can take them, in lines of those who need the same."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from services.routing.store.tables import DECISIONS, QUEUE, ROOM, TURN
from shared.store.transaction import AnyRow, Tx

_IN_LINE: Final = (
    select(
        DECISIONS.c.complaint,
        func.row_number()
        .over(
            partition_by=DECISIONS.c.line,
            order_by=(DECISIONS.c.rank.desc(), DECISIONS.c.waits_since, DECISIONS.c.complaint),
        )
        .label("place"),
    )
    .where(DECISIONS.c.state == "waiting", DECISIONS.c.line.is_not(None))
    .subquery()
)
_SHOWN: Final = (
    "complaint", "unit", "team", "skills", "language", "area", "severity", "refused", "rank", "waits_since", "line",
)  # fmt: skip
_HEADS: Final = (
    select(*(DECISIONS.c[name] for name in _SHOWN))
    .join(_IN_LINE, _IN_LINE.c.complaint == DECISIONS.c.complaint)
    .where(_IN_LINE.c.place <= bindparam("each"))
)


async def forget_turns(tx: Tx) -> None:
    """Do without the turns that were taken: each had a key of its own."""
    timers = tx.frame.timers
    await tx.execute(
        delete(timers).where(
            timers.c.name == TURN,
            timers.c.subject == QUEUE,
            timers.c.state == "fired",
            timers.c.key.startswith(ROOM),
        )
    )


async def heads(tx: Tx, *, each: int) -> Sequence[AnyRow]:
    """The first of each line: the most severe, then the longest there."""
    return await tx.rows(_HEADS, {"each": each})
