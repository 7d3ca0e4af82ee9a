"""Who is part of an incident: complaints ask to be taken in, and are, or leave. Each case keeps clocks and closing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from services.followup import store
from services.followup.model import (
    Case,
    Fact,
    IncidentGrew,
    IncidentJoined,
    IncidentLeft,
)
from services.followup.policy import clocks
from services.followup.policy.commands.order import Ground
from services.followup.policy.escalation import group_sizes
from services.followup.policy.incidents.joining import is_of
from services.followup.policy.incidents.solving import (
    is_told_already,
    lacking,
    resolved_with_all,
)
from services.followup.store import Kept
from services.followup.store import incidents as rows
from services.followup.usecases.record import Followup, case_of, record
from shared.contracts.followup import CaseBody
from shared.contracts.incidents import (
    BulletinMember,
    IncidentBody,
    IncidentBulletin,
    IncidentResult,
    IncidentUpdated,
)
from shared.ids import new_id
from shared.store.transaction import AnyRow, Tx

BY_SIGN: Final = "sign"
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=5)
PATIENCE: Final = timedelta(days=7)
"""So long a complaint is waited for that a warning names and nobody has received, or of which nobody knows the kind."""


@dataclass(slots=True)
class Held:
    """An incident that is locked, as it is now."""

    body: IncidentBody
    unit: str


@dataclass(slots=True)
class _Page:
    """What taking some complaints in changes."""

    joined: list[Mapping[str, object]] = field(default_factory=list)
    refused: list[Mapping[str, object]] = field(default_factory=list)
    put_off: list[Mapping[str, object]] = field(default_factory=list)
    stands_for: str | None = None


async def hold(tx: Tx, id_: str, complaints: Collection[str] = ()) -> Held | None:
    """Lock an incident with some complaints and the one that stands for it, all in one order; None if there is none."""
    before = await rows.incident_row(tx, id_)
    if before is None:
        return None
    stands_for = rows.body_of(before).stands_for
    await tx.lock(id_, *complaints, *([stands_for] if stands_for else []))
    row = await rows.incident_row(tx, id_)
    return Held(rows.body_of(row), row.unit) if row is not None else None


async def change(
    tx: Tx,
    held: Held,
    updates: Mapping[str, Any],
    *,
    by: str,
    what: str,
    event: type[IncidentBody] = IncidentUpdated,
) -> IncidentBody:
    """Keep a locked incident with other values, and say it."""
    values = {
        **dict(held.body),
        **updates,
        "version": held.body.version + 1,
        "by": by,
        "what": what,
    }
    held.body = event.model_validate(values)
    await rows.put_incident(tx, held.body, unit=held.unit, is_new=False)
    tx.say(held.body, subject=held.body.incident_id, unit=held.unit)
    return held.body


async def take_in(
    tx: Tx, context: Followup, held: Held, complaints: Sequence[str], *, by: str
) -> Mapping[str, Any]:
    """Take in those of some locked complaints that wait for it, in this order; gives what this changes of the incident.

    Who joins late has the present state at once, and the last bulletin as a copy of their own.
    """
    found = await rows.members_among(tx, held.body.incident_id, complaints)
    known = {row.complaint: row for row in found if row.state == "waiting"}
    waiting = [known[one] for one in complaints if one in known]
    await store.remember(tx, [row.complaint for row in waiting])
    busy = await rows.elsewhere(tx, [row.complaint for row in waiting])
    page = _Page(stands_for=held.body.stands_for)
    for row in waiting:
        await _look(tx, context, held, row, page, by=by, is_busy=row.complaint in busy)
    for some in (page.joined, page.refused, page.put_off):
        await rows.change_members(tx, some)
    if not page.joined:
        return {}
    await _tell_late(tx, held, page.joined)
    before, after = held.body.members, held.body.members + len(page.joined)
    await _grow(tx, context, held, page.stands_for, before, after)
    joined = held.body.joined + len(page.joined)
    return {"members": after, "joined": joined, "stands_for": page.stands_for}


async def _look(
    tx: Tx, context: Followup, held: Held, row: AnyRow, page: _Page, *, by: str, is_busy: bool
) -> None:
    kept = await store.load(tx, row.complaint, unit=row.unit)
    case = case_of(tx, kept)
    why = _refusal(context, held, row, kept, case, is_busy=is_busy)
    if why is not None:
        page.refused.append(
            {"id": row.id, "state": "out", "reason": why, "look_at": None, "left_at": tx.now}
        )
        return
    if case is None or (row.via == BY_SIGN and is_of(held.body.categories, case) is None):
        wait = min(max(FIRST_WAIT, tx.now - row.asked_at), LONGEST_WAIT)
        page.put_off.append({"id": row.id, "look_at": tx.now + wait})
        return
    page.stands_for = page.stands_for or row.complaint
    lacks = _join(tx, context, held, kept, case, by=by)
    page.joined.append({
        "id": row.id, "state": "in", "position": held.body.joined + len(page.joined) + 1, "seen": held.body.moves,
        "lacks": list(lacks) or None, "unit": kept.unit, "joined_at": tx.now, "look_at": None, "left_at": None,
        "reason": None,
    })  # fmt: skip


def _refusal(
    context: Followup, held: Held, row: AnyRow, kept: Kept, case: Case | None, *, is_busy: bool
) -> str | None:
    """Why a complaint is not taken in; None if it is, or if it is too soon to know."""
    if held.body.state == "closed":
        return "closed"
    if is_busy:
        return "elsewhere"
    if case is None:
        return "unknown" if _is_over(row) else None
    if kept.unit not in context.policy.subtree(held.unit):
        return "unit"
    if row.via == BY_SIGN:
        fits = is_of(held.body.categories, case)
        if fits is False or (fits is None and _is_over(row)):
            return "category"
    return None


def _is_over(row: AnyRow) -> bool:
    return row.look_at is not None and row.look_at - row.asked_at > PATIENCE


def _join(
    tx: Tx, context: Followup, held: Held, kept: Kept, case: Case, *, by: str
) -> Sequence[str]:
    body = held.body
    joined = IncidentJoined(body.incident_id, body.state)
    facts = [Fact(joined, tx.now, by, case.cycle, kept.head.links)]
    lacks: Sequence[str] = ()
    if body.state == "solved" and body.result is not None:
        lacks, more = with_result(tx, context, kept, case, body.result, by=by)
        facts += more
    record(tx, context, kept, facts, by=by, what=joined.name)
    return lacks


def with_result(
    tx: Tx, context: Followup, kept: Kept, case: Case, result: IncidentResult, *, by: str
) -> tuple[Sequence[str], Sequence[Fact]]:
    """What the incident's result adds to a case; or what the case lacks for it."""
    if is_told_already(case):
        return (), ()
    if lacks := lacking(case, result):
        return lacks, ()
    ground = Ground(
        case=case, rules=context.rules_of(case), complaint=kept.complaint, by=by, now=tx.now, id=new_id(),
        place=len(kept.facts), clocks=clocks.read(kept.clock_facts), clock_facts=kept.clock_facts,
    )  # fmt: skip
    return (), resolved_with_all(ground, result)


async def _tell_late(tx: Tx, held: Held, joined: Sequence[Mapping[str, object]]) -> None:
    """Have those who join after a bulletin get the last one."""
    id_ = held.body.last_bulletin_id
    row = await rows.bulletin_row(tx, id_) if id_ else None
    if row is None:
        return
    said = IncidentBulletin.model_validate(row.body)
    ids = {str(one["id"]) for one in joined}
    for member in await rows.members_by_id(tx, ids):
        kept = await store.load(tx, member.complaint, unit=member.unit)
        if kept.body is not None:
            only = copy_for(kept.body, complaint=kept.complaint, unit=kept.unit)
            copy = said.model_copy(update={"only": only})
            tx.say(copy, subject=kept.complaint, unit=kept.unit)


def copy_for(body: CaseBody, *, complaint: str, unit: str) -> BulletinMember:
    """What a message to the member behind a case needs."""
    return BulletinMember(
        complaint=complaint, number=body.number, unit=unit, cycle=body.cycle, complainant_id=body.complainant_id,
        language=body.language, pack=body.pack, pack_version=body.pack_version,
    )  # fmt: skip


async def _grow(
    tx: Tx, context: Followup, held: Held, stands_for: str | None, before: int, after: int
) -> None:
    """The complaint that stands for the group goes up where the ladder names such a number; one for all (R-093)."""
    if stands_for is None:
        return
    kept = await store.load(tx, stands_for, unit=held.unit)
    case = case_of(tx, kept)
    if case is None:
        return
    for size in group_sizes(context.rules_of(case).pack):
        if before < size <= after:
            what = IncidentGrew(held.body.incident_id, size)
            kept = await store.load(tx, stands_for, unit=held.unit)
            fact = Fact(what, tx.now, "followup", case.cycle, kept.head.links)
            record(tx, context, kept, [fact], by="followup", what=what.name)


async def let_go(
    tx: Tx, context: Followup, held: Held, complaints: Collection[str], *, reason: str, by: str
) -> Mapping[str, Any]:
    """Have locked complaints be no part of it any more; gives what this changes of the incident."""
    found = await rows.members_among(tx, held.body.incident_id, complaints)
    leaving = [row for row in found if row.state != "out"]
    for row in leaving:
        kept = await store.load(tx, row.complaint, unit=row.unit)
        case = case_of(tx, kept)
        if row.state == "in" and case is not None:
            what = IncidentLeft(held.body.incident_id, reason)
            fact = Fact(what, tx.now, by, case.cycle, kept.head.links)
            record(tx, context, kept, [fact], by=by, what=what.name)
    await rows.change_members(
        tx,
        [
            {"id": row.id, "state": "out", "reason": reason, "look_at": None, "left_at": tx.now}
            for row in leaving
        ],
    )
    gone = [row.complaint for row in leaving if row.state == "in"]
    stands_for = None if held.body.stands_for in gone else held.body.stands_for
    return {"members": held.body.members - len(gone), "stands_for": stands_for}
