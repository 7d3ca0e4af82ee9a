"""A database with an outbox full of events as intake says them, for relays to empty."""

import orjson
from sqlalchemy import MetaData, insert

from bench.floors.rows import Complaint, posted, rows_of
from services.intake.store import FRAME
from shared.store.engine import make_writer
from shared.store.tables import NAMING, frame_tables

METADATA = MetaData(naming_convention=NAMING)
TABLES = frame_tables(METADATA)
PARTITIONS = 12
WARM_UP = 500
"""Rows of the first batch, which is not timed: it opens connections."""
_CHUNK = 1_000


async def fill(url: str, count: int) -> None:
    """Make the tables anew, with `count` events waiting."""
    from bench.complaints import bodies

    raws = bodies()
    parsed = [Complaint.model_validate(orjson.loads(raw)) for raw in raws]
    engine = make_writer(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.drop_all)
        await connection.run_sync(METADATA.create_all)
    for start in range(0, count, _CHUNK):
        batch = [
            posted(parsed[at % len(raws)], key=str(at), raw=raws[at % len(raws)])
            for at in range(start, min(start + _CHUNK, count))
        ]
        rows = next(rows for table, rows in rows_of(batch) if table is FRAME.outbox)
        async with engine.begin() as connection:
            await connection.execute(insert(TABLES.outbox), rows)
    await engine.dispose()
