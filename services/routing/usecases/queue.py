"""The queue: those who wait are looked at, the most severe and oldest first, whenever there may be room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.routing import store
from services.routing.model import Nobody
from services.routing.policy.assign import choose_handler
from services.routing.policy.roster import WEIGHTS, Roster
from services.routing.store import waiting
from services.routing.usecases.assign import assign, come_back, glance, need_of
from services.routing.usecases.context import Routing
from shared.store.timers import Timer
from shared.store.transaction import AnyRow, Tx

AT_ONCE: Final = 100
"""Of each line, in one turn."""


@dataclass(slots=True)
class _Turn:
    """Whether the queue was looked at in this unit of work: several turns that are due together are one."""

    is_taken: bool = False

    async def write(self, _: Tx) -> None:
        """Nothing."""


async def take_turn(_: Timer, tx: Tx, routing: Routing) -> None:
    """Find out who of those who wait can be taken now, and have each of them looked at, in order.

    Giving them out here would need their locks in the order of the queue, which is none to lock in. Nor are handlers
    held here: whoever changes them brings about a turn of their own.
    """
    turn = tx.memory(_Turn)
    if turn.is_taken:
        return
    turn.is_taken = True
    await waiting.forget_turns(tx)
    roster = await glance(tx, routing)
    rows = await waiting.heads(tx, each=AT_ONCE)
    planned = list(_plan(routing, roster, rows))
    for place, row in enumerate(planned):
        # Timers that are due fire in the order of their times: these keep the order of the queue.
        due_at = tx.now - timedelta(microseconds=len(planned) - place)
        tx.arm(store.LOOK_AGAIN, subject=row.complaint, due_at=due_at)
    if len(planned) == len(rows) and rows:
        tx.arm(store.TURN, subject=store.QUEUE, due_at=tx.now, key="more")
    if rows:
        come_back(tx)


async def look_again(timer: Timer, tx: Tx, routing: Routing) -> None:
    """See whether somebody can take it now."""
    row = await store.decision(tx, timer.subject)
    if row is not None and row["state"] == "waiting":
        await assign(tx, routing, row, asked=True)


def _plan(routing: Routing, roster: Roster, rows: Sequence[AnyRow]) -> Iterator[AnyRow]:
    """Who can be taken, if all are given out in order. Where the first of a line finds nobody, those behind wait too:
    what is small does not overtake what is severe.
    """
    stuck = set[str]()
    for row in sorted(rows, key=lambda one: (-one.rank, one.waits_since, one.complaint)):
        if row.line in stuck:
            continue
        choice = choose_handler(need_of(routing, dict(row._mapping)), handlers=roster)
        if isinstance(choice, Nobody):
            stuck.add(row.line)
            continue
        roster.add_load(choice.handler, WEIGHTS[row.severity], row.waits_since)
        yield row
