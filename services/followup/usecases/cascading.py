"""What goes to many members goes page by page: who waits is taken in, and each change of state comes to every case.

A page's cases and the place where the next one begins are one transaction: a kill neither skips nor repeats anybody,
two processes share the work, and memory does not grow with the members. While much waits for the log it is waited for,
so that what single customers wait for (acknowledgements) is not held up behind a hundred thousand.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.followup import store
from services.followup.model import Fact, IncidentMoved
from services.followup.store import incidents as rows
from services.followup.store.noting import Decide, note
from services.followup.usecases.membership import change, hold, take_in, with_result
from services.followup.usecases.record import Followup, case_of, record
from shared import faults, telemetry
from shared.contracts.incidents import IncidentResult
from shared.errors import Transient
from shared.store.database import Database
from shared.store.relay import waiting_count
from shared.store.transaction import AnyRow, Tx

PAGE: Final = 200
MOST_UNPUBLISHED: Final = 2_000
POLL_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 5.0
SERVICE: Final = "followup"

log = telemetry.logger("incidents")


@dataclass(frozen=True, slots=True)
class Cascading:
    """Followup's loop over incidents and their members."""

    database: Database
    context: Followup

    async def cascading(self) -> None:
        """Go on for ever."""
        while True:
            try:
                while not self.database.is_paused and await self.go_on():
                    pass
            except Transient as error:
                log.warning("incidents wait", error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(POLL_SECONDS)

    async def go_on(self) -> int:
        """Do one page of everything, unless much waits for the log; says how many members were looked at."""
        if await waiting_count(self.database, at_most=MOST_UNPUBLISHED) == MOST_UNPUBLISHED:
            return 0
        return await self.reach_some()

    async def reach_some(self) -> int:
        """Take in one page of those who wait, and do one of each change; says how many members were looked at."""
        gathered = await self._gather()
        async with self.database.reading() as connection:
            moves = await rows.open_moves(connection)
        return gathered + sum([await self._cascade(move) for move in moves])

    async def _gather(self) -> int:
        async with self.database.reading() as connection:
            now = self.database.clock.now()
            waiting = await rows.waiting_rows(connection, now=now, limit=PAGE)
        if not waiting:
            return 0
        complaints = [row.complaint for row in waiting]
        incident: str = waiting[0].incident
        faults.reach("followup.members_read")
        await self.database.run(lambda tx: gather(tx, self.context, incident, complaints))
        return len(waiting)

    async def _cascade(self, move: AnyRow) -> int:
        async with self.database.reading() as connection:
            page = await rows.move_page(connection, move, limit=PAGE)
        faults.reach("followup.move_page")
        await self.database.run(
            lambda tx: carry(
                tx, self.context, move, {row.complaint: row.position for row in page}, is_last=len(page) < PAGE
            )
        )  # fmt: skip
        return max(1, len(page))


async def gather(tx: Tx, context: Followup, incident: str, complaints: Sequence[str]) -> None:
    """Take in those who wait for an incident."""
    held = await hold(tx, incident, complaints)
    if held is None:
        return
    if updates := await take_in(tx, context, held, complaints, by=SERVICE):
        await change(tx, held, updates, by=SERVICE, what="joined")


async def carry(
    tx: Tx, context: Followup, move: AnyRow, page: Mapping[str, int], *, is_last: bool
) -> None:
    """Have a change of state come to the cases of one page of members, and go on after them."""
    await tx.lock(*page)
    last = max(page.values(), default=move.after)
    if not await rows.advance_move(tx, move, after=last, is_over=is_last):
        return  # Another process did this page.
    faults.reach("followup.move_claimed")
    found = await rows.reached(tx, move.incident, page)
    # Who left meanwhile is not told; who joined meanwhile has the present state already.
    mine = {row.complaint: row for row in found if row.state == "in" and row.seen < move.number}
    lacks: Mapping[str, list[str]] = {}
    if move.state == "solved":
        lacks = await _solve_each(tx, context, move, mine)
        reached = len(mine)
    else:
        reached = await note(
            tx, mine, IncidentMoved(move.incident, move.state), _noted(move), by=move.by
        )
    await rows.mark_seen(tx, [row.id for row in mine.values()], move.number)
    await rows.change_members(
        tx, [{"id": mine[one].id, "lacks": found} for one, found in lacks.items()]
    )
    await rows.count_move(tx, move, reached=reached, blocked=len(lacks))


def _noted(move: AnyRow) -> Decide:
    """The case knows how far its incident is."""

    def decide(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        part = body.get("incident")
        if part is None or part["id"] != move.incident:
            return None
        return {"incident": {**part, "state": move.state}}

    return decide


async def _solve_each(
    tx: Tx, context: Followup, move: AnyRow, members: Mapping[str, AnyRow]
) -> Mapping[str, list[str]]:
    """Resolve each case with the one result; gives what those lack that are to be finished one by one."""
    result = IncidentResult.model_validate(move.result)
    await store.remember(tx, members)
    found: dict[str, list[str]] = {}
    for complaint, row in members.items():
        kept = await store.load(tx, complaint, unit=row.unit)
        case = case_of(tx, kept)
        if case is None or case.incident is None or case.incident.id != move.incident:
            continue
        lacks, more = with_result(tx, context, kept, case, result, by=move.by)
        if lacks:
            found[complaint] = list(lacks)
        what = IncidentMoved(move.incident, move.state)
        moved = Fact(what, tx.now, move.by, case.cycle, kept.head.links)
        record(tx, context, kept, [moved, *more], by=move.by, what=what.name)
    return found
