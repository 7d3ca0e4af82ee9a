"""What if: logged complaints replayed through a changed pack or roster. Nothing is stored, nothing is said."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from services.routing.model import HandlerSnapshot, Judged, Logged, Reason, Understanding
from services.routing.policy.deadlines import Deadlines
from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import learn
from services.routing.policy.simulate import Floor, Simulation
from services.routing.policy.understand import understand
from services.routing.store import heard
from services.routing.usecases import Routing
from services.routing.usecases.reading import named_pack
from shared.packs.model import Pack
from shared.packs.upload import read_upload
from shared.packs.wire import resolve
from shared.store.database import Database
from shared.store.transaction import AnyRow

AT_A_TIME: Final = 50
"""Complaints replayed beside the loop before others have their turn."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to try: a pack (`pack`: `P` or `P@V`, or `files` of a folder), a roster (`handlers`), or both.

    `unit` and those below it, complaints received since `since`, at most `most` of them, the first ones.
    """

    unit: str
    units: frozenset[str]
    since: datetime
    most: int
    shown: int
    pack: str | None = None
    folder: str = ""
    files: Mapping[str, str] | None = None
    handlers: Sequence[HandlerSnapshot] | None = None


async def simulate(
    question: Question, *, routing: Routing, database: Database, zone: str
) -> AsyncIterator[dict[str, Any]]:
    """Progress, as `{done, of}`, then the `{report}`. Raises Invalid, NotHereYet, PackInvalid before the first."""
    now = database.clock.now()
    pack = await _pack(question, routing, now)
    async with database.reading() as connection:
        there = await heard.logged_count(connection, question.units, question.since)
        present = [
            *map(_snapshot, await heard.handlers_of(connection, units_of(routing, question)))
        ]
    of = min(there, question.most)
    yield {"done": 0, "of": of}
    model = routing.models.known(pack) or await asyncio.to_thread(learn, pack)
    replay = _Replay(routing, pack, model, zone)
    simulation = Simulation(
        after=Deadlines(pack, zone),
        floor_before=Floor(present),
        floor_after=Floor(present if question.handlers is None else question.handlers),
        most_shown=question.shown,
    )
    after = (question.since - timedelta(microseconds=1), "")
    while simulation.replayed < of:
        limit = min(AT_A_TIME, of - simulation.replayed)
        async with database.reading() as connection:
            rows = await heard.logged(connection, question.units, after=after, limit=limit)
        if not rows:
            break
        await asyncio.to_thread(replay.all, rows, simulation)
        after = (rows[-1].received_at, rows[-1].complaint)
        yield {"done": simulation.replayed, "of": of}
    yield {
        "report": {
            "pack": pack.ref,
            "model": model.name if model else "words",
            "unit": question.unit,
            "since": question.since.isoformat(),
            "until": now.isoformat(),
            "left_out": there - simulation.replayed,
            **simulation.report(),
        }
    }


def units_of(routing: Routing, question: Question) -> set[str]:
    """Whose handlers may take work: those of the unit, of those below it, and of those above it."""
    return {*question.units, *routing.policy.upwards(question.unit)}


async def _pack(question: Question, routing: Routing, now: datetime) -> Pack:
    if question.files is None:
        return await named_pack(routing, unit=question.unit, pack=question.pack, now=now)
    upload, known = (question.folder, question.files), routing.policy.packs
    return await asyncio.to_thread(lambda: resolve(read_upload(*upload, known)))


@dataclass(frozen=True, slots=True)
class _Replay:
    """Judges logged complaints by the changed pack."""

    routing: Routing
    pack: Pack
    model: Learnt | None
    zone: str
    _before: dict[str, Deadlines] = field(default_factory=dict)

    def all(self, rows: Sequence[AnyRow], simulation: Simulation) -> None:
        for row in rows:
            one = self._logged(row)
            understood = self._understood(one)
            before = self._deadlines(self.routing.policy.pack(row.pack, row.pack_version))
            reason = _because(understood)
            simulation.replay(one, _judged(understood), before=before, reason=reason)

    def _deadlines(self, pack: Pack) -> Deadlines:
        if pack.ref not in self._before:
            self._before[pack.ref] = Deadlines(pack, self.zone)
        return self._before[pack.ref]

    def _understood(self, one: Logged) -> Understanding:
        return understand(
            text=one.text,
            subject=one.subject,
            fields=one.fields,
            channel=one.channel,
            pack=self.pack,
            language=one.language,
            model=self.model,
        )

    def _logged(self, row: AnyRow) -> Logged:
        category = row.categories[0]["code"] if row.categories else ""
        skills = frozenset(row.skills)
        return Logged(
            number=row.number,
            units=list(self.routing.policy.upwards(row.unit)),
            text=row.text or "",
            subject=row.subject,
            fields=row.fields,
            channel=row.channel,
            language=row.language,
            received_at=row.received_at,
            closed_at=row.closed_at,
            met={name: datetime.fromisoformat(at) for name, at in (row.met or {}).items()},
            by_person=any(reason["code"] == "corrected" for reason in row.reasons),
            judged=Judged(row.kind, category, row.severity, row.team, skills, row.unsure),
        )


def _judged(one: Understanding) -> Judged:
    return Judged(one.kind, one.category, one.severity, one.team, one.skills, one.unsure)


def _because(one: Understanding) -> Reason:
    """All that speaks for a reading, in one."""
    reasons = (*one.unsure_because, *one.reasons)
    return Reason(
        reasons[0].code if reasons else "",
        "；".join(dict.fromkeys(reason.zh for reason in reasons)),
        "; ".join(dict.fromkeys(reason.en for reason in reasons)),
    )


def _snapshot(row: AnyRow) -> HandlerSnapshot:
    """A handler with nothing to do yet, and there: who was there then is not known any more."""
    return HandlerSnapshot(
        id=row.id,
        unit=row.unit,
        team=row.team,
        skills=None if row.skills is None else frozenset(row.skills),
        languages=None if row.languages is None else frozenset(row.languages),
        is_present=True,
        load=0,
        capacity=row.capacity,
        last_assigned_at=None,
        areas=None if row.areas is None else frozenset(row.areas),
    )
