"""Followup alone, over a fresh database: a test says what it hears, what time it is, and asks over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import httpx
from sqlalchemy import select

from redress.host import make_environment
from services.followup.service import build
from services.followup.store import FRAME
from shared.bus.consume import Consumer
from shared.bus.port import Bus, Record, Slot
from shared.clock import FixedClock
from shared.contracts.catalogue import BY_TYPE, TOPICS
from shared.contracts.desk import (
    PolicyAccount,
    PolicyInForce,
    PolicyKey,
    PolicyPack,
    PolicySeeded,
    PolicyUnit,
    Role,
)
from shared.contracts.envelope import (
    PREFIX,
    Body,
    Event,
    encode,
    read_event,
    read_header,
    source_name,
)
from shared.contracts.intake import ComplaintReceived
from shared.contracts.notify import MessageAccepted
from shared.contracts.routing import ComplaintAssigned, ComplaintUnderstood
from shared.contracts.values import Category
from shared.ids import code_digest, new_id, new_number
from shared.packs.load import read_chain, shipped_folder
from shared.packs.wire import WirePack, chain_to_wire
from shared.settings import Settings
from shared.store.migrate import upgrade
from shared.store.timers import Timers
from shared.web.app import Gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.followup.usecases.record import Followup
    from shared.service import Environment, Service

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
CODE = "AAAA-BBBB-CCCC-DDDD"
KEY_SECRET = "secret"
UNITS = {"root": None, "north": "root", "south": "root"}
KEYS = {
    "root": ("root", ("followup:read", "followup:write")),
    "north": ("north", ("followup:read", "followup:write")),
    "south": ("south", ("followup:read", "followup:write")),
    "reader": ("root", ("followup:read",)),
    "stranger": ("root", ("intake:write",)),
}
STAFF: dict[str, Role] = {
    "an": "handler",
    "bo": "handler",
    "cai": "caller",
    "su": "supervisor",
    "au": "auditor",
}


@dataclass(repr=False)
class Bench:
    """Followup under test."""

    environment: Environment
    service: Service[Followup]
    consumer: Consumer[Followup]
    timers: Timers[Followup]
    client: httpx.AsyncClient
    clock: FixedClock
    sequences: dict[tuple[str, str], int] = field(default_factory=dict)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text("Bench()")

    def event(self, body: Body, *, subject: str, unit: str = "root") -> Event[Any]:
        """The next event of its source about the subject, said now."""
        key = (body.source, subject)
        self.sequences[key] = self.sequences.get(key, 0) + 1
        return Event(
            id=new_id(),
            source=source_name(body.source),
            type=PREFIX + body.name,
            subject=subject,
            sequence=self.sequences[key],
            unit=unit,
            time=self.clock.now(),
            body=body,
        )

    async def hear(self, *events: Event[Any]) -> None:
        """Deliver events in this order."""
        records = [
            Record(Slot(TOPICS[event.body.source], 0), at, event.subject, encode(event))
            for at, event in enumerate(events)
        ]
        await self.consumer.apply(records)

    async def tell(self, body: Body, *, subject: str, unit: str = "root") -> None:
        await self.hear(self.event(body, subject=subject, unit=unit))

    async def receive(self, *, unit: str = "root", **more: object) -> tuple[str, str]:
        """A complaint arrives; gives its id and number."""
        subject, body = new_id(), received(self.clock.now(), **more)
        await self.tell(body, subject=subject, unit=unit)
        return subject, body.number

    async def assigned(self, *, unit: str = "root", **more: object) -> tuple[str, str]:
        """A complaint that was received, understood, assigned to `an` and acknowledged."""
        severity = str(more.pop("severity", "normal"))
        kind = str(more.pop("kind", "complaint"))
        subject, number = await self.receive(unit=unit, **more)
        now = self.clock.now()
        await self.tell(
            understood(number, now, severity=severity, kind=kind), subject=subject, unit=unit
        )
        await self.tell(assigned(number, now), subject=subject, unit=unit)
        await self.tell(acknowledged(number, now), subject=subject, unit=unit)
        return subject, number

    async def advance(self, by: timedelta) -> None:
        """Move the clock, then fire what is due, until nothing is."""
        self.clock.advance(by)
        while await self.timers.fire_due():
            pass

    async def said(self, subject: str, kind: type[Body] | None = None) -> list[Any]:
        """The bodies of what was said about a subject, in order."""
        table = FRAME.outbox
        async with self.service.database.reading() as connection:
            query = select(table.c.event).where(table.c.subject == subject).order_by(table.c.id)
            values = [row.event for row in await connection.execute(query)]
        headers = [read_header(value.encode()) for value in values]
        assert [header.sequence for header in headers] == list(range(1, len(headers) + 1))
        bodies = [read_event(header, BY_TYPE[header.type]).body for header in headers]
        return [body for body in bodies if kind is None or isinstance(body, kind)]

    def as_key(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer rk_{name}_{KEY_SECRET}"}

    def as_staff(self, name: str) -> dict[str, str]:
        token = self.environment.guard.staff_token(self.environment.policy.accounts[name])
        return {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/followup/v1{path}", headers=self.as_key("root") | headers)

    async def case(self, number: str) -> dict[str, Any]:
        answer = await self.get(f"/cases/{number}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
        found: dict[str, Any] = answer.json()
        return found

    async def clock_of(self, number: str, name: str) -> dict[str, Any]:
        return next(one for one in (await self.case(number))["clocks"] if one["name"] == name)

    async def command(
        self, number: str, name: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """Issue a command; any version and the root key unless headers say otherwise."""
        path = f"/followup/v1/cases/{number}/commands/{name}"
        sent = self.as_key("root") | {"If-Match": "*"} | headers
        return await self.client.post(path, json=body if body is not None else {}, headers=sent)

    async def do(
        self, number: str, name: str, body: object = None, **headers: str
    ) -> dict[str, Any]:
        """A command that must succeed; gives the case."""
        answer = await self.command(number, name, body, **headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def resolved(self, number: str, **more: object) -> dict[str, Any]:
        """Accept, contact and resolve."""
        await self.do(number, "accept")
        await self.do(number, "contact", {"restated": True})
        return await self.do(number, "resolve", resolution(self.clock.now()) | more)


def resolution(now: datetime) -> dict[str, object]:
    return {
        "outcome": "upheld",
        "reason": "空调确有故障",
        "remedy": "已维修",
        "told_at": now.isoformat(),
    }


def received(at: datetime, **more: object) -> ComplaintReceived:
    values = {
        "number": new_number(),
        "code_sha256": code_digest(CODE),
        "channel": "web",
        "language": "zh",
        "text": "空调坏了，没人来修",
        "received_at": at,
        "complainant_id": "c1",
        "pack": "generic",
        "pack_version": pack_version(),
    }
    return ComplaintReceived.model_validate(values | more)


def understood(
    number: str, at: datetime, *, severity: str = "normal", kind: str = "complaint", **more: object
) -> ComplaintUnderstood:
    values = {
        "number": number,
        "kind": kind,
        "categories": (Category(code="GEN-SVC", score=0.9),),
        "severity": severity,
        "urgency": "standard",
        "unsure": False,
        "pack": "generic",
        "pack_version": pack_version(),
        "model": "rules",
        "understood_at": at,
    }
    return ComplaintUnderstood.model_validate(values | more)


def assigned(
    number: str, at: datetime, *, cycle: int = 1, handler: str = "an"
) -> ComplaintAssigned:
    return ComplaintAssigned(
        number=number, cycle=cycle, team="service", handler=handler, assigned_at=at
    )


def acknowledged(number: str, at: datetime, **more: object) -> MessageAccepted:
    values = {
        "number": number,
        "cycle": 1,
        "message_id": "m1",
        "template": "acknowledgement",
        "channel": "email",
        "recipient": "complainant",
        "attempt": 1,
        "at": at,
    }
    return MessageAccepted.model_validate(values | more)


@cache
def wires() -> tuple[WirePack, ...]:
    return tuple(chain_to_wire(read_chain(shipped_folder(), "generic")))


def pack_version() -> str:
    return wires()[-1].ref.partition("@")[2]


def policy_events(now: datetime) -> list[Event[Any]]:
    """What desk would have said: two units below the root, keys and staff, the generic pack in force."""
    bodies: list[tuple[str, Body]] = [
        (f"unit/{unit}", PolicyUnit(id=unit, parent=parent, title_zh=unit, title_en=unit))
        for unit, parent in UNITS.items()
    ]
    digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of KEY_SECRET
    for key, (unit, scopes) in KEYS.items():
        made = PolicyKey(
            id=key, secret_sha256=digest, label=key, scopes=scopes, unit=unit, created_at=now
        )
        bodies.append((f"key/{key}", made))
    for id_, role in STAFF.items():
        account = PolicyAccount(id=id_, login=id_, display=id_, role=role, unit="root")
        bodies.append((f"account/{id_}", account))
    for wire in wires():
        pack, _, version = wire.ref.partition("@")
        body = PolicyPack(pack=pack, version=version, inherits=wire.inherits, body=wire.body)
        bodies.append((f"pack/{wire.ref}", body))
    in_force = PolicyInForce(unit="root", pack="generic", version=pack_version(), since=now)
    bodies += [("in-force/root", in_force), ("seeded", PolicySeeded(at=now))]
    return [
        Event(new_id(), source_name("desk"), PREFIX + body.name, subject, 1, "root", now, body)
        for subject, body in bodies
    ]


@asynccontextmanager
async def open_bench(
    folder: Path, *, database: str = "sqlite", at: datetime = MONDAY
) -> AsyncIterator[Bench]:
    """Build followup over a database, migrated; the policy is there. Twice over one database: two replicas."""
    clock = FixedClock(at)
    settings = Settings.model_validate({"data": folder, "database": database})
    environment = make_environment(settings, clock=clock, is_whole=True)
    for event in policy_events(at):
        environment.policy.apply(event)
    environment.policy.caught_up(environment.clock.now())
    service = build(environment)
    await upgrade(settings.database_url("followup"), service.migrations)
    none = cast("Bus", None)  # what is heard is handed in directly
    consumer = Consumer(
        database=service.database,
        bus=none,
        subscriptions=service.subscriptions,
        context=service.context,
        metrics=environment.metrics,
    )
    timers = Timers(
        database=service.database,
        handlers=service.timers,
        context=service.context,
        metrics=environment.metrics,
    )
    gateway = Gateway([service], metrics=environment.metrics, readiness={})
    async with AsyncExitStack() as stack:
        stack.push_async_callback(service.database.close)
        transport = httpx.ASGITransport(gateway)
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://redress.test")
        )
        yield Bench(environment, service, consumer, timers, client, clock)
