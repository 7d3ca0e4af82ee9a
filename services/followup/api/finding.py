"""Lists of cases: found by what they are and by their words, saved as views, as CSV; the caller's work list."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Row

from services.followup import store
from services.followup.api.answers import CaseOut
from services.followup.api.reached import shown
from services.followup.model.words import mark, wanted
from services.followup.policy.callback import calling_hours
from services.followup.policy.case import fold
from services.followup.store.finding import (
    Wish,
    at_risk_first,
    by_words,
    newest_first,
    to_call,
)
from services.followup.usecases.record import Followup
from shared.contracts.values import CaseStateName, Language, Severity
from shared.errors import FieldError, Forbidden, Invalid
from shared.service import Environment
from shared.store.database import Database
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, cursor, read_cursor
from shared.worktime import working_intervals

After = Annotated[str | None, Query(max_length=500)]
Filter = Annotated[str | None, Query(max_length=100)]
Words = Annotated[str | None, Query(max_length=200)]
MOST_EXPORTED: Final = 100_000
AT_ONCE: Final = 200
EXPORTING: Final = (None, "supervisor", "auditor")
"""Roles that may take a list out of the system; a key has none."""
CSV_COLUMNS: Final = (
    "number", "unit", "state", "cycle", "kind", "category", "severity", "handler", "team", "outcome", "received_at",
    "acknowledged_at", "contacted_at", "closed_at", "escalation_level", "callback_result", "next_due_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for: `wish`, and words and a reference's token (as events carry it)."""

    wish: Wish
    q: str | None
    reference: str | None


def asked(  # noqa: PLR0913 - a filter each
    state: CaseStateName | None = None,
    handler: Filter = None,
    team: Filter = None,
    category: Filter = None,
    severity: Severity | None = None,
    area: Filter = None,
    reference: Filter = None,
    q: Words = None,
    *,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    due_before: AwareDatetime | None = None,
) -> Asked:
    """The filters of a list. `q`: words that the complaint has, Chinese or English; `area`: a code or its beginning."""
    wish = Wish(state, handler, team, category, severity, area, is_open, due_before)
    return Asked(wish, q, reference)


class CallOut(BaseModel):
    """A callback that waits to be made: when, which try, in which hours (`open_until`: when they end), what to say."""

    number: str
    unit: str
    cycle: int
    due_at: datetime
    attempt: int
    second: bool
    language: Language
    severity: Severity | None
    category: str | None
    zone: str
    open_now: bool
    open_until: datetime | None
    claimed_by: str | None
    claimed_until: datetime | None
    script: list[str]


def finding_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """`/cases`, `/cases.csv`, `/callbacks`."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]
    filters = Annotated[Asked, Depends(asked)]

    @router.get("/cases")
    async def list_cases(
        principal: may, what: filters, after: After = None, limit: Limit = 50
    ) -> Page[CaseOut]:
        """Cases, the newest first; with `due_before` the earliest deadline first."""
        rows, next_ = await _page(principal, what, after, limit)
        return Page(items=[shown(row) for row in rows], next=next_)

    @router.get("/cases.csv")
    async def export_cases(principal: may, what: filters) -> StreamingResponse:
        """The same list as CSV (UTF-8 with a byte order mark, for spreadsheets), at most 100,000 rows.

        Of staff it is for supervisors and auditors.
        """
        if principal.role not in EXPORTING:
            raise Forbidden(
                "Lists are exported by a supervisor, an auditor or a key.",
                zh="工单列表由主管、审计员或系统接口导出。",
            )
        headers = {"Content-Disposition": 'attachment; filename="cases.csv"'}
        return StreamingResponse(
            _as_csv(principal, what), media_type="text/csv; charset=utf-8", headers=headers
        )

    @router.get("/callbacks")
    async def list_callbacks(
        principal: may,
        until: AwareDatetime | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[CallOut]:
        """Who is to be called now, or `until` a time, earliest first: no other caller's, no case of one's own."""
        now = environment.clock.now()
        begin = _moment(after)
        query = to_call(
            principal.units, until=until or now, now=now, by=principal.id, after=begin, limit=limit + 1,
        )  # fmt: skip
        async with database.reading() as connection:
            rows = list(await store.fetch(connection, query))
            more, rows = len(rows) > limit, rows[:limit]
            items = [
                call_out(context, row, [fact for fact, _ in await store.facts_of(connection, row.complaint)], now)
                for row in rows
            ]  # fmt: skip
        next_ = cursor(rows[-1].call_at.isoformat(), rows[-1].complaint) if more else None
        return Page(items=items, next=next_)

    async def _page(
        principal: Principal, what: Asked, after: str | None, limit: int
    ) -> tuple[list[Row[Any]], str | None]:
        units, wish = principal.units, what.wish
        has_words = what.q is not None or what.reference is not None
        async with database.reading() as connection:
            if has_words:
                phrases = wanted(what.q or "")
                if not phrases and what.reference is None:
                    raise _no_words()
                marks = [mark("r", what.reference)] if what.reference else []
                place = read_cursor(after, int)[0] if after else None
                query = by_words(
                    units, wish, phrases, marks, before=place, limit=limit + 1,
                    dialect=connection.dialect.name,
                )  # fmt: skip
            elif wish.due_before is not None:
                query = at_risk_first(units, wish, after=_moment(after), limit=limit + 1)
            else:
                before = read_cursor(after, str)[0] if after else None
                query = newest_first(units, wish, before=before, limit=limit + 1)
            rows = list(await store.fetch(connection, query))
        more, rows = len(rows) > limit, rows[:limit]
        if not more:
            return rows, None
        last = rows[-1]
        if has_words:
            return rows, cursor(last.place)
        if wish.due_before is not None:
            return rows, cursor(last.at_risk_at.isoformat(), last.complaint)
        return rows, cursor(last.complaint)

    async def _as_csv(principal: Principal, what: Asked) -> AsyncIterator[str]:
        yield "\ufeff" + _line(CSV_COLUMNS)
        after, left = None, MOST_EXPORTED
        while left > 0:
            rows, after = await _page(principal, what, after, min(AT_ONCE, left))
            yield "".join(_line(_cells(shown(row), row.at_risk_at)) for row in rows)
            left -= len(rows)
            if after is None:
                return


def call_out(context: Followup, row: Row[Any], facts: Any, now: datetime) -> CallOut:  # noqa: ANN401 - facts
    """A case whose customer is to be called, as the caller sees it."""
    case = fold(facts)
    if case is None:
        raise ValueError(f"case {row.number} has no receipt")
    rules = context.rules_of(case)
    hours = calling_hours(rules, case)
    today = working_intervals(hours, now, now + timedelta(days=1))
    is_open = bool(today) and today[0].start <= now
    receipt, calling = case.received, case.timed.calling
    return CallOut(
        number=row.number,
        unit=row.unit,
        cycle=case.cycle,
        due_at=row.call_at,
        attempt=sum(one.counts for one in calling.tries) + 1,
        second=case.state == "closed",
        language=receipt.language,
        severity=case.severity,
        category=row.category,
        zone=hours.zone,
        open_now=is_open,
        open_until=today[0].end if is_open else None,
        claimed_by=calling.claimed_by,
        claimed_until=calling.claimed_until,
        script=[one.zh if receipt.language == "zh" else one.en for one in rules.pack.callback.script],
    )  # fmt: skip


def _moment(after: str | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    at, complaint = read_cursor(after, str, str)
    try:
        return datetime.fromisoformat(at), complaint
    except ValueError:
        raise Invalid(
            "The cursor is not one of ours: use the `next` of a page as it was given.",
            zh="游标无效，请原样使用上一页返回的 next。",
            errors=[FieldError("after", "cursor", "not a cursor of this list", "不是该列表的游标")],
        ) from None


def _no_words() -> Invalid:
    message, zh = (
        "has no word to look for: write letters, digits or Chinese characters",
        "没有可查询的字词",
    )
    return Invalid(f"q {message}.", zh=f"q：{zh}。", errors=[FieldError("q", "empty", message, zh)])


def _cells(case: CaseOut, at_risk_at: datetime | None) -> tuple[object, ...]:
    said = case.model_dump(mode="json")
    said |= {"handler": case.owner.handler, "team": case.owner.team}
    said["next_due_at"] = at_risk_at.isoformat() if at_risk_at else None
    return tuple(_safe(said.get(name)) for name in CSV_COLUMNS)


def _safe(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"
    return value


def _line(cells: tuple[object, ...]) -> str:
    found = io.StringIO()
    csv.writer(found).writerow(cells)
    return found.getvalue()
