"""Remedies kept beside their facts: rows to list, the ledger, timers; and what a command about money has to know."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.model import NOTHING_DONE, Case
from services.followup.model.remedies import Purse
from services.followup.policy.remedies.fold import UNPAID, is_settled
from services.followup.policy.remedies.ledger import Transfer, transfers
from services.followup.policy.remedies.money import from_minor, minor, places
from services.followup.store import Kept
from services.followup.store.remedies import post, put_remedy, spent
from shared.contracts.values import ApproverRank
from shared.packs.model import Pack
from shared.policy import Policy
from shared.store.transaction import Tx

REMEDY_TIMER: Final = "remedy"
ACCOUNT: Final = "account/"


def keep_remedies(
    tx: Tx, kept: Kept, before: Case | None, after: Case, *, by: str, zone: str
) -> None:
    """Keep what changed of a case's remedies: their rows, what moved in the ledger, and until when they hold."""
    if after.work is NOTHING_DONE or not after.work.remedies:
        return
    old = before.work.remedies if before else ()
    known = {one.id: one for one in old}
    number = after.received.number
    for one in after.work.remedies:
        was = known.get(one.id)
        if was == one:
            continue
        put_remedy(tx, kept.complaint, one, number=number, unit=kept.unit)
        if one.state in UNPAID and not is_settled(one):
            tx.arm(REMEDY_TIMER, subject=kept.complaint, due_at=one.expires_at, key=one.id)
        elif was is not None:
            tx.disarm(REMEDY_TIMER, subject=kept.complaint, key=one.id)
    place = {
        "complaint": kept.complaint, "number": number, "unit": kept.unit, "month": month_of(tx.now, zone), "at": tx.now,
        "by": by,
    }  # fmt: skip
    for transfer in transfers(old, after.work.remedies):
        post(tx, [{**place, **one} for one in _postings(transfer)])


def _postings(entry: Transfer) -> Iterator[Mapping[str, object]]:
    amount = minor(entry.amount, entry.currency)
    for account, signed in ((entry.source, -amount), (entry.target, amount)):
        yield {
            "remedy": entry.remedy, "entry": entry.id, "account": account, "amount": signed,
            "currency": entry.currency, "places": places(entry.currency),
        }  # fmt: skip


def month_of(now: datetime, zone: str) -> str:
    """The calendar month that a budget is counted in."""
    return f"{now.astimezone(ZoneInfo(zone)):%Y-%m}"


async def purse_of(
    connection: AsyncConnection, policy: Policy, pack: Pack, *, unit: str, actor: str, month: str
) -> Purse:
    """What the actor may approve in a unit, and what that unit has spent in the month."""
    currency = pack.compensation.currency
    found = await spent(connection, unit, month, currency)
    return Purse(rank_at(policy, actor, unit), from_minor(found, currency))


async def held_purse(
    tx: Tx, policy: Policy, pack: Pack, *, unit: str, actor: str, zone: str
) -> Purse:
    """The same for a command: where there is a budget, nobody else spends of it until the commit."""
    if pack.compensation.monthly_budget is not None:
        await tx.lock(f"budget/{unit}")
    month = month_of(tx.now, zone)
    return await purse_of(tx.connection, policy, pack, unit=unit, actor=actor, month=month)


def rank_at(policy: Policy, actor: str, unit: str) -> ApproverRank:
    """As what somebody approves: supervisors of the unit, of a unit above it (its department's head), of the root."""
    account = policy.accounts.get(actor.removeprefix(ACCOUNT))
    is_above = account is not None and account.role == "supervisor"
    if account is None or not is_above or not policy.covers(account.unit, unit):
        return "handler"
    if account.unit == policy.root:
        return "company"
    return "supervisor" if account.unit == unit else "department_head"
