"""One fact for each of many cases that changes nothing but what it says: no deadline, no state, no timer.

Such a fact needs no fold of all the others: the row of a case is taken as it is, and goes on with the one value. A test
holds it against the fold.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import orjson
from pydantic import PrivateAttr
from sqlalchemy import select

from services.followup.model import Fact
from services.followup.model.chain import Head
from services.followup.store import fact_row
from services.followup.store.tables import CASES, FACTS
from shared.contracts.followup import CaseChanged
from shared.store.transaction import AnyRow, Tx

_ROWS: Final = select(
    CASES.c.complaint, CASES.c.unit, CASES.c.body, CASES.c.is_open, CASES.c.links, CASES.c.seal
)
Row = Mapping[str, object]
Decide = Callable[[Mapping[str, Any], int], tuple[Fact, Mapping[str, Any]] | None]
"""Of a case's body and the number of entries in its record: the fact, and the values that it changes; or nothing."""


class CaseNoted(CaseChanged):
    """A case's event whose JSON is there already: as its row keeps it, which was checked when it was first written."""

    _json: str = PrivateAttr(default="")

    def as_json(self) -> str:
        return self._json


async def note(tx: Tx, complaints: Collection[str], decide: Decide, *, by: str) -> int:
    """Add a fact to each of these open cases and say it. Lock them first. Says how many."""
    facts: list[Row] = []
    cases: list[Row] = []
    for row in await tx.rows_among(_ROWS, CASES.c.complaint, complaints):
        found = decide(row.body, row.links or 0) if row.is_open else None
        if found is not None:
            fact, case = _noted(tx, row, *found, by=by)
            facts.append(fact)
            cases.append(case)
    await tx.add(FACTS, facts)
    await tx.change(CASES, cases)
    return len(cases)


def _noted(
    tx: Tx, row: AnyRow, fact: Fact, values: Mapping[str, Any], *, by: str
) -> tuple[Row, Row]:
    """The rows of the fact and of the case; the event is said."""
    added, head = fact_row(
        fact, row.complaint, row.unit, Head(row.links or 0, row.seal or ""), now=tx.now
    )
    version = row.body["version"] + 1
    body = {**row.body, **values, "version": version, "by": by, "what": fact.what.name}
    event = CaseNoted.model_construct()
    event._json = orjson.dumps(body).decode()  # noqa: SLF001 - made here and nowhere else
    tx.say(event, subject=row.complaint, unit=row.unit)
    case = {
        "complaint": row.complaint, "version": version, "body": orjson.Fragment(event._json),  # noqa: SLF001
        "changed_at": tx.now, "links": head.links, "seal": head.seal,
    }  # fmt: skip
    return added, case
