"""Learning from corrections, in the background: new models, measured, put in force only if not worse."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.routing.policy.learnt import Learnt, dump
from services.routing.policy.lessons import Lesson, learn
from services.routing.policy.measure import Measured, measure
from services.routing.store import learning
from services.routing.usecases import Routing
from services.routing.usecases.models import common
from shared import telemetry
from shared.errors import NotFound, NotHereYet, Transient
from shared.packs.located import PackInvalid
from shared.packs.model import Pack
from shared.store.database import Database
from shared.store.transaction import AnyRow, Tx

LOOK_EVERY: Final = timedelta(seconds=5)
SETTLE: Final = timedelta(minutes=1)
"""Corrections come in rows: they are learnt from when there was none for so long."""

log = telemetry.logger("learning")


@dataclass(frozen=True, slots=True)
class Learner:
    """Routing's loop beside its consumer: follows the models in force, and makes new ones."""

    database: Database
    routing: Routing

    async def learning(self) -> None:
        """Learn for ever."""
        while True:
            try:
                await self.look()
            except Transient as error:
                log.warning("learning waits", error=str(error))
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> int:
        """Take over what was put in force, make what is due; says how many models were made."""
        async with self.database.reading() as connection:
            await self.routing.models.refresh(connection)
            counts = await learning.lesson_counts(connection)
        made = 0
        for pack in self._packs_in_force():
            made += await self._first(pack)
            count, last = counts.get(pack.pack.id, (0, None))
            if last is not None and last + SETTLE <= self.database.clock.now():
                made += await self._again(pack, count, last)
        return made

    def _packs_in_force(self) -> list[Pack]:
        policy, now = self.routing.policy, self.database.clock.now()
        found: dict[str, Pack] = {}
        for unit in policy.units:
            try:
                pack = policy.pack(*policy.in_force(unit, now))
            except (NotHereYet, PackInvalid):
                continue
            found[pack.ref] = pack
        return list(found.values())

    async def _first(self, pack: Pack) -> int:
        """A company's own pack comes with examples and without a model."""
        if not pack.examples or self.routing.models.known(pack) is not None:
            return 0
        model = await asyncio.to_thread(lambda: learn(pack, common=common()))
        if model is None:
            return 0
        self.routing.models.add_first(pack, model)
        log.info("learnt from a pack's examples", pack=pack.ref, model=model.name)
        return 1

    async def _again(self, pack: Pack, count: int, last: object) -> int:
        async with self.database.reading() as connection:
            newest = await learning.last_made(
                connection, pack=pack.pack.id, version=pack.pack.version
            )
            if newest is not None and (newest.corrections, newest.made_at) >= (count, last):
                return 0
            rows = await learning.lessons(connection, pack.pack.id)
        old = self.routing.models.known(pack)
        new, measured = await asyncio.to_thread(_made_anew, pack, old, rows)
        if new is None:
            return 0
        await self.database.run(lambda tx: _record(tx, pack, old, new, measured, len(rows)))
        async with self.database.reading() as connection:
            await self.routing.models.refresh(connection)
        log.info("learnt from corrections", pack=pack.ref, model=new.name, **measured.said())
        return 1


async def activate(tx: Tx, *, pack: str, version: str, name: str, by: str) -> None:
    """Put a model in force, an older one too. Raises NotFound."""
    if not await learning.has_model(tx, pack=pack, version=version, name=name):
        raise NotFound(
            f"There is no model {name!r} of {pack}@{version}.",
            zh=f"没有 {pack}@{version} 的模型 {name}。",
        )
    await learning.put_in_force(tx, pack=pack, version=version, name=name, by=by)


def _made_anew(
    pack: Pack, old: Learnt | None, rows: Sequence[AnyRow]
) -> tuple[Learnt | None, Measured]:
    aside = [_lesson(row) for row in rows if row.aside]
    new = learn(pack, [_lesson(row) for row in rows if not row.aside], common=common())
    return new, Measured(measure(pack, old, aside), measure(pack, new, aside), len(aside))


def _lesson(row: AnyRow) -> Lesson:
    return Lesson(row.text, row.kind, row.category, row.severity)


async def _record(
    tx: Tx, pack: Pack, old: Learnt | None, new: Learnt, measured: Measured, corrections: int
) -> None:
    id_, version = pack.pack.id, pack.pack.version
    made = {"pack": id_, "pack_version": version, "made_at": tx.now}
    if old is not None:
        first = {"name": old.name, "data": dump(old), "corrections": 0, "measured": {}}
        await learning.keep_model(tx, made | first | {"made_at": tx.now - SETTLE})
    row = {"name": new.name, "data": dump(new), "corrections": corrections}
    await learning.keep_model(tx, made | row | {"measured": measured.said()})
    if measured.is_not_worse:
        await learning.put_in_force(tx, pack=id_, version=version, name=new.name, by="machine")
