"""A case with all that its page shows, in one answer: the case, what happened, and what can be done by whom asks."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from services.followup import store
from services.followup.api.answers import MomentOut, timeline
from services.followup.api.reached import reached
from services.followup.api.remedies import RemediesOut, remedies_out
from services.followup.model import Case
from services.followup.policy.case import fold
from services.followup.policy.lifecycle import COMMANDS, missing
from services.followup.policy.rules import Rules
from services.followup.usecases.commands import Actor, check_actor
from services.followup.usecases.record import Followup
from shared.contracts.followup import CaseChanged
from shared.errors import FieldError, Forbidden
from shared.service import Environment
from shared.store.database import Database
from shared.web.credentials import Principal
from shared.web.versions import etag


class LackOut(BaseModel):
    """One fact that is missing, and what to do."""

    field: str
    code: str
    message: str
    zh: str


class PossibleOut(BaseModel):
    """A command, whether who asks may issue it (`why` not), and what it lacks now."""

    name: str
    allowed: bool
    why: str | None = None
    why_zh: str | None = None
    lacks: list[LackOut]


class WholeOut(BaseModel):
    """`case` is as on the case's events; `commands` are those of the lifecycle, in its order.

    `case.remedies` are the proposals; `remedies` what can be offered, with advice and limits.
    """

    id: str
    unit: str
    case: dict[str, Any]
    timeline: list[MomentOut]
    commands: list[PossibleOut]
    remedies: RemediesOut | None
    read_at: datetime


def whole_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """Add the route to a router."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/cases/{number}/whole")
    async def read_whole(principal: may, number: str, response: Response) -> WholeOut:
        """The case, its timeline, every command with what it lacks, and the remedies that can be offered."""
        async with database.reading() as connection:
            row = reached(await store.find(connection, number), principal, number)
            facts = await store.facts_of(connection, row.complaint)
            about_clocks = await store.clock_facts_of(connection, row.complaint)
            case = fold([fact for fact, _ in facts])
            offers = None
            if case is not None:
                offers = await remedies_out(connection, context, environment, row, case, principal)
        body = CaseChanged.model_validate(row.body)
        response.headers["ETag"] = etag(row.version)
        actor = Actor(
            principal.id, principal.role, principal.units, "followup:write" in principal.scopes
        )
        return WholeOut(
            id=row.complaint,
            unit=row.unit,
            case=body.model_dump(mode="json"),
            timeline=timeline(facts, about_clocks),
            commands=_possible(case, actor, context.rules_of(case)) if case else [],
            remedies=offers,
            read_at=environment.clock.now(),
        )


def _possible(case: Case, actor: Actor, rules: Rules) -> list[PossibleOut]:
    found = []
    for known in COMMANDS.values():
        why: Forbidden | None = None
        try:
            check_actor(actor, known, case, rules)
        except Forbidden as error:
            why = error
        found.append(
            PossibleOut(
                name=known.name,
                allowed=why is None,
                why=why.detail if why else None,
                why_zh=why.zh if why else None,
                lacks=[_lack(one) for one in missing(known, case)],
            )
        )
    return found


def _lack(error: FieldError) -> LackOut:
    return LackOut(field=error.field, code=error.code, message=error.message, zh=error.zh)
