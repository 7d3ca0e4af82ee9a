"""One fact for each of many cases that changes nothing but what it says: no deadline, no state, no timer.

Such a fact needs no fold of all the others: the row of a case is taken as it is, and goes on with the one value. A test
holds it against the fold.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final

import orjson
from pydantic import PrivateAttr
from sqlalchemy import select

from services.followup.model import Fact, What
from services.followup.model.chain import Head
from services.followup.store import fact_row, written
from services.followup.store.tables import CASES, FACTS
from shared.contracts.envelope import Body
from shared.contracts.followup import CaseChanged
from shared.store.transaction import AnyRow, Tx

_ROWS: Final = select(
    CASES.c.complaint, CASES.c.unit, CASES.c.body, CASES.c.is_open, CASES.c.links, CASES.c.seal
)
Row = Mapping[str, object]
Decide = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""Of a case's body the values that the fact changes; None where it is not about this case."""


class CaseNoted(Body):
    """A `case.changed` whose JSON is there already: as its row keeps it, checked when it was first written."""

    name: ClassVar[str] = CaseChanged.name
    source: ClassVar[str] = CaseChanged.source

    _json: str = PrivateAttr(default="")

    def as_json(self) -> str:
        return self._json


async def note(tx: Tx, complaints: Collection[str], what: What, decide: Decide, *, by: str) -> int:
    """Add the same fact to each of these open cases and say it. Lock them first. Says how many."""
    facts: list[Row] = []
    cases: list[Row] = []
    said = written(what)
    for row in await tx.rows_among(_ROWS, CASES.c.complaint, complaints):
        values = decide(row.body) if row.is_open else None
        if values is None:
            continue
        fact = Fact(what, tx.now, by, row.body["cycle"], row.links or 0)
        head = Head(row.links or 0, row.seal or "")
        added, after = fact_row(fact, said, row.complaint, row.unit, head, now=tx.now)
        facts.append(added)
        cases.append(_changed(tx, row, values, after, by=by, what=what.name))
    await tx.add(FACTS, facts)
    await tx.change(CASES, cases)
    return len(cases)


def _changed(
    tx: Tx, row: AnyRow, values: Mapping[str, Any], head: Head, *, by: str, what: str
) -> Row:
    """The row of the case after it; the event is said."""
    version = row.body["version"] + 1
    body = {**row.body, **values, "version": version, "by": by, "what": what}
    event = CaseNoted()
    event._json = orjson.dumps(body).decode()  # noqa: SLF001 - made here and nowhere else
    tx.say(event, subject=row.complaint, unit=row.unit)
    return {
        "complaint": row.complaint, "version": version, "body": orjson.Fragment(event._json),  # noqa: SLF001
        "changed_at": tx.now, "links": head.links, "seal": head.seal,
    }  # fmt: skip
