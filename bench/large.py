"""`python -m bench.large [--sizes 10000,1000000]`: whether the work of matching stays flat as complaints pile up.

Complaints are loaded in bulk, past intake: with what each can be found by (a contact point, a reference), spread over
two months, every fifth by one of eight persons who write all the time. Then 600 new ones are matched, batch by batch,
half of them by such a person, and the middle batch counts. Exit 1 where the largest costs over 1.5 times the smallest.
"""

import argparse
import asyncio
import hashlib
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import asyncpg
import orjson
import uvloop

from bench.backlog import number_of
from bench.complaints import bodies
from dev import postgres
from dev.process import EngineError
from services.intake.policy.match import signature_of
from services.intake.store import FRAME, TRAITS
from services.intake.usecases.matching import BATCH, Matcher
from shared.clock import SystemClock
from shared.ids import first_id_at
from shared.store.database import Database
from shared.store.migrate import upgrade
from shared.telemetry import configure_logs

ROOT: Final = Path(__file__).resolve().parent.parent
MIGRATIONS: Final = ROOT / "services" / "intake" / "migrations"
SPREAD: Final = timedelta(days=60)
NEW: Final = 600
BUSY: Final = 8
GATE: Final = 1.5
CHUNK: Final = 20_000
WITHIN_SECONDS: Final = 1_200
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "complaints": (
        "id", "number", "unit", "channel", "language", "text", "facts", "received_at", "complainant_id", "pack",
        "pack_version", "received_by", "original", "code", "matched_at",
    ),
    "contact_points": ("token", "kind", "complainant_id", "unit"),
    "signatures": ("complaint_id", "signature"),
    "traits": tuple(column.name for column in TRAITS.c),
}  # fmt: skip
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Source:
    """Makes complaints that nobody wrote: the same for the same number."""

    begun: datetime
    total: int
    texts: Mapping[str, str]
    """Each with its signature."""

    def rows(self, first: int, count: int, *, is_new: bool = False) -> Rows:
        """The rows of some complaints, in order."""
        found: Rows = {name: [] for name in _NAMES}
        for at in range(first, first + count):
            self._add(found, at, is_new=is_new)
        return found

    def _add(self, found: Rows, at: int, *, is_new: bool) -> None:
        draw = random.Random(at)  # noqa: S311 - repeatable, no secret
        now = self.begun if is_new else self.begun - SPREAD * (1 - at / self.total)
        id_ = first_id_at(now)[:-12] + f"{at:012x}"
        reference = hashlib.sha256(f"order{at}".encode()).hexdigest()
        is_common = at % (2 if is_new else 5) == 0
        text = draw.choice(tuple(self.texts))
        person = f"{draw.randrange(BUSY)}" if is_common else f"person{draw.randrange(self.total)}"
        person = hashlib.sha256(person.encode()).hexdigest()
        facts = {"reference_tokens": {"order_no": reference}}
        found["complaints"].append((
            id_, number_of(at), "root", "web", "zh", text, facts, now, id_, "generic", "1.0", "key/bench", bytes(400),
            bytes(47), None if is_new else now,
        ))  # fmt: skip
        found["contact_points"].append((person, "phone", id_, "root"))
        if is_new:
            return
        found["signatures"].append((id_, self.texts[text]))
        found["traits"] += [("root", "contact", person, id_), ("root", "reference", reference, id_)]


class Sqlite:
    """An empty database in a file."""

    title = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "large.db"
        self.url = f"sqlite+aiosqlite:///{self._file}"

    async def load(self, rows: Rows) -> None:
        """Write rows in one transaction."""
        await asyncio.to_thread(self._load, rows)

    def _load(self, rows: Rows) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -1000000")
            for table, found in rows.items():
                names = _NAMES[table]
                places = ", ".join("?" * len(names))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})",  # noqa: S608 - our own names
                    sorted(map(_plain, found)) if table == "traits" else map(_plain, found),
                )
            connection.commit()


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        f"{one:%Y-%m-%d %H:%M:%S.%f}" if isinstance(one, datetime) else orjson.dumps(one).decode() if isinstance(one, dict) else one
        for one in row
    )  # fmt: skip


class PostgreSQL:
    """An empty database of a server."""

    title = "PostgreSQL"

    def __init__(self, address: str) -> None:
        self._address = address
        self.url = "postgresql+asyncpg://" + address.split("://", 1)[1]

    async def load(self, rows: Rows) -> None:
        """Copy rows in one transaction."""
        connection = await asyncpg.connect(self._address)
        try:
            # COPY is binary: a version byte before the text, as jsonb travels.
            await connection.set_type_codec(
                "jsonb", schema="pg_catalog", format="binary", encoder=lambda one: b"\1" + orjson.dumps(one),
                decoder=lambda raw: orjson.loads(raw[1:]),
            )  # fmt: skip
            async with connection.transaction():
                for table, found in rows.items():
                    await connection.copy_records_to_table(
                        table, records=found, columns=_NAMES[table]
                    )
        finally:
            await connection.close()

    async def settle(self) -> None:
        """What a running server does by itself."""
        connection = await asyncpg.connect(self._address)
        try:
            await connection.execute("VACUUM ANALYZE")
        finally:
            await connection.close()


Place = Sqlite | PostgreSQL


async def measure(place: Place, sizes: Sequence[int]) -> dict[int, float]:
    """Microseconds of matching a complaint, by how many are stored."""
    await upgrade(place.url, MIGRATIONS)
    clock, found, stored, begun = SystemClock(), dict[int, float](), 0, time.monotonic()
    written = [str(orjson.loads(one)["text"]) for one in bodies(64)]
    texts = {one: signature_of(one).packed() for one in written}
    source = Source(clock.now(), max(sizes), texts)
    for number, size in enumerate(sizes):
        for at in range(stored, size, CHUNK):
            await place.load(source.rows(at, min(CHUNK, size - at)))
            _tell(f"{place.title}: {min(at + CHUNK, size):,} of {size:,} stored")
            if time.monotonic() - begun > WITHIN_SECONDS:
                raise EngineError(f"{place.title}: {at + CHUNK:,} complaints took too long to load")
        stored = size
        if isinstance(place, PostgreSQL):
            await place.settle()
        await place.load(source.rows(max(sizes) * 2 + number * NEW, NEW, is_new=True))
        found[size] = await _match(place, clock)
        _tell(f"{place.title}: {size:,} stored, {found[size]:.0f} µs to match one")
    return found


async def _match(place: Place, clock: SystemClock) -> float:
    database = Database(place.url, frame=FRAME, service="intake", clock=clock)
    matcher, took = Matcher(database), []
    try:
        while True:
            begun = time.perf_counter()
            if await matcher.match_waiting() < BATCH:
                return median(took[2:]) / BATCH * 1e6
            took.append(time.perf_counter() - begun)
    finally:
        await database.close()


def _tell(what: str) -> None:
    print(what, flush=True)


def _places(folder: Path) -> Iterator[Place]:
    yield Sqlite(folder)
    try:
        server = postgres.Postgres(postgres.new_folder(), durable=True)
        server.start()
    except EngineError as error:
        _tell(f"PostgreSQL is not measured: {error}")
        return
    try:
        yield PostgreSQL(f"{server.url}/postgres")
    finally:
        server.remove()


def main() -> int:
    """Return 0 when matching stays flat on every database, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument(
        "--sizes", type=lambda text: [int(one) for one in text.split(",")], default=[10_000, 1_000_000],
        help="how many complaints are stored, ascending (10000,1000000)",
    )  # fmt: skip
    options = parser.parse_args()
    configure_logs(level="warning")
    folder, is_flat = Path(tempfile.mkdtemp(prefix="redress-large-")), True
    try:
        for place in _places(folder):
            found = uvloop.run(measure(place, options.sizes))
            ratio = found[options.sizes[-1]] / found[options.sizes[0]]
            is_flat &= ratio <= GATE
            _tell(f"{place.title}: {ratio:.2f} times as much (gate: {GATE})")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
