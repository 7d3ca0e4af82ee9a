"""What is done to a running system. Each scenario breaks things under load and leaves them healed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import tempfile
import time
from collections import defaultdict, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chaos.load import AT_ONCE
from chaos.poison import bad_records
from shared.bus.open import open_bus
from shared.bus.port import Message
from shared.contracts.catalogue import TOPICS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from random import Random

    from chaos.engines import Kind
    from chaos.fleet import Member
    from chaos.run import Run
    from shared.bus.port import Bus

POINTS: Final = (
    "intake.before_commit",
    "intake.complaints_written",
    "intake.attachment_written",
    "intake.after_commit",
    "relay.after_read",
    "relay.after_ack",
    "consumer.after_take",
    "consumer.in_transaction",
    "consumer.before_offsets",
    "routing.before_commit",
    "routing.after_commit",
    "followup.before_commit",
    "followup.after_commit",
    "notify.before_commit",
    "notify.after_commit",
    "notify.after_attempting",
    "notify.after_vault",
    "notify.in_call",
    "notify.after_sent",
    "notify.after_recorded",
    "timers.after_claim",
)
REACHED_WITHIN: Final = 30.0
"""Seconds from ready to a named point: leases and partitions of one who died are free after ten or so."""
LOOK_SECONDS: Final = 0.02
INTAKE_ALONE: Final = ("desk", "intake")
REBALANCES: Final = 3
FORWARD: Final = timedelta(minutes=7)
"""By so much the clock goes on from kill to kill, so that deadlines are missed."""


async def kill_at_points(run: Run, *, times: int) -> None:
    """Kill -9 at every named point, `times` each, in an order that the seed gives."""
    wanted = [point for point in POINTS for _ in range(times)]
    run.rng.shuffle(wanted)
    members = run.fleet.members
    shares = [(member, deque(wanted[at :: len(members)])) for at, member in enumerate(members)]
    async with asyncio.TaskGroup() as group:
        for member, share in shares:
            group.create_task(_end_at_each(run, member, share))
    await run.fleet.all_ready()
    run.outcome.recoveries += _down_for(run)


async def _end_at_each(run: Run, member: Member, points: deque[str]) -> None:
    """Have one process end at each of the points. One that is not reached in time comes again at the end, once."""
    again = {point: points.count(point) for point in points}

    def arm(point: str) -> None:
        run.fleet.arm(member, f"{point}:kill@{run.rng.randint(1, 4)}")

    # A fault is armed at the start of a process: the first one needs an end to begin with.
    arm(points[0])
    run.fleet.kill(member, "to arm the first fault")
    await _ended(run, member, since=run.fleet.ends_of(member), within=REACHED_WITHIN)
    while points:
        point, since = points.popleft(), run.fleet.ends_of(member)
        if points:
            arm(points[0])
        run.tell(f"{member.name}: {len(points)} to come after {point}")
        if point == "timers.after_claim":
            run.move_clock(run.shift + FORWARD)
        if await _ended(run, member, since=since, within=REACHED_WITHIN):
            run.outcome.did(point)
            continue
        run.outcome.did(f"{point} (not reached, killed)")
        if again[point]:
            again[point] -= 1
            if not points:
                arm(point)
            points.append(point)
        run.fleet.kill(member, f"{point} was not reached")
        await _ended(run, member, since=since, within=REACHED_WITHIN)


async def _ended(run: Run, member: Member, *, since: int, within: float) -> bool:
    """Wait until a process ended once more than `since`; whether it did within some seconds of being ready."""
    ready_at: float | None = None
    while run.fleet.ends_of(member) == since:
        if ready_at is None and member.is_ready:
            ready_at = time.monotonic()
        if ready_at is not None and time.monotonic() - ready_at > within:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def kill_at_random(run: Run, *, times: int) -> None:
    """Kill -9 a process at any moment, some seconds apart."""
    for done in range(times):
        member = run.rng.choice(run.fleet.members)
        while not member.is_ready:
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(run.rng.uniform(0.3, 2.0))
        run.tell(f"kill {done + 1}/{times}")
        if done % 10 == 0:
            run.move_clock(run.shift + FORWARD)
        run.fleet.kill(member, "at random")
        run.outcome.did("kill -9")
    await run.fleet.all_ready()
    run.outcome.recoveries += _down_for(run)


def _down_for(run: Run) -> list[float]:
    """How long each end lasted since this was asked last."""
    found = [one for member in run.fleet.members for one in member.down_for]
    for member in run.fleet.members:
        member.down_for.clear()
    return found


async def leave_alone(run: Run, *, times: int) -> None:
    """Do nothing for so many seconds: without a fault, nothing has an excuse."""
    run.tell(f"left alone for {times} s")
    await asyncio.sleep(times)


async def freeze(run: Run, *, times: int) -> None:
    """Stop a process for so long that others take its leases and partitions, then let it go on."""
    is_alone = len(run.fleet.members) == 1
    for done in range(times):
        member = run.rng.choice(run.fleet.members)
        seconds = run.rng.uniform(2, 5) if is_alone else run.rng.uniform(11, 20)
        run.tell(f"freeze {done + 1}/{times} for {seconds:.0f} s")
        run.journal.write("fault", what=f"SIGSTOP {member.name}")
        member.signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        member.signal(signal.SIGCONT)
        run.journal.write("fault", what=f"SIGCONT {member.name}")
        run.outcome.did("freeze")
        await asyncio.sleep(run.rng.uniform(0.5, 3))


async def bounce_broker(run: Run, *, times: int) -> None:
    """Kill the broker, start it again after some seconds."""
    broker = run.engines.grown.broker
    await _bounce(run, times, "broker", broker.kill9, broker.start, down=(0.5, 8))


async def bounce_database(run: Run, *, times: int) -> None:
    """End PostgreSQL without a checkpoint or as a power cut would, start it again after some seconds."""
    postgres = run.engines.grown.postgres

    def end() -> None:
        run.rng.choice((postgres.stop_immediately, postgres.kill9))()

    await _bounce(run, times, "database", end, postgres.start, down=(0.2, 6))


async def _bounce(
    run: Run,
    times: int,
    what: str,
    end: Callable[[], None],
    start: Callable[[], None],
    *,
    down: tuple[float, float],
) -> None:
    for done in range(times):
        run.tell(f"{what} bounce {done + 1}/{times}")
        run.journal.write("fault", what=f"{what} killed")
        await asyncio.to_thread(end)
        await asyncio.sleep(run.rng.uniform(*down))
        await asyncio.to_thread(start)
        run.journal.write("fault", what=f"{what} is back")
        run.outcome.recoveries.append(await run.served())
        run.outcome.did(f"{what} bounce")
        await asyncio.sleep(run.rng.uniform(0.5, 2))


async def jump_clocks(run: Run, *, times: int) -> None:
    """Set the services' clocks an hour and a day forth and back, and apart from each other."""
    hour, day, skew = timedelta(hours=1), timedelta(days=1), timedelta(seconds=90)
    jumps: Iterator[tuple[timedelta, tuple[timedelta, ...]]] = iter(
        [
            (one, skews)
            for skews in ((), (skew, -skew))
            for one in (hour, -hour, timedelta(), day, -day, timedelta())
        ]
    )
    for done, (to, skews) in enumerate(islice(jumps, times)):
        run.tell(f"clock {done + 1}/{times}: {to}")
        run.move_clock(to, skews=skews)
        run.outcome.did("clock jump")
        await asyncio.sleep(run.rng.uniform(2, 4))
    # Back to a common time that is not before any deadline that was seen to pass.
    run.move_clock(timedelta())


async def churn(run: Run, *, times: int) -> None:
    """Have members leave in an orderly way and join again, every few seconds."""
    for done in range(times):
        member = run.fleet.members[done % len(run.fleet.members)]
        while not member.is_ready:
            await asyncio.sleep(LOOK_SECONDS)
        run.tell(f"churn {done + 1}/{times}")
        run.fleet.end(member)
        run.outcome.did("orderly stop")
        await asyncio.sleep(3)
    await run.fleet.all_ready()


async def catch_up(run: Run, *, times: int) -> None:
    """Let so many complaints wait for consumers that are not there; while they catch up, members leave and join."""
    await run.load.pause()
    await _host(run, INTAKE_ALONE)
    while len(run.load.told.numbers) < times:
        await run.load.post(min(AT_ONCE, times))
        run.tell(f"{len(run.load.told.numbers):,} complaints wait")
    await _host(run, ())
    run.outcome.did("cold start with a backlog")
    started = time.monotonic()
    await churn(run, times=REBALANCES if len(run.fleet.members) > 1 else 0)
    await run.rest()
    run.outcome.recoveries.append(time.monotonic() - started)


async def _host(run: Run, services: Sequence[str]) -> None:
    """Have every process host these services from now on; none means all."""
    async with run.fleet.down():
        for member in run.fleet.members:
            member.services = services


async def fill_disk(run: Run, *, times: int) -> None:
    """Fill the data folder's disk to the last byte, then make room again."""
    ballast = run.settings.data / "ballast"
    for done in range(times):
        run.tell(f"disk full {done + 1}/{times}")
        run.journal.write("fault", what="disk full")
        await asyncio.to_thread(_fill, ballast)
        await asyncio.sleep(run.rng.uniform(2, 4))
        ballast.unlink()
        run.journal.write("fault", what="disk has room")
        run.outcome.recoveries.append(await run.served())
        run.outcome.did("disk full")


def _fill(ballast: Path) -> None:
    # Unbuffered: what does not fit any more must not wait for the file's end, where it would fail again.
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass


async def poison(run: Run, *, times: int) -> None:
    """Put records into the log that no consumer can apply, on keys of their own."""
    await run.load.pause()
    async with (
        run.fleet.down(),
        open_bus(run.settings.bus_address, folder=run.settings.data) as bus,
    ):
        for done in range(times):
            for kind, (topic, value) in bad_records(f"poison-{done}").items():
                key = f"poison-{done}-{kind}"
                run.journal.write("poison", subject=key)
                await bus.publish(topic, [Message(key, value)])
                run.outcome.did(kind)
    run.load.start()
    run.outcome.recoveries.append(await run.served(count=24))


async def storm(run: Run, *, times: int) -> None:
    """Deliver everything in the log again, in the order of each key and otherwise shuffled, so many records in all."""
    await asyncio.sleep(20)
    await run.load.pause()
    await run.rest()
    async with (
        run.fleet.down(),
        open_bus(run.settings.bus_address, folder=run.settings.data) as bus,
    ):
        topics = [topic for topic in TOPICS.values() if topic != TOPICS["desk"]]
        kept = {topic: await _all_records(bus, topic) for topic in topics}
        run.journal.write("republish")
        while run.outcome.faults < times:
            for topic, records in kept.items():
                again = shuffled_within_keys(records, run.rng)
                for start in range(0, len(again), 500):
                    await bus.publish(topic, again[start : start + 500])
                run.outcome.faults += len(again)
            run.tell(f"{run.outcome.faults:,} records again")
    started = time.monotonic()
    await run.rest()
    run.outcome.recoveries.append(time.monotonic() - started)


async def _all_records(bus: Bus, topic: str) -> list[Message]:
    found: list[Message] = []
    async with bus.read(topic) as reader:
        while not reader.caught_up:
            records = await reader.read(wait=timedelta(seconds=2))
            found += [Message(one.key, one.value) for one in records]
    return found


def shuffled_within_keys(records: Sequence[Message], rng: Random) -> list[Message]:
    """The same records in another order, yet each key's in its own."""
    keys = [one.key for one in records]
    rng.shuffle(keys)
    by_key: dict[str, deque[Message]] = defaultdict(deque)
    for one in records:
        by_key[one.key].append(one)
    return [by_key[key].popleft() for key in keys]


async def hang_links(run: Run, *, times: int) -> None:
    """Leave the links to the broker or the database half-open for a while, by turns."""
    for done in range(times):
        grown = run.engines.grown
        what, link = (("broker", grown.broker_link), ("database", grown.postgres_link))[done % 2]
        run.tell(f"half-open {done + 1}/{times}: {what}")
        run.journal.write("fault", what=f"the link to the {what} hangs")
        link.hang()
        await asyncio.sleep(run.rng.uniform(8, 25))
        link.heal()
        run.journal.write("fault", what=f"the link to the {what} is healed")
        run.outcome.recoveries.append(await run.served())
        run.outcome.did(f"half-open link to the {what}")


async def hand_over(run: Run, *, times: int) -> None:
    """End one of the replicas in an orderly way; how soon the others serve everything."""
    await _replace(run, times, run.fleet.end, "orderly stop")


async def take_over(run: Run, *, times: int) -> None:
    """Kill one of the replicas; how soon the others serve everything."""
    await _replace(run, times, lambda member: run.fleet.kill(member, "takeover"), "kill -9")


async def _replace(run: Run, times: int, end: Callable[[Member], None], kind: str) -> None:
    for done in range(times):
        await run.fleet.all_ready()
        # Let the group settle after the last member joined.
        await run.served(count=24)
        run.outcome.undisturbed.append(await run.served(count=24))
        run.tell(f"{kind} {done + 1}/{times}")
        async with run.fleet.without(run.rng.choice(run.fleet.members), end):
            run.outcome.recoveries.append(await run.served(count=24))
        run.outcome.did(kind)
    await run.fleet.all_ready()


def in_turn(*steps: tuple[Scenario, int]) -> Callable[..., Awaitable[None]]:
    """Several on one system, each so often: starting and judging takes longer than a few faults."""

    async def do(run: Run, *, times: int) -> None:
        for scenario, share in steps:
            await scenario.do(run, times=share * times)

    return do


@asynccontextmanager
async def any_disk() -> AsyncIterator[Path | None]:
    """No disk of its own."""
    yield None


@asynccontextmanager
async def small_disk() -> AsyncIterator[Path | None]:
    """A disk of its own in memory, to be filled; large enough for what the load leaves. Needs root."""
    folder = Path(tempfile.mkdtemp(prefix="redress-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)]
    await asyncio.to_thread(subprocess.run, mount, check=True)
    try:
        yield folder
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "-l", str(folder)], check=True)
        await asyncio.to_thread(folder.rmdir)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done, and the disk that it is done on."""

    do: Callable[..., Awaitable[None]]
    ground: Callable[[], AbstractAsyncContextManager[Path | None]] = any_disk
    is_fixed: bool = False
    """Whether processes keep their places in Kafka's groups over a restart (static membership)."""


_EACH: Final = {
    # A point within a consumer is reached by who has partitions: with dynamic members, seldom before the next end.
    "points": Scenario(kill_at_points, is_fixed=True),
    "random": Scenario(kill_at_random),
    "calm": Scenario(leave_alone),
    "freeze": Scenario(freeze),
    "broker": Scenario(bounce_broker),
    "database": Scenario(bounce_database),
    "clocks": Scenario(jump_clocks),
    "churn": Scenario(churn),
    "catchup": Scenario(catch_up),
    "disk": Scenario(fill_disk, small_disk),
    "poison": Scenario(poison),
    "storm": Scenario(storm),
    "links": Scenario(hang_links),
    "handover": Scenario(hand_over),
    "takeover": Scenario(take_over),
}
SCENARIOS: Final[Mapping[str, Scenario]] = _EACH | {
    "smoke-embedded": Scenario(
        in_turn((_EACH["points"], 1), (_EACH["random"], 12), (_EACH["poison"], 1))
    ),
    "smoke-grown": Scenario(
        in_turn((_EACH["random"], 10), (_EACH["broker"], 2), (_EACH["database"], 1))
    ),
}


@dataclass(frozen=True, slots=True)
class Job:
    """A scenario to be run, `times` as the scenario counts."""

    engine: Kind
    scenario: str
    times: int
    replicas: int | None = None
    rate: float | None = None
    """Complaints a second, where that matters to what is measured."""

    @property
    def processes(self) -> int:
        """How many processes it runs with."""
        return self.replicas or (1 if self.engine == "embedded" else 2)

    def part(self, part: int, parts: int) -> Job:
        """The share of one of several slices; together they are the whole."""
        return replace(
            self, times=(self.times * part) // parts - (self.times * (part - 1)) // parts
        )


FULL: Final = (
    Job("embedded", "points", 8),
    Job("embedded", "random", 200),
    Job("embedded", "freeze", 20),
    Job("embedded", "clocks", 12),
    Job("embedded", "disk", 10),
    Job("embedded", "poison", 10),
    Job("embedded", "storm", 100_000),
    Job("embedded", "catchup", 2_000),
    Job("grown", "points", 8),
    Job("grown", "random", 200),
    Job("grown", "freeze", 20),
    Job("grown", "broker", 20),
    Job("grown", "database", 20),
    Job("grown", "clocks", 12),
    Job("grown", "links", 8),
    Job("grown", "poison", 10),
    Job("grown", "churn", 40, replicas=3),
    Job("grown", "catchup", 2_000, replicas=3),
    # How soon others take over, not how soon they work off what came meanwhile.
    Job("grown", "handover", 5, replicas=2, rate=10),
    Job("grown", "takeover", 5, replicas=2, rate=10),
    Job("grown", "takeover", 3, replicas=3, rate=10),
)
CATCHING: Final[Mapping[str, Job]] = {
    "no-progress": Job("embedded", "random", 10),
    "offsets-first": Job("embedded", "random", 40),
    "relay-by-id": Job("grown", "random", 10, replicas=3, rate=60),
    "outbox-apart": Job("embedded", "points", 1),
    "messages-without-key": Job("embedded", "random", 3),
    "no-lease": Job("grown", "calm", 20),
}
"""Mutant → the run that must notice it, within 60 kills."""
SMOKE: Final = (Job("embedded", "smoke-embedded", 1), Job("grown", "smoke-grown", 1))
