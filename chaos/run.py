"""One run: a system under load, faults, and at the end the judgement."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from chaos.engines import Engines, Kind, engines
from chaos.fleet import Fleet, Member
from chaos.journal import Journal
from chaos.load import Load
from chaos.mailbox import mailbox
from chaos.rest import NoRest, come_to_rest, publish_everything_again
from redress.verify.invariants import check, state_of
from redress.verify.journal import read_journal
from redress.verify.reading import read_system
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from redress.verify.model import Entry, System, Violation

REST_WITHIN = 120.0
REDELIVERIES = 3
SETTLED_AFTER = timedelta(minutes=2)
"""Beyond the time after which an attempt without an end is made again, and one without an owner is acknowledged."""


@dataclass(slots=True)
class Outcome:
    """What a scenario did and what came of it. Seconds are real time."""

    engine: Kind
    scenario: str
    seed: int
    faults: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    """How often each kind of fault was done."""
    complaints: int = 0
    messages: int = 0
    violations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repeats: int = 0
    """Mails that left more than once, each with the same id (the stated window)."""
    recoveries: list[float] = field(default_factory=list)
    """How long it took each time until all was well again."""
    rest_seconds: float | None = None
    seconds: float = 0.0
    measured_on: str = ""

    @property
    def is_good(self) -> bool:
        return not self.violations

    def did(self, kind: str) -> None:
        """Count a fault."""
        self.faults += 1
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1

    @property
    def recovery_median(self) -> float | None:
        return round(median(self.recoveries), 2) if self.recoveries else None

    @property
    def recovery_max(self) -> float | None:
        return round(max(self.recoveries), 2) if self.recoveries else None

    def document(self) -> dict[str, object]:
        kept = {name: value for name, value in asdict(self).items() if name != "recoveries"}
        return kept | {
            "recovery_median": self.recovery_median,
            "recovery_max": self.recovery_max,
        }


@dataclass(slots=True)
class Run:
    """A running system under load."""

    engines: Engines
    fleet: Fleet
    load: Load
    journal: Journal
    settings: Settings
    rng: random.Random
    outcome: Outcome
    tell: Callable[[str], None]
    clocks: list[Path]
    shift: timedelta = timedelta()

    @property
    def now(self) -> datetime:
        """The services' clock."""
        return datetime.now(UTC) + self.shift

    def move_clock(self, to: timedelta, *, skews: tuple[timedelta, ...] = ()) -> None:
        """Set how far the services' clock is from this machine's; `skews` add to single members'."""
        self.shift = to
        for at, file in enumerate(self.clocks):
            skew = skews[at] if at < len(skews) else timedelta()
            draft = file.with_suffix(".new")
            draft.write_text(str((to + skew).total_seconds()))
            draft.replace(file)
        self.journal.write("clock", what=f"set to {to}")

    async def served(self, *, count: int = 1) -> float:
        """Post some complaints and wait until each has its case; the seconds that took."""
        started = time.monotonic()
        await self.load.until_cases(await self.load.post(count))
        return time.monotonic() - started


@asynccontextmanager
async def running(
    kind: Kind,
    scenario: str,
    *,
    seed: int,
    rate: float,
    replicas: int,
    tell: Callable[[str], None],
    data: Path | None = None,
    mutant: str = "",
) -> AsyncIterator[Run]:
    """Start everything; stop everything at the end. `data` is the data folder, made where none is given."""
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="redress-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        data = data or folder / "data"
        data.mkdir(exist_ok=True)
        journal = Journal(folder / "journal.jsonl")
        stack.callback(journal.close)
        smtp = stack.enter_context(mailbox(journal))
        grounds = stack.enter_context(engines(kind, folder))
        clocks = [folder / f"clock-{at}" for at in range(replicas)]
        members = [
            Member(
                f"replica-{at}",
                data,
                folder,
                {
                    **grounds.environment,
                    "REDRESS_SMTP": smtp,
                    "REDRESS_TEST_CLOCK": str(clocks[at]),
                    "REDRESS_LOG_LEVEL": "warning",
                    "MUTANT": mutant,
                },
            )
            for at in range(replicas)
        ]
        fleet = Fleet(members, journal)
        load = Load(fleet, journal, rate=rate, seed=seed)
        settings = Settings(
            data=data,
            bus=grounds.environment.get("REDRESS_BUS", "embedded"),
            database=grounds.environment.get("REDRESS_DATABASE", "sqlite"),
        )
        outcome = Outcome(kind, scenario, seed, measured_on=datetime.now(UTC).date().isoformat())
        run = Run(
            grounds, fleet, load, journal, settings, random.Random(seed), outcome, tell, clocks
        )
        try:
            await fleet.start()
            load.start()
            yield run
        finally:
            await fleet.stop()


async def judge(run: Run, *, redeliver: bool = True) -> Outcome:
    """Stop the load, let the system come to rest, check it, send everything again, check again."""
    outcome = run.outcome
    run.tell("coming to rest")
    await run.fleet.all_ready()
    await run.load.stop()
    run.move_clock(run.shift + SETTLED_AFTER)
    try:
        outcome.rest_seconds = round(await _rest(run), 2)
        before = await _verify(run)
        if redeliver and not outcome.violations and not await _is_stable(run, before):
            outcome.violations.append("I11 sending everything again changes something each time")
    except NoRest as error:
        outcome.violations.append(f"I16 {error}")
        await _verify(run, is_at_rest=False)
    if run.load.told.unanswered or run.fleet.given_up:
        outcome.violations.append(
            f"I16 {run.load.told.unanswered} complaints never answered; not ready again: {run.fleet.given_up}"
        )
    return outcome


async def _is_stable(run: Run, before: object) -> bool:
    """Whether sending everything again changes nothing. A deadline may pass meanwhile, but not each time."""
    run.journal.write("republish")
    for _ in range(REDELIVERIES):
        run.tell("sending everything again")
        await publish_everything_again(run.settings)
        await _rest(run)
        after = await _verify(run)
        if after == before:
            return True
        before = after
    return False


async def _rest(run: Run) -> float:
    return await come_to_rest(run.settings, now=run.now, within=REST_WITHIN)


async def _verify(run: Run, *, is_at_rest: bool = True) -> object:
    """Hold the system to its promises; what it holds. A deadline may pass while it is read: what is broken stays so."""
    found, system, journal = await _look(run)
    if found and is_at_rest:
        await _rest(run)
        again, system, journal = await _look(run)
        found = [one for one in found if one in again]
    outcome = run.outcome
    outcome.complaints, outcome.messages = len(system.complaints), len(system.messages)
    mails = [one.message for one in journal if one.op == "mail"]
    outcome.repeats = len(mails) - len(set(mails))
    outcome.violations += [f"{one.invariant} {one.text} [{one.subject}]" for one in found[:20]]
    if found:
        keep = (
            Path(tempfile.gettempdir()) / f"redress-chaos-{outcome.scenario}-{outcome.seed}.jsonl"
        )
        shutil.copy(run.journal.path, keep)
        outcome.notes.append(
            f"the journal is kept in {keep.name} in the folder for temporary files"
        )
    return state_of(system)


async def _look(run: Run) -> tuple[list[Violation], System, Sequence[Entry]]:
    journal = read_journal(run.journal.path)
    system = await read_system(run.settings, now=run.now)
    return await asyncio.to_thread(check, system, journal), system, journal
