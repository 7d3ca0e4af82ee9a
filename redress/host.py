"""The composition root: builds the services that a process hosts and runs all their loops behind one port.

Nothing is restarted inside: an error that escapes a loop ends the process. Work is durable, the supervisor restarts it.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import uvicorn

from services.desk.service import build as desk
from services.followup.service import build as followup
from services.intake.service import build as intake
from services.notify.service import build as notify
from services.routing.service import build as routing
from shared import telemetry
from shared.bus.consume import Consumer
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.bus.topics import ALL
from shared.clock import Clock, SystemClock
from shared.collector import calm_collector
from shared.contracts.catalogue import TOPICS
from shared.errors import Transient
from shared.operate import Operations
from shared.policy import Policy, watch_policy
from shared.rebuild import Rebuilder
from shared.service import AnyService, Builder, Environment
from shared.settings import Settings, SettingsError, load_secrets
from shared.store import holds, parked
from shared.store.copy import is_half_restored
from shared.store.listen import listen
from shared.store.migrate import is_current, upgrade
from shared.store.relay import Relay, prune, waiting_count
from shared.store.signal import Signal
from shared.store.timers import Timers
from shared.telemetry import Metrics
from shared.web.app import PACKS, Gateway, is_down
from shared.web.credentials import Guard
from shared.web.elsewhere import elsewhere
from shared.web.operations import operation_routes

BUILDERS: Final[Mapping[str, Builder]] = {
    "desk": desk,
    "intake": intake,
    "routing": routing,
    "followup": followup,
    "notify": notify,
}
STUCK_SECONDS: Final = 30.0
PRUNE_SECONDS: Final = 3600.0
COUNT_SECONDS: Final = 5.0
FIGURE_SECONDS: Final = 15.0
COUNTED: Final = 100_000
"""Queues are counted no further."""
SKEW_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
"""How long a stop waits for what is under way: a mail server may take 15 s to answer."""

log = telemetry.logger("host")


class NotMigrated(SettingsError):
    """A database is not as this release needs it; the message says which command mends it."""


def chosen(names: Sequence[str]) -> list[str]:
    """The services asked for, all when none is named. Raises SettingsError for an unknown one."""
    unknown = sorted(set(names) - BUILDERS.keys())
    if unknown:
        raise SettingsError(
            f"unknown service: {', '.join(unknown)}; there are {', '.join(BUILDERS)}."
        )
    return list(names) or list(BUILDERS)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A service with what runs it."""

    service: AnyService
    relay: Relay
    consumer: Consumer[object]
    timers: Timers[object]
    rebuilder: Rebuilder[object]
    operations: Operations

    async def not_ready(self) -> Mapping[str, str | None]:
        """What keeps it from being ready."""
        found: dict[str, str | None] = {"database": None, "progress": None}
        try:
            await self.service.database.ping()
            if count := await parked.count(self.service.database):
                # Parked keys wait for a person; the service itself goes on.
                log.warning("keys are parked", service=self.service.name, keys=count)
        except Transient as error:
            found["database"] = str(error)
        stuck = self.consumer.stuck_since
        if stuck is not None and asyncio.get_running_loop().time() - stuck > STUCK_SECONDS:
            found["progress"] = "nothing was applied for 30 s: the database or the log is away"
        return found


def make_environment(settings: Settings, *, clock: Clock, is_whole: bool) -> Environment:
    """What every service of this process is given. Secrets are made only where all services share the process."""
    secrets, policy = load_secrets(settings, make=is_whole), Policy()
    guard = Guard(policy=policy, secrets=secrets, clock=clock)
    return Environment(settings, secrets, clock, policy, Metrics(), guard)


def build(environment: Environment, names: Sequence[str], bus: Bus) -> list[Hosted]:
    """The services, each with its relay, consumer and timers; nothing runs yet."""
    return [_hosted(BUILDERS[name](environment), environment, bus) for name in names]


def _hosted(service: AnyService, environment: Environment, bus: Bus) -> Hosted:
    database, metrics = service.database, environment.metrics
    consumer = Consumer(
        database=database,
        bus=bus,
        subscriptions=service.subscriptions,
        context=service.context,
        metrics=metrics,
        remember=service.remember,
        can_be_held=bool(service.read_models),
        lanes=service.lanes,
        in_order=service.in_order,
    )
    timers = Timers(
        database=database,
        handlers=service.timers,
        context=service.context,
        metrics=metrics,
        remember=service.remember,
    )
    rebuilder = Rebuilder(
        database=database, bus=bus, models=service.read_models, context=service.context
    )
    operations = Operations(service, consumer=consumer, timers=timers, rebuilder=rebuilder, bus=bus)
    service.router.include_router(
        operation_routes(operations, environment.guard, environment.policy)
    )
    relay = Relay(database, bus, topic=TOPICS[service.name], metrics=metrics)
    return Hosted(service, relay, consumer, timers, rebuilder, operations)


async def migrate(environment: Environment, services: Sequence[AnyService], bus: Bus) -> None:
    """Create the topics and bring each database to the newest version; then the first-run rows."""
    await bus.create_topics(ALL)
    for service in services:
        if await upgrade(environment.settings.database_url(service.name), service.migrations):
            log.info("migrated", service=service.name)
        await _must_be_restored(service)
        if service.on_migrated is not None:
            await service.on_migrated()


async def up(
    settings: Settings,
    names: Sequence[str],
    *,
    with_migrations: bool,
    clock: Clock | None = None,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Run the services until SIGTERM or SIGINT. `on_ready` gets the address once everything answers."""
    names = chosen(names)
    is_whole = set(names) == BUILDERS.keys()
    system = clock or SystemClock()
    async with AsyncExitStack() as stack:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        listener = _listen(settings)
        stack.callback(listener.close)
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        environment = make_environment(settings, clock=system, is_whole=is_whole)
        bus = await stack.enter_async_context(open_bus(settings.bus_address, folder=settings.data))
        hosted = build(environment, names, bus)
        for one in hosted:
            stack.push_async_callback(one.service.database.close)
        if with_migrations:
            await migrate(environment, [one.service for one in hosted], bus)
        else:
            await _must_be_current(environment, [one.service for one in hosted])
        await _run(environment, hosted, bus, listener, on_ready)


async def _run(
    environment: Environment,
    hosted: Sequence[Hosted],
    bus: Bus,
    listener: socket.socket,
    on_ready: Callable[[str], None],
) -> None:
    readiness = {one.service.name: _readiness(one, environment) for one in hosted}
    if "desk" in readiness and environment.settings.services:
        readiness |= elsewhere(environment.settings, BUILDERS.keys() - readiness.keys())
    gateway = Gateway(
        [one.service for one in hosted], metrics=environment.metrics, readiness=readiness
    )
    server = _Server(
        uvicorn.Config(
            gateway, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=10,
            h11_max_incomplete_event_size=16_384, proxy_headers=False,  # nothing asks for addresses of clients
        )
    )  # fmt: skip
    loops = [
        asyncio.create_task(_named(name, loop)) for name, loop in _loops(environment, hosted, bus)
    ]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(_tell_when_ready(environment, server, on_ready))
    try:
        with _stopping_on_signals(server, gateway, environment.stopping):
            await asyncio.wait([*loops, serving], return_when=asyncio.FIRST_COMPLETED)
        gateway.is_stopping = True
        environment.stopping.set()
        server.should_exit = True
        await serving
        failed = next((task for task in loops if task.done() and not task.cancelled()), None)
        if failed is not None:
            failed.result()
    finally:
        ready.cancel()
        await _end([*loops, ready, serving])
        for one in hosted:
            await _hand_over(one)


async def _end(tasks: Sequence[asyncio.Task[object]]) -> None:
    """Cancel until all have ended: a library may lose a cancellation (Python 3.11's wait_for does)."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=1)


async def _hand_over(one: Hosted) -> None:
    """End what is under way, send what is already committed, then let another relay go on at once."""
    if one.service.on_stopped is not None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await one.service.on_stopped()
        except (Transient, TimeoutError):
            log.warning("work under way was left", service=one.service.name)
    try:
        async with asyncio.timeout(5):
            await one.relay.drain()
    except (Transient, TimeoutError):
        log.warning("events left for the next start", service=one.service.name)
    await one.relay.stop()


def _loops(
    environment: Environment, hosted: Sequence[Hosted], bus: Bus
) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    for one in hosted:
        yield f"{one.service.name} holds", partial(holds.watch, one.service.database)
    yield "policy", partial(watch_policy, environment.policy, bus, environment.clock)
    yield "loop lag", partial(_watch_loop, environment.metrics)
    for one in hosted:
        name = one.service.name
        yield f"{name} relay", one.relay.run
        if bus.features.many_processes and not one.service.database.is_sqlite:
            url = environment.settings.database_url(name)
            yield f"{name} listen", partial(listen, one.service.database, url)
        yield f"{name} queues", partial(_watch_queues, one, environment.metrics)
        yield f"{name} figures", partial(_watch_figures, one, environment)
        yield f"{name} prune", partial(_prune, one)
        yield f"{name} timers", partial(_after_policy, environment.policy, one.timers.run)
        if one.service.subscriptions:
            yield (
                f"{name} consumer",
                partial(_after_policy, environment.policy, one.consumer.run),
            )
            yield f"{name} retries", one.consumer.run_retries
        if one.service.read_models:
            yield f"{name} rebuild", one.rebuilder.run
        for loop in one.service.loops:
            yield f"{name} {getattr(loop, '__name__', 'loop')}", loop
    if isinstance(environment.clock, SystemClock) and not hosted[0].service.database.is_sqlite:
        yield "clock", partial(_discipline, environment.clock, hosted[0])


async def _after_policy(policy: Policy, loop: Callable[[], Awaitable[None]]) -> None:
    """Nothing is judged before the policy was read."""
    while not policy.is_ready:
        await policy.changed.wait_shared(1.0)
    await loop()


async def _named(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    try:
        await loop()
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.critical(
            "a loop ended, so the process does", loop=name, error=f"{type(error).__name__}: {error}"
        )
        raise


def _readiness(
    one: Hosted, environment: Environment
) -> Callable[[], Awaitable[Mapping[str, str | None]]]:
    policy, clock = environment.policy, environment.clock

    async def check() -> Mapping[str, str | None]:
        packs = policy.packs_problem(clock.now()) if policy.is_ready else None
        return {**await one.not_ready(), "policy": policy.problem, PACKS: packs}

    return check


async def _tell_when_ready(
    environment: Environment, server: uvicorn.Server, on_ready: Callable[[str], None]
) -> None:
    while not (server.started and environment.policy.is_ready):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
    # Full collections over the start-up heap are most of the tail (measured): leave it out of them.
    calm_collector()
    on_ready(environment.settings.public_url)


async def _prune(one: Hosted) -> None:
    while True:
        await asyncio.sleep(PRUNE_SECONDS)
        try:
            await prune(one.service.database)
        except Transient as error:
            log.warning("not pruned", service=one.service.name, error=str(error))


async def _discipline(clock: Clock, one: Hosted) -> None:
    """Follow the database server's clock, so that replicas agree on what is due."""
    assert isinstance(clock, SystemClock)  # noqa: S101 - the caller looked
    while True:
        try:
            clock.offset += await one.service.database.clock_skew()
        except Transient as error:
            log.warning("clock not compared", error=str(error))
        await asyncio.sleep(SKEW_SECONDS)


async def _watch_loop(metrics: Metrics) -> None:
    loop, wait = asyncio.get_running_loop(), 0.5
    while True:
        before = loop.time()
        await asyncio.sleep(wait)
        metrics.loop_lag.set(max(0.0, loop.time() - before - wait))


async def _watch_queues(one: Hosted, metrics: Metrics) -> None:
    """Keep the figures of what waits up to date."""
    database, name = one.service.database, one.service.name
    while True:
        try:
            metrics.outbox_waiting.labels(name).set(await waiting_count(database, at_most=COUNTED))
            metrics.parked.labels(name, "keys").set(await parked.count(database))
        except Transient as error:
            log.warning("queues not counted", service=name, error=str(error))
        await asyncio.sleep(COUNT_SECONDS)


async def _watch_figures(one: Hosted, environment: Environment) -> None:
    """Keep what costs more to know up to date: readiness, lag, timers."""
    metrics, name, ready = (
        environment.metrics,
        one.service.name,
        _readiness(one, environment),
    )
    while True:
        checks = await ready()
        metrics.ready.labels(name).set(not is_down(checks))
        metrics.packs_refused.labels(name).set(checks[PACKS] is not None)
        try:
            figures = await one.operations.figures()
        except Transient as error:
            log.warning("figures not taken", service=name, error=str(error))
        else:
            metrics.outbox_refused.labels(name).set(figures.outbox_refused)
            metrics.parked.labels(name, "timers").set(figures.timers_parked)
            metrics.timers_overdue.labels(name).set(figures.timers_overdue)
            for topic, lag in (figures.lag or {}).items():
                metrics.lag.labels(name, topic).set(lag)
        await asyncio.sleep(FIGURE_SECONDS)


async def _must_be_current(environment: Environment, services: Sequence[AnyService]) -> None:
    for service in services:
        if not await is_current(
            environment.settings.database_url(service.name), service.migrations
        ):
            raise NotMigrated(
                f"the database of {service.name} lacks a migration: run `redress migrate` first."
            )
        await _must_be_restored(service)


async def _must_be_restored(service: AnyService) -> None:
    async with service.database.reading() as connection:
        if await is_half_restored(connection, service.database.frame):
            raise NotMigrated(
                f"a restore into the database of {service.name} did not end: empty databases, topics and the data "
                "folder (keep its secrets), then run `redress restore` again."
            )


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): "
            "stop what uses that port, or set REDRESS_PORT to another."
        ) from error
    return listener


class _Server(uvicorn.Server):
    """Leaves signals to the host: uvicorn would raise them again before our own shutdown ran."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _stopping_on_signals(
    server: uvicorn.Server, gateway: Gateway, stopping: Signal
) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        gateway.is_stopping = True
        stopping.set()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
