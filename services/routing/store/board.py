"""What a unit works on: decisions and handlers, read at once, changed in memory, written at once."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, case, select, update

from services.routing.model import (
    HandlerSnapshot,
)
from services.routing.model.hours import is_within
from services.routing.store.tables import DECISIONS, HANDLERS, LEAVES, QUEUE, ROOM, SHIFTS, TURN
from shared.contracts.envelope import PREFIX
from shared.contracts.intake import ComplaintReceived
from shared.ids import new_id
from shared.store.transaction import AnyRow, Tx

Decision = Mapping[str, Any]
"""A row of `decisions`, by column."""


class Board:
    """The decisions and handlers that a unit works on: read at once, changed here, written at once."""

    def __init__(self) -> None:
        self.decisions: dict[str, Decision | None] = {}
        self.handlers: dict[str, HandlerSnapshot] = {}
        self.added: dict[str, Decision] = {}
        self.changed: dict[str, Decision] = {}
        self.moved: set[str] = set()
        self.given_back: Counter[str] = Counter()
        self.substitutes: dict[str, str] = {}
        """Who stands in for whom, of those on leave now."""
        self.former: dict[str, str | None] = {}
        """Who had a complainant's last complaint."""
        self.news: set[str] = set()
        """Handlers who changed since somebody asked."""
        self.has_room = False
        """Somebody has room who had none: the queue is looked at once this unit is done."""

    async def read(self, tx: Tx, complaints: Collection[str]) -> None:
        """Read the decisions on these, unless they were read before."""
        wanted = set(complaints) - self.decisions.keys()
        self.decisions.update(dict.fromkeys(wanted))
        for row in await tx.rows_among(_DECISION, DECISIONS.c.complaint, wanted):
            self.decisions[row.complaint] = dict(row._mapping)

    async def read_handlers(self, tx: Tx, ids: Collection[str]) -> None:
        """Read handlers, and hold them until the commit: nobody else gives out work by the same figures."""
        rows = await tx.rows_among(_HELD_HANDLER, HANDLERS.c.id, ids)
        duty = await _duty(tx, rows)
        self.substitutes |= {one: by for one, by in duty.leaves.items() if by is not None}
        for row in rows:
            self.handlers[row.id] = _snapshot(row, duty, tx.now)
            self.news.add(row.id)
            if less := self.given_back.pop(row.id, 0):
                self.take_back(row.id, less)

    async def read_former(self, tx: Tx, complainants: Collection[str]) -> None:
        """Read who had these complainants' last complaints, unless it was read before."""
        wanted = set(complainants) - self.former.keys()
        self.former.update(dict.fromkeys(wanted))
        if wanted:
            for row in await tx.rows_among(_FORMER, DECISIONS.c.complainant, wanted):
                self.former[row.complainant] = row.handler

    def change(self, one: HandlerSnapshot) -> None:
        """A handler is like this now."""
        self.handlers[one.id] = one
        self.moved.add(one.id)
        self.news.add(one.id)

    def take_back(self, id_: str, less: int) -> None:
        """A handler's load is so much less, whether they were read or not."""
        one = self.handlers.get(id_)
        if one is None:
            self.given_back[id_] += less
        else:
            self.change(replace(one, load=max(0, one.load - less)))

    async def write(self, tx: Tx) -> None:
        """Write everything new; then those who wait have a turn, if there is room for any."""
        await tx.add(DECISIONS, [*self.added.values()])
        await tx.change(
            DECISIONS, [{"complaint": id_, **row} for id_, row in sorted(self.changed.items())]
        )
        await tx.change(HANDLERS, [_moved(self.handlers[id_]) for id_ in sorted(self.moved)])
        if self.given_back:
            rows = [{"of_id": id_, "less": less} for id_, less in sorted(self.given_back.items())]
            await tx.execute(_GIVE_BACK, rows)
        if self.has_room and await tx.rows(_ANY_WAITING):
            # A key of its own: to wait here for a turn that is just taken would be to wait in a circle.
            tx.arm(TURN, subject=QUEUE, due_at=tx.now, key=f"{ROOM}{new_id()}")


@dataclass(frozen=True, slots=True)
class _Duty:
    """Who is on a shift now, and who is on leave, with their substitutes."""

    shifts: frozenset[str] = frozenset()
    leaves: Mapping[str, str | None] = field(default_factory=dict)


async def _duty(tx: Tx, rows: Sequence[AnyRow]) -> _Duty:
    if all(row.team is None for row in rows):
        return _Duty()  # no staff data: nothing to be asked for, as on the first day
    now = {"now": tx.now}
    shifts = frozenset(row.handler for row in await tx.rows(_ON_SHIFT, now))
    return _Duty(shifts, {row.handler: row.substitute for row in await tx.rows(_ON_LEAVE, now)})


_RECEIVED: Final = f"{PREFIX}{ComplaintReceived.name}"
_DECISION: Final = select(DECISIONS)
_ANY_WAITING: Final = select(DECISIONS.c.complaint).where(DECISIONS.c.state == "waiting").limit(1)
_ON_SHIFT: Final = select(SHIFTS.c.handler).where(
    SHIFTS.c.ends_at > bindparam("now"), SHIFTS.c.starts_at <= bindparam("now")
)
_ON_LEAVE: Final = select(LEAVES.c.handler, LEAVES.c.substitute).where(
    LEAVES.c.ends_at > bindparam("now"), LEAVES.c.starts_at <= bindparam("now")
)
_FORMER: Final = (
    select(DECISIONS.c.complainant, DECISIONS.c.handler)
    .where(DECISIONS.c.handler.is_not(None))
    .order_by(DECISIONS.c.decided_at, DECISIONS.c.complaint)
)
_HELD_HANDLER: Final = select(HANDLERS).order_by(HANDLERS.c.id).with_for_update()
_GIVE_BACK: Final = (
    update(HANDLERS)
    .where(HANDLERS.c.id == bindparam("of_id"))
    .values(
        load=case(
            (HANDLERS.c.load > bindparam("less"), HANDLERS.c.load - bindparam("less")), else_=0
        )
    )
)


def _moved(one: HandlerSnapshot) -> Mapping[str, object]:
    return {
        "id": one.id,
        "load": one.load,
        "present": one.is_present,
        "last_assigned_at": one.last_assigned_at,
    }


async def remember(tx: Tx, complaints: Collection[str]) -> None:
    """Read many decisions at once, for `decision` to find; and who had their complainants' last ones."""
    board = tx.memory(Board)
    await board.read(tx, complaints)
    bodies = [one.raw.get("data") for one in tx.ahead if one.type == _RECEIVED]
    ids = {one.get("complainant_id") for one in bodies if isinstance(one, dict)}
    await board.read_former(tx, {id_ for id_ in ids if isinstance(id_, str)})


async def decision(tx: Tx, complaint: str) -> Decision | None:
    """What was decided on a complaint. Lock it first."""
    board = tx.memory(Board)
    if complaint not in board.decisions:
        await board.read(tx, [complaint])
    return board.decisions[complaint]


async def complaint_of(tx: Tx, number: str) -> str | None:
    """The complaint's id, by its number."""
    row = await tx.row(select(DECISIONS.c.complaint).where(DECISIONS.c.number == number))
    return str(row.complaint) if row else None


def add_decision(tx: Tx, row: Decision) -> None:
    """Keep a first decision."""
    board = tx.memory(Board)
    board.decisions[row["complaint"]] = board.added[row["complaint"]] = row


def change_decision(tx: Tx, complaint: str, **values: object) -> None:
    """Change a decision that was read, or added, in this unit."""
    board = tx.memory(Board)
    row = dict(board.decisions[complaint] or {}) | values
    board.decisions[complaint] = row
    (board.added if complaint in board.added else board.changed)[complaint] = row


async def know_handlers(
    tx: Tx, accounts: Mapping[str, tuple[str, tuple[str, ...]]], *, capacity: int
) -> None:
    """Have a row for each account (with its unit and languages); who was known keeps what staff data said."""
    board = tx.memory(Board)
    if accounts.keys() <= board.handlers.keys():
        return
    await board.read_handlers(tx, accounts.keys())
    rows: list[dict[str, Any]] = [
        {"id": id_, "unit": unit, "team": None, "skills": None, "languages": list(languages), "present": True,
         "load": 0, "capacity": capacity, "last_assigned_at": None}
        for id_, (unit, languages) in sorted(accounts.items())
        if id_ not in board.handlers
    ]  # fmt: skip
    if rows:
        await tx.execute(tx.upsert(HANDLERS).on_conflict_do_nothing(), rows)
        await board.read_handlers(tx, [row["id"] for row in rows])


async def snapshots(
    tx: Tx, ids: Collection[str]
) -> tuple[list[HandlerSnapshot], Mapping[str, str]]:
    """Handlers as they are now, without holding them, and who stands in for whom."""
    rows = await tx.rows_among(select(HANDLERS), HANDLERS.c.id, ids)
    duty = await _duty(tx, rows)
    substitutes = {one: by for one, by in duty.leaves.items() if by is not None}
    return [_snapshot(row, duty, tx.now) for row in rows], substitutes


def handlers(tx: Tx, ids: Iterable[str]) -> list[HandlerSnapshot]:
    """The handlers as they are now, of those who are known."""
    known = tx.memory(Board).handlers
    return [known[id_] for id_ in sorted(ids)]


def substitutes(tx: Tx) -> Mapping[str, str]:
    """Who stands in for whom, of the handlers that were read."""
    return tx.memory(Board).substitutes


def news(tx: Tx) -> list[HandlerSnapshot]:
    """The handlers who changed since this was last asked for."""
    board = tx.memory(Board)
    changed, board.news = board.news, set()
    return [board.handlers[id_] for id_ in sorted(changed)]


def former_handler(tx: Tx, complainant: str | None) -> str | None:
    """Who had a complainant's last complaint, as far as it was read."""
    return tx.memory(Board).former.get(complainant) if complainant else None


def take_load(tx: Tx, handler: str, weight: int) -> None:
    """Add to a known handler's load."""
    board = tx.memory(Board)
    one = board.handlers[handler]
    board.change(replace(one, load=one.load + weight, last_assigned_at=tx.now))


def give_load_back(tx: Tx, handler: str, weight: int) -> None:
    """The handler has one case less, of that weight; somebody who waits may have a turn."""
    board = tx.memory(Board)
    board.take_back(handler, weight)
    board.has_room = True


async def set_presence(tx: Tx, handler: str, *, present: bool) -> None:
    """A handler comes or goes."""
    board = tx.memory(Board)
    if handler not in board.handlers:
        await board.read_handlers(tx, [handler])
    if one := board.handlers.get(handler):
        board.change(replace(one, is_present=present))


def give_turn(tx: Tx) -> None:
    """Somebody has room, or may do more: those who wait are looked at again once this unit is done."""
    tx.memory(Board).has_room = True


def _is_on_duty(row: AnyRow, duty: _Duty, now: datetime) -> bool:
    """By the week or by shifts; who has neither is always on duty."""
    if row.hours is None and not row.has_shifts:
        return True
    return row.id in duty.shifts or (row.hours is not None and is_within(row.hours, row.zone, now))


def _snapshot(row: AnyRow, duty: _Duty, now: datetime) -> HandlerSnapshot:
    return HandlerSnapshot(
        id=row.id,
        unit=row.unit,
        team=row.team,
        skills=None if row.skills is None else frozenset(row.skills),
        languages=None if row.languages is None else frozenset(row.languages),
        is_present=row.present,
        load=row.load,
        capacity=row.capacity,
        last_assigned_at=row.last_assigned_at,
        areas=None if row.areas is None else frozenset(row.areas),
        is_on_duty=_is_on_duty(row, duty, now),
        is_on_leave=row.id in duty.leaves,
    )
