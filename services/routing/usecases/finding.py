"""Decisions, found for an event or for a person."""

from services.routing import store
from services.routing.store import Decision
from shared.contracts.envelope import Event
from shared.contracts.followup import CaseBody
from shared.errors import NotFound, NotHereYet
from shared.store.transaction import Tx


async def known(tx: Tx, event: Event[CaseBody]) -> Decision:
    row = await store.decision(tx, event.subject)
    if row is None:
        raise NotHereYet(f"complaint {event.subject} has not reached routing yet")
    return row


async def in_reach(tx: Tx, number: str, units: frozenset[str]) -> Decision:
    complaint = await store.complaint_of(tx, number)
    if complaint is not None:
        await tx.lock(complaint)
        row = await store.decision(tx, complaint)
        if row is not None and row["unit"] in units:
            return row
    raise NotFound(f"There is no decision on {number!r}.", zh=f"没有编号 {number} 的派单记录。")
