"""Notify's two ways out against the barest programs: webhooks against a loop of httpx, mails against aiosmtplib.

And whether an acknowledgement waits for a bulletin to very many that was there before it.

Both sides run in this process over SQLite and the embedded log; the receivers are processes of their own.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosmtplib
import httpx
import orjson
from sqlalchemy import insert

from bench import children
from bench.backlog import Template, complaint_of, number_of, publish_policy
from bench.consume import recording
from bench.model import Measure, percentile
from bench.plan import Bench, Plan
from bench.recording import Recording
from dev.process import LOOPBACK, free_ports
from redress import host
from services.notify.model import ACKNOWLEDGEMENT, Outgoing, Sent
from services.notify.sender import Deliverer, Sender, Spreader
from services.notify.sender.webhooks import AT_ONCE
from services.notify.store import FEED, FEED_COUNTER
from services.notify.store.bulletins import start_bulletin
from services.notify.usecases import webhooks
from shared.bus.open import open_bus
from shared.bus.port import Bus, Message
from shared.clock import SystemClock
from shared.ids import new_id
from shared.policy import watch_policy
from shared.settings import Settings

HOOKS_GATE: Final = 0.5
MAIL_GATE: Final = 3.0
BULLETIN_MS: Final = 5_000.0
RATE: Final = 20.0
"""Events a second, of which each is a mail."""
SMTP_MS: Final = 0.0
WARM_UP: Final = 20
HEAD_START: Final = 2.0
"""Seconds in which the bulletin is alone."""
PEOPLE: Final = 98
_COMPLAINANT: Final = re.compile(r'("complainant_id": ?")[^"]+')
MEMBERS_LIFE: Final = 99
"""Tells their complaints from those of the events."""
L = TypeVar("L")
_BODY: Final = "王女士，您好：\n\n给您带来不便，我们非常抱歉。\n" * 10


def steps(plan: Plan) -> int:
    return 2 + 4 * plan.rounds


async def measure(bench: Bench) -> list[Measure]:
    """Deliveries a second; and the middle time from an event to its mail's acceptance, at 20 a second."""
    recorded = Recording.read(await recording(bench))
    hooks: tuple[list[float], list[float]] = ([], [])
    mails: tuple[list[float], list[float]] = ([], [])
    for at in range(bench.plan.rounds):
        folder = bench.folder / "telling" / str(at)
        bench.step(f"webhooks: round {at + 1}, a loop of httpx")
        async with _receiver(folder / "receiver") as url:
            hooks[1].append(await _bare_posts(url, bench.plan.delivered_events))
            bench.step(f"webhooks: round {at + 1}, notify")
            hooks[0].append(await _deliveries(folder / "hooks", recorded, url, bench.plan))
        async with _provider(folder / "provider") as (vault, smtp):
            bench.step(f"mails: round {at + 1}, aiosmtplib alone")
            mails[1].append(await _bare_mails(smtp, bench.plan.told_events))
            bench.step(f"mails: round {at + 1}, from the event on")
            settings = {"services": vault, "smtp": f"smtp://{LOOPBACK}:{smtp}"}
            taken = await _events(folder / "mails", recorded, settings, bench.plan.told_events)
            mails[0].append(percentile(taken, 0.5))
    members, folder = bench.plan.bulletin_members, bench.folder / "telling" / "bulletin"
    bench.step(f"acknowledgements beside a bulletin to {members:,}")
    async with _provider(folder / "provider") as (vault, smtp):
        settings = {"services": vault, "smtp": f"smtp://{LOOPBACK}:{smtp}"}
        taken = await _events(
            folder / "mails", recorded, settings, bench.plan.told_events, members=members
        )
    return [
        Measure("webhooks_embedded", f"Webhook deliveries, {AT_ONCE} at once, SQLite", "1/s", "higher",
                tuple(hooks[0]), tuple(hooks[1]), target=HOOKS_GATE, gate=True,
                note="the floor posts the same events with httpx, as many at once"),
        Measure("event_to_mail", f"From an event to its mail's acceptance at {RATE:.0f}/s, p50", "ms", "lower",
                tuple(mails[0]), tuple(mails[1]), target=MAIL_GATE, gate=True,
                note="the floor is a mail sent by aiosmtplib at the same rate"),
        Measure("bulletin_p99", f"An acknowledgement beside a bulletin to {members:,}, p99", "ms", "lower",
                (percentile(taken, 0.99),), target=BULLETIN_MS, gate=True),
    ]  # fmt: skip


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Notify alone over a log that this process writes."""

    hosted: host.Hosted
    bus: Bus

    def loop(self, kind: type[L]) -> L:
        """The loop of this kind that notify built."""
        owners: list[Any] = [getattr(one, "__self__", None) for one in self.hosted.service.loops]
        return next(one for one in owners if isinstance(one, kind))

    async def lag(self) -> int:
        consumer = self.hosted.consumer
        return sum((await self.bus.lag(consumer.group, consumer.topics)).values())


@asynccontextmanager
async def _notify(folder: Path, recorded: Recording, **more: str) -> AsyncIterator[_Stage]:
    _make(folder)
    settings = Settings(data=folder, **more)  # type: ignore[arg-type] # settings by their names
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=True)
    async with open_bus(settings.bus, folder=folder) as bus:
        [hosted] = host.build(environment, ["notify"], bus)
        await host.migrate(environment, [hosted.service], bus)
        await publish_policy(bus, recorded)
        policy = asyncio.create_task(watch_policy(environment.policy, bus, environment.clock))
        while not environment.policy.is_ready:
            await environment.policy.changed.wait(0.1)
        try:
            yield _Stage(hosted, bus)
        finally:
            policy.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await policy
            await hosted.service.database.close()


def _life(recorded: Recording) -> tuple[list[Template], Template]:
    """The events of a recorded complaint up to the one that its acknowledgement follows from, and that one."""
    for life in recorded.lives:
        found: list[Template] = []
        for said in life.said:
            rows = said.costs.get("notify", {})
            event_id = orjson.loads(said.value)["id"]
            one = Template(said.topic, said.value, event_id, life.complaint, life.number, rows)
            planned = [(row["purpose"], row["letter"]) for row in rows.get("messages", ())]
            if (ACKNOWLEDGEMENT, ACKNOWLEDGEMENT) in planned:
                return found, one
            if rows:
                found.append(one)
    raise LookupError("no recorded complaint was acknowledged")


def _copy(template: Template, at: int) -> Message:
    """One more complaint's event, of another complainant: one person gets only so many messages a day."""
    id_ = complaint_of(at, 0)
    value = _COMPLAINANT.sub(rf"\g<1>{complaint_of(at, PEOPLE)}", template.value)
    value = value.replace(template.complaint, id_)
    value = value.replace(template.number, number_of(at)).replace(template.event_id, new_id())
    return Message(id_, value.encode())


@asynccontextmanager
async def _receiver(folder: Path) -> AsyncIterator[str]:
    [port] = free_ports(1)
    _make(folder)
    command = ["-m", "bench.subjects.receiver", "--port", str(port)]
    async with children.running(command, port=port, path="/ready", log=folder / "log"):
        yield f"http://{LOOPBACK}:{port}/hook"


@asynccontextmanager
async def _provider(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """A vault, by its address, and a mail server, by its port."""
    [port, mail_port] = free_ports(2)
    _make(folder)
    command = ["-m", "bench.subjects.provider", "--port", str(port), "--mail-port", str(mail_port)]
    command += ["--seconds", str(SMTP_MS / 1000)]
    async with children.running(command, port=port, path="/ready", log=folder / "log"):
        yield f"http://{LOOPBACK}:{port}", mail_port


async def _bare_posts(url: str, count: int) -> float:
    """Posts a second, as many at once as notify makes to one webhook."""
    body, left = orjson.dumps({"data": "x" * 1_500}), iter(range(count))

    async def work(client: httpx.AsyncClient) -> None:
        for _ in left:
            (await client.post(url, content=body)).raise_for_status()

    async with httpx.AsyncClient(trust_env=False) as client:
        started = time.perf_counter()
        await asyncio.gather(*(work(client) for _ in range(AT_ONCE)))
        return count / (time.perf_counter() - started)


async def _deliveries(folder: Path, recorded: Recording, url: str, plan: Plan) -> float:
    """Deliveries a second of a feed that is there: three events of each complaint."""
    allow = url.removeprefix("http://").partition("/")[0]
    async with _notify(folder, recorded, webhook_allow=allow) as stage:
        deliverer, database = stage.loop(Deliverer), stage.hosted.service.database
        root = stage.hosted.service.context.policy.root
        rows = [
            {
                "position": at + 1, "event_id": new_id(), "type": "redress.case.changed.v1", "unit": root,
                "subject": complaint_of(at // 3, 0), "number": number_of(at // 3),
                "event": orjson.dumps({"data": "x" * 1_500}).decode(),
            }
            for at in range(plan.delivered_events)
        ]  # fmt: skip

        async def fill(tx: webhooks.Tx) -> str:
            await tx.execute(insert(FEED), rows)
            await tx.execute(insert(FEED_COUNTER), [{"id": 1, "position": len(rows)}])
            return await webhooks.make_webhook(
                tx,
                unit=root,
                label="bench",
                url=url,
                wants=webhooks.Wanted(),
                position=0,
                by="bench",
            )

        await database.run(fill)
        [webhook] = await deliverer.active()
        started = time.perf_counter()
        made = await deliverer.deliver(webhook)
        seconds = time.perf_counter() - started
    if made != len(rows):
        raise RuntimeError(f"{made} deliveries were made of {len(rows)}")
    return made / seconds


async def _bare_mails(port: int, count: int) -> float:
    """The middle of the milliseconds that a mail takes, one after another at the rate."""
    taken = []
    for at in range(WARM_UP + count):
        due = time.perf_counter() + 1 / RATE
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", f"mail {at}"
        mail.set_content(_BODY)
        begun = time.perf_counter()
        await aiosmtplib.send(mail, hostname=LOOPBACK, port=port, local_hostname="bench")
        taken.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return percentile(taken[WARM_UP:], 0.5)


class _Timed:
    """The mail channel, which notes when each complaint's mail was accepted."""

    def __init__(self, channel: object) -> None:
        self._channel = channel
        self.name, self.traits = channel.name, channel.traits  # type: ignore[attr-defined]
        self.accepted: dict[str, float] = {}

    async def send(self, message: Outgoing) -> Sent:
        sent: Sent = await self._channel.send(message)  # type: ignore[attr-defined]
        # Staff are told of the same event.
        if sent.result == "accepted" and message.letter == ACKNOWLEDGEMENT:
            self.accepted.setdefault(message.number, time.perf_counter())
        return sent


class _Members(httpx.AsyncBaseTransport):
    """Followup's route of an incident's members, of whom there are very many."""

    def __init__(self, count: int, pack: tuple[str, str], unit: str) -> None:
        self._count = count
        self._same = {
            "unit": unit, "cycle": 1, "language": "zh", "pack": pack[0], "pack_version": pack[1],
        }  # fmt: skip

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("after", "0"))
        end = min(start + int(request.url.params["limit"]), self._count)
        items = [
            self._same
            | {"complaint": complaint_of(at, MEMBERS_LIFE), "number": number_of(at)}
            | {"complainant_id": new_id()}
            for at in range(start, end)
        ]
        following = str(end) if end < self._count else None
        return httpx.Response(200, json={"items": items, "next": following})


async def _begin_bulletin(stage: _Stage, members: int) -> asyncio.Task[None]:
    """Say a bulletin, and spread it; gives what does so."""
    spreader, notify = stage.loop(Spreader), stage.hosted.service
    policy = notify.context.policy
    pack = policy.in_force(policy.root, SystemClock().now())
    spreader._client = httpx.AsyncClient(  # noqa: SLF001 - followup's part is played here
        transport=_Members(members, pack, policy.root), base_url="http://followup"
    )
    values = {
        "id": new_id(), "incident": new_id(), "unit": policy.root, "letter": "bulletin", "is_danger": 0,
        "variables": {"what": {"zh": "正在抢修", "en": "being repaired"}},
    }  # fmt: skip
    await notify.database.run(lambda tx: start_bulletin(tx, values))
    task = asyncio.create_task(spreader.run())
    await asyncio.sleep(HEAD_START)
    return task


async def _events(
    folder: Path, recorded: Recording, settings: dict[str, str], count: int, *, members: int = 0
) -> list[float]:
    """The milliseconds from each event's append to its mail's acceptance, beside a bulletin to so many members."""
    before, cause = _life(recorded)
    async with _notify(folder, recorded, **settings) as stage:
        sender = stage.loop(Sender)
        channels: Any = sender._channels  # noqa: SLF001 - nothing else takes a channel in another's place
        timed = channels["email"] = _Timed(channels["email"])
        numbers = range(WARM_UP + count)
        for at in numbers:
            for template in before:
                await stage.bus.publish(template.topic, [_copy(template, at)])
        running = [asyncio.create_task(one) for one in (stage.hosted.consumer.run(), sender.run())]
        while await stage.lag():  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.05)
        if members:
            running.append(await _begin_bulletin(stage, members))
        published: dict[str, float] = {}
        for at in numbers:
            due = time.perf_counter() + 1 / RATE
            published[number_of(at)] = time.perf_counter()
            await stage.bus.publish(cause.topic, [_copy(cause, at)])
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        async with asyncio.timeout(30):
            while len(timed.accepted) < len(numbers):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await sender.stop()
    taken = [(timed.accepted[one] - published[one]) * 1000 for one in published]
    return taken[WARM_UP:]
