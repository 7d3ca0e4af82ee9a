"""The record over HTTP: whether it is as it was sealed, and one case exported for a body outside."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from services.followup import store
from services.followup.api.answers import timeline
from services.followup.api.clocks import clocks_out
from services.followup.api.exporting import as_html, document
from services.followup.api.reached import reached, shown
from services.followup.model.chain import Head, Read
from services.followup.store import record
from services.followup.usecases.audit import broken_day, broken_link, note_read
from services.followup.usecases.record import Followup
from shared.service import Environment
from shared.store.database import Database
from shared.web.credentials import Principal
from shared.web.json import dump
from shared.web.paging import cursor, read_cursor

After = Annotated[str | None, Query(max_length=500)]
MOST = 200
"""Cases checked with one question."""


class BrokenOut(BaseModel):
    """The first entry of a case that is not as it was sealed."""

    number: str
    link: int
    what: str
    why: str


class CheckedOut(BaseModel):
    """How many records were checked, and the first broken one; `next` goes on."""

    checked: int
    links: int
    broken: BrokenOut | None
    next: str | None


class DaysOut(BaseModel):
    """How many days are sealed, until which, and the first whose entries are not those that it sealed."""

    days: int
    until: str | None
    broken: str | None


def audit_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """`/audit/cases`, `/audit/days`, and a case's export."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/audit/cases")
    async def check_cases(
        principal: may, after: After = None, limit: Annotated[int, Query(ge=1, le=MOST)] = MOST
    ) -> CheckedOut:
        """Hold the records of a page of cases against their seals."""
        begin = read_cursor(after, str)[0] if after else None
        links = 0
        async with database.reading() as connection:
            query = record.heads_query(principal.units, after=begin, limit=limit + 1)
            rows = list(await store.fetch(connection, query))
            more, rows = len(rows) > limit, rows[:limit]
            for at, row in enumerate(rows, start=1):
                head = Head(row.links or 0, row.seal or "")
                found = await broken_link(connection, row.complaint, head)
                links += head.links
                if found is not None:
                    broken = BrokenOut(
                        number=row.number, link=found.link, what=found.what, why=found.why
                    )
                    return CheckedOut(checked=at, links=links, broken=broken, next=None)
        next_ = cursor(rows[-1].complaint) if more else None
        return CheckedOut(checked=len(rows), links=links, broken=None, next=next_)

    @router.get("/audit/days")
    async def check_days(_: may) -> DaysOut:
        """Hold the sealed days against the records."""
        async with database.reading() as connection:
            days = list(await record.days(connection))
            broken = await broken_day(connection, days)
        return DaysOut(days=len(days), until=days[-1].day if days else None, broken=broken)

    @router.get("/cases/{number}/export", response_model=None)
    async def export(
        principal: may,
        number: str,
        form: Annotated[str, Query(pattern="^(json|html)$")] = "json",
        reason: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """One case whole, for an ombudsman or a court: JSON, or a page to print. That it was taken is recorded."""
        async with database.reading() as connection:
            row = reached(await store.find(connection, number), principal, number)
        read = Read(principal.id, "export", reason)
        await database.run(lambda tx: note_read(tx, row.complaint, read))
        found = await _whole(row.complaint, number)
        if form == "html":
            return Response(as_html(found), media_type="text/html", headers=_as_file(number, form))
        return Response(dump(found), media_type="application/json", headers=_as_file(number, form))

    async def _whole(complaint: str, number: str) -> dict[str, Any]:
        async with database.reading() as connection:
            row = await store.find(connection, number)
            facts = await store.facts_of(connection, complaint)
            about_clocks = await store.clock_facts_of(connection, complaint)
            entries = await record.entries_of(connection, complaint)
        if row is None:
            raise ValueError(f"case {number} was there a moment ago")
        now = environment.clock.now()
        of_case, of_clocks = [fact for fact, _ in facts], [fact for fact, _ in about_clocks]
        return document(
            shown(row).model_dump(mode="json"),
            [one.model_dump(mode="json") for one in timeline(facts, about_clocks)],
            [
                one.model_dump(mode="json")
                for one in clocks_out(context, of_case, of_clocks, explained=True, now=now)
            ],
            entries,
            taken_at=now,
        )


def _as_file(number: str, form: str) -> dict[str, str]:
    name = f"attachment; filename={number}.{form}"
    return {"Cache-Control": "no-store", "Content-Disposition": name}
