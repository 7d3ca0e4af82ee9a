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
from chaos.rest import NoRest, come_to_rest, next_moment, publish_everything_again
from redress.verify.invariants import check, state_of
from redress.verify.journal import read_journal
from redress.verify.reading import read_system
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from chaos.scenarios import Job
    from redress.verify.model import Violation

REST_WITHIN = 120.0
"""Seconds in which something must have moved on."""
SETTLED_AFTER = timedelta(minutes=2)
"""Beyond the time after which an attempt without an end is made again, and one without an owner is acknowledged."""
SOON = timedelta(minutes=5)
PUT_OFF = 12
"""How often the clock is moved on to what is tried again within that time: some is tried for ever."""


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
    undisturbed: list[float] = field(default_factory=list)
    """How long the same took a moment before, with nothing ended: what the load alone costs."""
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
        return _middle(self.recoveries)

    @property
    def recovery_max(self) -> float | None:
        return round(max(self.recoveries), 2) if self.recoveries else None

    def document(self) -> dict[str, object]:
        lists = {"recoveries", "undisturbed"}
        kept = {name: value for name, value in asdict(self).items() if name not in lists}
        return kept | {
            "recovery_median": self.recovery_median,
            "recovery_max": self.recovery_max,
            "undisturbed_median": _middle(self.undisturbed),
        }


def _middle(seconds: list[float]) -> float | None:
    return round(median(seconds), 2) if seconds else None


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
    stands_at: datetime | None = None
    """Where the services' clock stands still, once it was stopped."""

    @property
    def now(self) -> datetime:
        """The services' clock."""
        return self.stands_at or datetime.now(UTC) + self.shift

    def move_clock(self, to: timedelta, *, skews: tuple[timedelta, ...] = ()) -> None:
        """Set how far the services' clock is from this machine's; `skews` add to single members'."""
        self.shift = to
        for at, file in enumerate(self.clocks):
            skew = skews[at] if at < len(skews) else timedelta()
            _write_whole(file, str((to + skew).total_seconds()))
        self.journal.write("clock", what=f"set to {to}")

    def stop_clock(self, at: datetime) -> None:
        """Have the services' clock stand still: no deadline passes any more."""
        self.stands_at = at
        for file in self.clocks:
            _write_whole(file, f"={at.timestamp()}")
        self.journal.write("clock", what=f"stopped at {at}")

    async def rest(self) -> float:
        """Wait until nothing is left to do; the seconds that took. The clock stands still from now on. Raises NoRest.

        It is moved on only to when something that was put off is tried again.
        """
        seconds = 0.0
        for _ in range(PUT_OFF):
            if self.stands_at is None:
                self.stop_clock(self.now)
            seconds += await come_to_rest(self.settings, now=self.now, within=REST_WITHIN)
            later = await next_moment(self.settings, until=self.now + SOON)
            if later is None:
                break
            self.stop_clock(later)
        return seconds

    async def served(self, *, count: int = 1) -> float:
        """Post some complaints and wait until each has its case; the seconds that took."""
        started = time.monotonic()
        await self.load.until_cases(await self.load.post(count))
        return time.monotonic() - started


def _write_whole(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(text)
    draft.replace(file)


@asynccontextmanager
async def running(
    job: Job,
    *,
    seed: int,
    rate: float,
    tell: Callable[[str], None],
    data: Path | None = None,
    mutant: str = "",
    is_fixed: bool = False,
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
        grounds = stack.enter_context(engines(job.engine, folder))
        clocks = [folder / f"clock-{at}" for at in range(job.processes)]
        members = [
            Member(
                f"replica-{at}",
                data,
                folder,
                {
                    **grounds.environment_of(f"replica-{at}" if is_fixed else None),
                    "REDRESS_SMTP": smtp,
                    "REDRESS_TEST_CLOCK": str(clocks[at]),
                    "REDRESS_LOG_LEVEL": "warning",
                    "MUTANT": mutant,
                },
            )
            for at in range(job.processes)
        ]
        fleet = Fleet(members, journal)
        load = Load(fleet, journal, rate=rate, seed=seed)
        settings = Settings(
            data=data,
            bus=grounds.environment.get("REDRESS_BUS", "embedded"),
            database=grounds.environment.get("REDRESS_DATABASE", "sqlite"),
        )
        outcome = Outcome(
            job.engine, job.scenario, seed, measured_on=datetime.now(UTC).date().isoformat()
        )
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
    run.stop_clock(run.now + SETTLED_AFTER)
    try:
        outcome.rest_seconds = round(await run.rest(), 2)
        before = await _verify(run)
        if redeliver and not outcome.violations:
            run.tell("sending everything again")
            run.journal.write("republish")
            await publish_everything_again(run.settings)
            await run.rest()
            if await _verify(run) != before:
                outcome.violations.append("I11 sending everything again changes something")
    except NoRest as error:
        outcome.violations.append(f"I16 {error}")
        await _verify(run)
    if run.load.told.unanswered or run.fleet.given_up:
        outcome.violations.append(
            f"I16 {run.load.told.unanswered} complaints never answered; not ready again: {run.fleet.given_up}"
        )
    return outcome


async def _verify(run: Run) -> object:
    """Hold the system to its promises; what it holds."""
    journal = read_journal(run.journal.path)
    system = await read_system(run.settings, now=run.now)
    found: list[Violation] = await asyncio.to_thread(check, system, journal)
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
