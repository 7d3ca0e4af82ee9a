"""Remedies over HTTP: what can be offered and what its calculator says, what awaits whom, and the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup import store
from services.followup.api.answers import WordsOut
from services.followup.api.reached import reached
from services.followup.model import Case
from services.followup.model.remedies import Purse
from services.followup.policy.case import fold
from services.followup.policy.commands.order import Name, must_be_one_of
from services.followup.policy.remedies.approving import Needed, needed
from services.followup.policy.remedies.calculate import Advice, advise
from services.followup.policy.remedies.ledger import ACCOUNTS, Account
from services.followup.policy.remedies.money import from_minor
from services.followup.policy.remedies.options import Option, options
from services.followup.store.remedies import (
    balances,
    postings_query,
    remedies_query,
    unbalanced,
)
from services.followup.usecases.record import Followup
from services.followup.usecases.remedies import month_of, purse_of
from shared.contracts.values import ApproverRank, CaseRemedy, Money, RemedyState
from shared.errors import NotFound
from shared.packs.model import Pack, Text
from shared.packs.remedies import Form, Quantity, Remedy
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import describe_body, read_capped, validate
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, page_of, read_cursor

AWAITING: Final[tuple[RemedyState, ...]] = ("proposed",)


class InputOut(BaseModel):
    """What a calculator asks for: a `percent` as it is said (`6.5`), a `date` as `2026-03-02`."""

    id: str
    name: WordsOut
    kind: Quantity
    default: str | None
    choices: dict[str, WordsOut]


class AdviceOut(BaseModel):
    """What the rule says. `amount` null where it does not apply (`why_not`), or while inputs are lacking (`lacks`).

    Advice with its article: whoever proposes answers for it. `verify`: its present text is to be checked first.
    """

    amount: Money | None
    floor: Money | None
    ceiling: Money | None
    calculation: WordsOut | None
    lacks: tuple[str, ...]
    why_not: WordsOut | None
    article: WordsOut
    source: str
    verify: bool
    needs: ApproverRank | None
    over_budget: bool


class OptionOut(BaseModel):
    """One remedy of the pack on this case.

    `cost` null: not known until it is counted. `spot_limit`: what handlers settle themselves; null with `spot`: all.
    """

    code: str
    name: WordsOut
    when: WordsOut | None
    counted: WordsOut | None
    basis: WordsOut
    source: str
    verify: bool
    forms: tuple[Form, ...]
    cost: Money | None
    acceptance: float
    floor: Money | None
    spot: bool
    spot_limit: Money | None
    inputs: list[InputOut]
    advice: AdviceOut | None
    was_refused: bool
    recommended: WordsOut | None
    """Why it is the recommended one; null for all others."""


class RemediesOut(BaseModel):
    """What can be offered on a case, and within which limits who asks acts."""

    options: list[OptionOut]
    currency: str
    rank: ApproverRank
    """As what who asks approves here."""
    spent: Money
    """What the unit has committed and paid this month."""
    monthly_budget: Money | None


class AdviceIn(BaseModel):
    """A remedy of the pack, and the inputs of its calculator; nothing is stored."""

    remedy: Name
    inputs: Annotated[Mapping[Name, Name], Field(max_length=20, default_factory=dict)]


class RemedyOut(BaseModel):
    """A remedy with the case that it belongs to."""

    number: str
    unit: str
    remedy: CaseRemedy


class PostingOut(BaseModel):
    """One half of an entry: what an account got, or gave where it is negative."""

    id: int
    number: str
    unit: str
    remedy: str
    entry: str
    account: Account
    amount: Money
    at: datetime
    by: str


class BalanceOut(BaseModel):
    """What each account of the units holds. `balanced`: each entry and all together add up to nothing."""

    accounts: dict[str, dict[str, Decimal]]
    """By currency, then by account."""
    balanced: bool
    unbalanced: list[str]
    """Entries that do not, as `number/entry`; the first hundred."""


def remedy_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """`/cases/{number}/advice`, `/remedies`, `/ledger`, `/ledger/balance`."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.post("/cases/{number}/advice", openapi_extra=describe_body(AdviceIn))
    async def advise_on(principal: may, number: str, request: Request) -> AdviceOut:
        """What a remedy's calculator says of these inputs."""
        asked = validate(AdviceIn, await read_capped(request))
        async with database.reading() as connection:
            row = reached(await store.find(connection, number), principal, number)
            case = fold([fact for fact, _ in await store.facts_of(connection, row.complaint)])
            if case is None:
                raise NotFound(f"There is no case {number}.", zh=f"没有工单 {number}。")
            pack = context.rules_of(case).pack
            purse = await _purse(connection, context, environment, pack, row, principal)
        known = {one.code: one for one in pack.remedies}
        must_be_one_of(
            "remedy", asked.remedy, list(known), not_="is none of", zh="策略包中没有该补救"
        )
        rule, currency = known[asked.remedy], pack.compensation.currency
        advice = advise(rule, asked.inputs, case.work.known, currency=currency)
        found = advice or Advice()
        who = needed(pack, rule, found.amount, spent=purse.spent)
        return _advice_out(pack, rule, found, who)

    @router.get("/remedies")
    async def list_remedies(
        principal: may,
        state: Annotated[list[RemedyState], Query()] = list(AWAITING),  # noqa: B006 - read only
        after: Annotated[str | None, Query(max_length=500)] = None,
        limit: Limit = 50,
    ) -> Page[RemedyOut]:
        """Remedies, those first whose time runs out first; by default what awaits approval."""
        found = read_cursor(after, str, str, str) if after else None
        begin = (datetime.fromisoformat(found[0]), found[1], found[2]) if found else None
        query = remedies_query(principal.units, states=state, after=begin, limit=limit + 1)
        async with database.reading() as connection:
            rows = await store.fetch(connection, query)
        return page_of(
            rows, limit=limit, key=lambda one: (one.expires_at.isoformat(), one.complaint, one.id),
            item=lambda one: RemedyOut(number=one.number, unit=one.unit, remedy=one.body),
        )  # fmt: skip

    @router.get("/ledger")
    async def list_postings(
        principal: may,
        number: Annotated[str | None, Query(max_length=20)] = None,
        after: Annotated[str | None, Query(max_length=500)] = None,
        limit: Limit = 50,
    ) -> Page[PostingOut]:
        """The ledger, the oldest posting first."""
        found = read_cursor(after, int) if after else None
        query = postings_query(
            principal.units, number=number, after=found[0] if found else None, limit=limit + 1
        )
        async with database.reading() as connection:
            rows = await store.fetch(connection, query)
        return page_of(rows, limit=limit, item=_posting, key=lambda one: (one.id,))

    @router.get("/ledger/balance")
    async def balance(principal: may) -> BalanceOut:
        """What the accounts hold, and whether the ledger balances."""
        async with database.reading() as connection:
            rows = await balances(connection, principal.units)
            wrong = await unbalanced(connection, principal.units)
        return _balance(rows, wrong)


async def remedies_out(
    connection: AsyncConnection,
    context: Followup,
    environment: Environment,
    row: Row[Any],
    case: Case,
    principal: Principal,
) -> RemediesOut:
    """What can be offered on a case by whom asks: options with their advice, and the limits."""
    pack = context.rules_of(case).pack
    purse = await _purse(connection, context, environment, pack, row, principal)
    category = row.category
    found = options(pack, category, case.work.remedies, case.work.known, spent=purse.spent)
    currency, budget = pack.compensation.currency, pack.compensation.monthly_budget
    return RemediesOut(
        options=[_option_out(pack, one) for one in found],
        currency=currency,
        rank=purse.rank,
        spent=Money(amount=purse.spent, currency=currency),
        monthly_budget=_money(budget, currency),
    )


async def _purse(
    connection: AsyncConnection,
    context: Followup,
    environment: Environment,
    pack: Pack,
    row: Row[Any],
    principal: Principal,
) -> Purse:
    month = month_of(environment.clock.now(), context.zone)
    return await purse_of(
        connection, context.policy, pack, unit=row.unit, actor=principal.id, month=month
    )


def _option_out(pack: Pack, one: Option) -> OptionOut:
    rule, currency = one.remedy, pack.compensation.currency
    inputs = rule.calculator.inputs if rule.calculator else ()
    return OptionOut(
        code=rule.code,
        name=_words(rule.name),
        when=_words(rule.when) if rule.when else None,
        counted=_words(rule.amount) if rule.amount else None,
        basis=_words(rule.basis),
        source=rule.source,
        verify=rule.verify,
        forms=rule.forms,
        cost=_money(one.cost, currency),
        acceptance=one.acceptance,
        floor=_money(one.floor, currency),
        spot=one.spot,
        spot_limit=_money(one.spot_limit, currency),
        inputs=[
            InputOut(
                id=each.id,
                name=_words(each.name),
                kind=each.kind,
                default=each.default,
                choices={name: _words(choice.name) for name, choice in each.choices.items()},
            )
            for each in inputs
        ],
        advice=_advice_out(pack, rule, one.advice, one.needs) if one.advice else None,
        was_refused=one.was_refused,
        recommended=WordsOut(zh=one.recommended_zh, en=one.recommended_en)
        if one.recommended_en
        else None,
    )


def _advice_out(pack: Pack, rule: Remedy, advice: Advice, who: Needed | None) -> AdviceOut:
    currency = pack.compensation.currency
    return AdviceOut(
        amount=_money(advice.amount, currency),
        floor=_money(advice.floor if advice.floor is not None else rule.minimum, currency),
        ceiling=_money(advice.ceiling, currency),
        calculation=WordsOut(zh=advice.steps_zh, en=advice.steps_en) if advice.steps_en else None,
        lacks=advice.lacks,
        why_not=WordsOut(zh=advice.why_zh, en=advice.why_en) if advice.why_en else None,
        article=_words(rule.basis),
        source=rule.source,
        verify=rule.verify,
        needs=who.rank if who else None,
        over_budget=bool(who and who.over_budget),
    )


def _words(text: Text) -> WordsOut:
    return WordsOut(zh=text.zh, en=text.en)


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return Money(amount=amount, currency=currency) if amount is not None else None


def _posting(row: Row[Any]) -> PostingOut:
    amount = Money(amount=from_minor(row.amount, row.currency), currency=row.currency)
    shown = {name: getattr(row, name) for name in PostingOut.model_fields if name != "amount"}
    return PostingOut(amount=amount, **shown)


def _balance(rows: Sequence[Row[Any]], wrong: Sequence[Row[Any]]) -> BalanceOut:
    accounts: dict[str, dict[str, Decimal]] = {}
    for one in rows:
        of_currency = accounts.setdefault(
            one.currency, {name: from_minor(0, one.currency) for name in ACCOUNTS}
        )
        of_currency[one.account] = from_minor(int(one.amount), one.currency)
    return BalanceOut(
        accounts=accounts,
        balanced=not wrong and all(sum(each.values()) == 0 for each in accounts.values()),
        unbalanced=[f"{one.number}/{one.entry}" for one in wrong],
    )
