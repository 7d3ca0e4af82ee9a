"""One fact for each of many cases that changes nothing but what it says: no deadline, no state, no timer.

Such a fact needs no fold of all the others: the row of a case is taken as it is, and goes on with the one value. A test
holds it against the fold.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import select

from services.followup.model import Fact
from services.followup.model.chain import Head
from services.followup.store import fact_row
from services.followup.store.tables import CASES, FACTS
from shared.contracts.followup import CaseBody, CaseChanged
from shared.store.transaction import AnyRow, Tx

_ROWS: Final = select(
    CASES.c.complaint, CASES.c.unit, CASES.c.body, CASES.c.is_open, CASES.c.links, CASES.c.seal
)
Decide = Callable[[CaseBody, int], tuple[Fact, Mapping[str, Any]] | None]
"""Of a case and the number of entries in its record: the fact, and the values that it changes; None for nothing."""


async def note(tx: Tx, complaints: Collection[str], decide: Decide, *, by: str) -> int:
    """Add a fact to each of these open cases and say it. Lock them first. Says how many."""
    facts: list[Mapping[str, object]] = []
    changed: list[Mapping[str, object]] = []
    for row in await tx.rows_among(_ROWS, CASES.c.complaint, complaints):
        found = decide(body := CaseChanged.model_validate(row.body), row.links or 0)
        if found is not None and row.is_open:
            _note(tx, row, body, *found, by=by, facts=facts, changed=changed)
    await tx.add(FACTS, facts)
    await tx.change(CASES, changed)
    return len(changed)


def _note(
    tx: Tx,
    row: AnyRow,
    body: CaseBody,
    fact: Fact,
    values: Mapping[str, Any],
    *,
    by: str,
    facts: list[Mapping[str, object]],
    changed: list[Mapping[str, object]],
) -> None:
    added, head = fact_row(
        fact, row.complaint, row.unit, Head(row.links or 0, row.seal or ""), now=tx.now
    )
    facts.append(added)
    after = body.model_copy(
        update={**values, "version": body.version + 1, "by": by, "what": fact.what.name}
    )
    changed.append(
        {
            "complaint": row.complaint, "version": after.version, "body": orjson.Fragment(after.model_dump_json()),
            "changed_at": tx.now, "links": head.links, "seal": head.seal,
        }
    )  # fmt: skip
    tx.say(after, subject=row.complaint, unit=row.unit)
