"""`python -m bench.large_followup [--large N] [--small N]`: lists and search over many cases against few.

Rows are loaded in bulk into a migrated SQLite database, with what is done of it on standard error; what is timed are
the service's own queries. A gate: at the large size the median of each is within twice the median at the small one.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Select, Table, insert

import services.followup
from services.followup.model.words import wanted
from services.followup.store import CASES, FRAME
from services.followup.store.finding import (
    Wish,
    at_risk_first,
    by_words,
    index_waiting,
    newest_first,
)
from services.followup.store.tables import TEXTS
from shared.clock import SystemClock
from shared.settings import Settings
from shared.store.database import Database
from shared.store.migrate import upgrade
from shared.store.transaction import Tx

GATE: Final = 2.0
ROUNDS: Final = 60
AT_ONCE: Final = 5_000
TELL_EVERY: Final = 50_000
UNITS: Final = ("root", "north", "south")
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
WORDS: Final = (
    "电表走得快 要求校表", "停电一个多小时 没人来修", "快递不见了 要求退款", "空调坏了 维修迟到", "the power bank caught fire",
    "refund overdue again", "水泥强度不够 楼面起砂", "电梯困人 半小时",
)  # fmt: skip
Query = Callable[[], Select[Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every median is within the gate, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.large_followup", description=__doc__)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=10_000)
    options = parser.parse_args(arguments)
    small = asyncio.run(_measured(options.small))
    large = asyncio.run(_measured(options.large))
    is_met = True
    print(f"{'':24}{options.small:>14,}{options.large:>14,}{'ratio':>8}{'p99 large':>12}")
    for name in small:
        few, many = statistics.median(small[name]), statistics.median(large[name])
        p99 = sorted(large[name])[int(len(large[name]) * 0.99) - 1]
        is_met = is_met and many <= few * GATE
        print(f"{name:24}{few:>11.2f} ms{many:>11.2f} ms{many / few:>8.2f}{p99:>9.2f} ms")
    return 0 if is_met else 1


async def _measured(count: int) -> Mapping[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="redress-large-") as folder:
        url = Settings.model_validate({"data": folder}).database_url("followup")
        await upgrade(url, Path(services.followup.__file__).parent / "migrations")
        database = Database(url, frame=FRAME, service="followup", clock=SystemClock())
        try:
            await _load(database, count)
            return {name: await _timed(database, query) for name, query in _queries(count).items()}
        finally:
            await database.close()


async def _load(database: Database, count: int) -> None:
    draw = random.Random(7)  # noqa: S311 - repeatable, no secret
    done, indexed = 0, 0
    for rows, texts in _rows(count, draw):
        for table, new in ((CASES, rows), (TEXTS, texts)):
            await _insert(database, table, new)
        done += len(rows)
        _tell("loaded", done, count)
    while some := await database.run(lambda tx: index_waiting(tx, most=AT_ONCE)):
        indexed += some
        _tell("indexed", indexed, count)


def _tell(what: str, done: int, of: int) -> None:
    if done % TELL_EVERY < AT_ONCE or done == of:
        print(f"{time.strftime('%H:%M:%S')} {what} {done:,} of {of:,}", file=sys.stderr, flush=True)


async def _insert(database: Database, table: Table, rows: list[dict[str, Any]]) -> None:
    async def unit(tx: Tx) -> None:
        await tx.execute(insert(table), rows)

    await database.run(unit)


def _rows(
    count: int, draw: random.Random
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Cases and their texts, two in a hundred of them open."""
    for start in range(0, count, AT_ONCE):
        rows, texts = [], []
        for at in range(start, min(count, start + AT_ONCE)):
            complaint, unit = f"c{at:010d}", UNITS[at % len(UNITS)]
            is_open = draw.random() < 0.02  # noqa: PLR2004 - as said
            due = BEGIN + timedelta(minutes=at)
            rows.append({
                "complaint": complaint, "number": f"{at:011d}", "unit": unit, "code_sha256": "0" * 64, "version": 3,
                "state": "accepted" if is_open else "closed", "handler": f"h{at % 40}", "team": "service",
                "category": f"GEN-{at % 12:03d}", "severity": "high" if at % 9 == 0 else "normal", "area": "330106",
                "is_open": is_open, "at_risk_at": due if is_open else None, "body": {"number": complaint},
                "changed_at": due,
            })  # fmt: skip
            said = f"{draw.choice(WORDS)} {draw.choice(WORDS)} {at}"
            texts.append(
                {
                    "complaint": complaint,
                    "unit": unit,
                    "said": said,
                    "marks": "",
                    "is_waiting": True,
                }
            )
        yield rows, texts


def _queries(count: int) -> Mapping[str, Query]:
    rare = wanted(str(count // 2))
    now = BEGIN + timedelta(minutes=count)

    def words(phrases: Sequence[Any]) -> Query:
        return lambda: by_words(UNITS, Wish(), phrases, (), before=None, limit=51, dialect="sqlite")

    return {
        "list": lambda: newest_first(UNITS, Wish(), before=None, limit=51),
        "list of the open": lambda: newest_first(UNITS, Wish(is_open=True), before=None, limit=51),
        "list by handler": lambda: newest_first(UNITS, Wish(handler="h7"), before=None, limit=51),
        "list by severity": lambda: newest_first(
            UNITS, Wish(severity="high"), before=None, limit=51
        ),
        "list at risk": lambda: at_risk_first(UNITS, Wish(due_before=now), after=None, limit=51),
        "search, common words": words(wanted("校表")),
        "search, two phrases": words(wanted("停电 refund")),
        "search, one character": words(wanted("电")),
        "search, one of all": words(rare),
    }


async def _timed(database: Database, query: Query) -> list[float]:
    """Milliseconds of each of some rounds, after one to warm up."""
    found = []
    for round_ in range(ROUNDS + 1):
        begun = time.perf_counter()
        async with database.reading() as connection:
            (await connection.execute(query())).all()
        if round_:
            found.append((time.perf_counter() - begun) * 1000)
    return found


if __name__ == "__main__":
    sys.exit(main())
