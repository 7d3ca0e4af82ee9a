"""The real engines of a test session: started when first asked for, shared by its workers, ended by its first process.

The first process (under xdist the one that hands out tests) makes a folder and names it to the workers in
`REDRESS_TEST_ENGINES`. Whoever needs an engine first starts it under a lock and writes its address there.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import json
import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import asyncpg

from dev import kafka, postgres
from dev.process import end_process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

FOLDER = "REDRESS_TEST_ENGINES"
KAFKA = "REDRESS_TEST_KAFKA"
POSTGRES = "REDRESS_TEST_POSTGRES"
PREFIX = "redress-engines-"
SERVICES = ("intake", "routing", "followup", "notify", "insight", "desk")


class Started(TypedDict):
    """What a session keeps about an engine: its address, and how any process may end it."""

    address: str
    processes: list[tuple[int, str]]
    containers: list[str]


class Engines:
    """The engines of one session, by way of a folder that all its processes know."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: list[object] = []  # a process object must not go while its process runs

    @classmethod
    def begin(cls) -> Engines:
        """Make the folder of a new session and name it to the processes started from here."""
        end_orphans()
        folder = postgres.new_folder(PREFIX)
        (folder / "owner").write_text(str(os.getpid()), encoding="utf-8")
        os.environ[FOLDER] = str(folder)
        return cls(folder)

    @classmethod
    def join(cls) -> Engines:
        """Return the engines of the session that this process is a worker of."""
        return cls(Path(os.environ[FOLDER]))

    def kafka(self) -> str:
        """Return host:port of a broker with auto-creation of topics off, shared by all tests."""
        given = os.environ.get(KAFKA)
        if given:
            return given
        return self._shared("kafka", self._start_kafka)

    def postgres(self) -> str:
        """Return the URL, without a database, of a server shared by all tests."""
        given = os.environ.get(POSTGRES)
        if given:
            return given.rstrip("/")
        return self._shared("postgres", self._start_postgres)

    def end(self) -> None:
        """End what was started and delete its data. Only the first process calls this."""
        for name in ("kafka", "postgres"):
            with contextlib.suppress(OSError, ValueError):
                started: Started = json.loads(
                    (self._folder / f"{name}.json").read_text(encoding="utf-8")
                )
                for pid, word in started["processes"]:
                    end_process(pid, word=word, how=signal.SIGKILL)
                for container in started["containers"]:
                    kafka.remove_container(container)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _shared(self, name: str, start: Callable[[], Started]) -> str:
        record = self._folder / f"{name}.json"
        with _locked(self._folder / f"{name}.lock"):
            if not record.exists():
                record.write_text(json.dumps(start()), encoding="utf-8")
            return str(json.loads(record.read_text(encoding="utf-8"))["address"])

    def _start_kafka(self) -> Started:
        broker = kafka.new_broker(self._folder / "kafka")
        broker.start()
        self._kept.append(broker)
        if isinstance(broker, kafka.DockerBroker):
            return {"address": broker.bootstrap, "processes": [], "containers": [broker.name]}
        return _started(broker.bootstrap, broker.identity())

    def _start_postgres(self) -> Started:
        server = postgres.Postgres(self._folder / "postgres")
        server.start()
        self._kept.append(server)
        return _started(server.url, server.identity())


def end_orphans() -> None:
    """End the engines of sessions whose first process was killed before it could."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/owner"):
        with contextlib.suppress(OSError, ValueError):
            if not _is_alive(int(owner.read_text(encoding="utf-8"))):
                Engines(owner.parent).end()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(address: str, identity: tuple[int, str] | None) -> Started:
    processes = [] if identity is None else [identity]
    return {"address": address, "processes": processes, "containers": []}


def why_no_kafka() -> str | None:
    """Tell why tests marked kafka cannot run here, or None when they can."""
    return None if os.environ.get(KAFKA) else kafka.why_unavailable()


def why_no_postgres() -> str | None:
    """Tell why tests marked postgres cannot run here, or None when they can."""
    return None if os.environ.get(POSTGRES) else postgres.why_unavailable()


def create_databases(server: str, names: list[str]) -> None:
    """Create empty databases, about 25 ms each."""
    finish(_execute(server, [f'CREATE DATABASE "{name}"' for name in names]))


Contents = dict[str, dict[str, bytes]]
"""What each table of each database holds, as PostgreSQL copies it."""


def contents_of(server: str, names: list[str]) -> Contents:
    """Everything in these databases."""
    found: Contents = {}

    async def read() -> None:
        for name in names:
            connection = await asyncpg.connect(f"{server}/{name}")
            try:
                query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                tables = [row["tablename"] for row in await connection.fetch(query)]
                found[name] = {table: await _copied(connection, table) for table in tables}
            finally:
                await connection.close()

    finish(read())
    return found


async def _copied(connection: asyncpg.Connection, table: str) -> bytes:
    buffer = io.BytesIO()
    await connection.copy_from_table(table, output=buffer, format="binary")
    return buffer.getvalue()


def put_back(server: str, contents: Contents) -> None:
    """Make these databases hold what they held; much quicker than creating them anew."""

    async def write(name: str, tables: dict[str, bytes]) -> None:
        connection = await asyncpg.connect(f"{server}/{name}")
        try:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            for table, copied in tables.items():
                await connection.copy_to_table(table, source=io.BytesIO(copied), format="binary")
        finally:
            await connection.close()

    async def write_all() -> None:
        await asyncio.gather(*(write(name, tables) for name, tables in contents.items()))

    finish(write_all())


def drop_databases(server: str, names: list[str]) -> None:
    """Drop databases, also while somebody is still connected to them."""
    statements = [f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in names]
    finish(_execute(server, statements))


async def _execute(server: str, statements: list[str]) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def finish(work: Coroutine[object, object, None]) -> None:
    """Run `work` in a loop of its own, whether or not this thread has one running."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
