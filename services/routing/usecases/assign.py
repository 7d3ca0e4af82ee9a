"""Giving a complaint to the best handler there is; without one it waits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any, Final

from services.routing import store
from services.routing.model import Choice, HandlerSnapshot, Need, Nobody
from services.routing.policy.assign import choose_handler
from services.routing.policy.roster import WEIGHTS, Roster
from services.routing.usecases.context import Routing
from services.routing.usecases.say import say_triage
from shared.contracts.desk import PolicyAccount
from shared.contracts.routing import ComplaintAssigned
from shared.contracts.values import SEVERITIES
from shared.store.transaction import Tx

CAPACITY: Final = 1_000 * WEIGHTS["normal"]
"""What a handler can hold until staff data says otherwise: a thousand cases of normal severity."""
SWEEP_SECONDS: Final = 30
"""While somebody waits, the queue is looked at so often for what nobody tells routing, such as a new account."""


@dataclass(slots=True)
class _Seats:
    """The roster of one unit of work."""

    roster: Roster | None = None

    async def write(self, _: Tx) -> None:
        """Nothing of its own: what changed is the store's to write."""


async def know(tx: Tx, routing: Routing) -> Roster:
    """All handlers as they are in this unit of work, held until its commit.

    Every active account of role handler is one, there and with all skills, until staff data says
    otherwise.
    """
    seats = tx.memory(_Seats)
    if seats.roster is None:
        accounts = {one.id: one for one in _handlers(routing)}
        await _have_rows(tx, accounts.values())
        seats.roster = Roster(store.handlers(tx, accounts), substitutes=store.substitutes(tx))
        store.news(tx)
    for one in store.news(tx):
        if one.id in seats.roster.handlers:
            seats.roster.change(one)
    return seats.roster


async def glance(tx: Tx, routing: Routing) -> Roster:
    """All handlers as they are now, to plan by: they are not held, and may be others a moment later."""
    accounts = {one.id: one for one in _handlers(routing)}
    found, substitutes = await store.snapshots(tx, accounts)
    new = accounts.keys() - {one.id for one in found}
    return Roster([*found, *(_newcomer(accounts[id_]) for id_ in new)], substitutes=substitutes)


def _newcomer(account: PolicyAccount) -> HandlerSnapshot:
    """An account of which nothing was written yet."""
    return HandlerSnapshot(
        id=account.id,
        unit=account.unit,
        team=None,
        skills=None,
        languages=frozenset(account.languages),
        is_present=True,
        load=0,
        capacity=CAPACITY,
        last_assigned_at=None,
    )


async def know_account(tx: Tx, account: PolicyAccount) -> None:
    """Have a load kept of an account that is given something by name, whatever its role."""
    await _have_rows(tx, [account])


async def _have_rows(tx: Tx, accounts: Collection[PolicyAccount]) -> None:
    await store.know_handlers(
        tx, {one.id: (one.unit, one.languages) for one in accounts}, capacity=CAPACITY
    )


def _handlers(routing: Routing) -> list[PolicyAccount]:
    accounts = routing.policy.accounts.values()
    return [one for one in accounts if one.role == "handler" and one.active]


def need_of(routing: Routing, row: Mapping[str, Any], *, former: str | None = None) -> Need:
    """What a complaint needs, by its decision."""
    return Need(
        team=row["team"],
        skills=frozenset(row["skills"]),
        language=row["language"],
        units=list(routing.policy.upwards(row["unit"])),
        severity=row["severity"],
        area=row["area"],
        former=former,
        refused=frozenset(row["refused"] or ()),
    )


async def assign(
    tx: Tx,
    routing: Routing,
    row: Mapping[str, Any],
    *,
    asked: bool = False,
    former: str | None = None,
    excluded: frozenset[str] = frozenset(),
) -> Choice | Nobody:
    """Give it to the best handler there is now; else it waits, and a person is asked once."""
    roster = await know(tx, routing)
    former = former or store.former_handler(tx, row["complainant"])
    need = replace(need_of(routing, row, former=former), excluded=excluded)
    choice = choose_handler(need, handlers=roster)
    if isinstance(choice, Nobody):
        _wait(tx, row, choice, asked=asked)
    else:
        give(tx, row, choice)
    return choice


def give(tx: Tx, row: Mapping[str, Any], choice: Choice) -> None:
    """It is theirs, and their load."""
    weight = WEIGHTS[row["severity"]]
    store.take_load(tx, choice.handler, weight)
    store.change_decision(
        tx,
        row["complaint"],
        state="assigned",
        handler=choice.handler,
        weight=weight,
        line=None,
        waits_since=None,
        choice=store.choice_column(choice),
        decided_at=tx.now,
        decided_by=row["decided_by"],
    )
    said = ComplaintAssigned(
        number=row["number"],
        cycle=row["cycle"],
        team=choice.team,
        handler=choice.handler,
        helpers=tuple(row["helpers"] or ()),
        reasons=tuple(reason.say(row["language"]) for reason in choice.reasons),
        assigned_at=tx.now,
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])


def _wait(tx: Tx, row: Mapping[str, Any], nobody: Nobody, *, asked: bool) -> None:
    store.change_decision(
        tx,
        row["complaint"],
        state="waiting",
        handler=None,
        choice=store.choice_column(nobody),
        line=_line(row),
        rank=SEVERITIES.index(row["severity"]),
        waits_since=row["waits_since"] or tx.now,
    )
    come_back(tx)
    if not asked:
        say_triage(tx, row, [nobody.reason.say(row["language"])])


def come_back(tx: Tx) -> None:
    """Look at the queue again in a while: one timer for all who wait, however many."""
    due = int(tx.now.timestamp()) // SWEEP_SECONDS + 1
    at = datetime.fromtimestamp(due * SWEEP_SECONDS, UTC)
    # Two keys in turn: one that is due is not moved on by those who begin to wait meanwhile.
    tx.arm(store.TURN, subject=store.QUEUE, due_at=at, key=f"sweep-{due % 2}")


def _line(row: Mapping[str, Any]) -> str:
    """Those who wait for the same: one who has what the first needs has it for all of them."""
    refused = ",".join(sorted(row["refused"] or ()))
    needed = f"{row['unit']}/{row['team']}/{','.join(sorted(row['skills']))}/{refused}"
    return blake2s(needed.encode(), digest_size=16).hexdigest()
