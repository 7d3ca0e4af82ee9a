"""A complaint goes from one handler to another: by a supervisor, given back, escalated, at a shift's end."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from services.routing import store
from services.routing.model import Choice, Need, Nobody, Reason
from services.routing.policy.assign import barred, choose_handler
from services.routing.policy.telling import why_not
from services.routing.store import staff
from services.routing.usecases.assign import assign, give, know, know_account, need_of
from services.routing.usecases.context import Routing
from services.routing.usecases.finding import in_reach, known
from services.routing.usecases.say import say_triage
from shared.contracts.envelope import Event
from shared.contracts.followup import CaseEscalated, CaseRefused
from shared.contracts.routing import ComplaintUnassigned
from shared.errors import Conflict, FieldError, Invalid
from shared.masking import mask
from shared.store.timers import Timer
from shared.store.transaction import Tx

MOST_REFUSALS: Final = 2
"""So often a complaint may be given back in a cycle; then it is the supervisor's, or a person is asked."""
_TO_SUPERVISOR: Final = 2
"""The level of the ladder from which it is the supervisor's matter."""
_TOLD: Final = frozenset({"warned", "critical", "not_upheld"})
"""What those above are only told of: nothing was missed, and its handler goes on."""


async def hand_over(
    tx: Tx,
    routing: Routing,
    *,
    number: str,
    handler: str,
    reason: str,
    by: str,
    units: frozenset[str],
) -> None:
    """A supervisor gives a complaint to a handler of their choice, also one who gave it back.
    Raises NotFound, Invalid, Conflict.
    """
    row = await in_reach(tx, number, units)
    _must_be_open(row)
    if row["state"] == "assigned" and row["handler"] == handler:
        return
    await _must_fit(tx, routing, row, handler)
    said = mask(reason).text
    why = Reason("handed_over", f"由主管指派：{said}", f"Given by a supervisor: {said}")
    _move(tx, dict(row) | {"decided_by": by}, handler, why, said)


async def give_back(
    tx: Tx,
    routing: Routing,
    *,
    number: str,
    holder: str | None,
    reason: str,
    by: str,
    units: frozenset[str],
) -> None:
    """Its handler cannot deal with it: somebody else gets it; the second time the supervisor does.
    Raises NotFound, Conflict.
    """
    row = await in_reach(tx, number, units)
    if row["state"] != "assigned" or row["handler"] != holder:
        raise Conflict(
            "They do not have it: there is nothing to give back.", zh="此件不在其手上，无需退回。",
            errors=[FieldError("number", row["state"], "is not theirs", "不在其手上")],
        )  # fmt: skip
    await _given_back(tx, routing, row, reason=mask(reason).text, by=by)


async def hear_refusal(event: Event[CaseRefused], tx: Tx, routing: Routing) -> None:
    """Its handler gave the case back: as if they had said so here. What is not theirs any more stays where it is."""
    row, said = await known(tx, event), event.body
    if (row["cycle"], row["state"], row["handler"]) == (said.cycle, "assigned", said.handler):
        await _given_back(tx, routing, row, reason=said.reason, by=said.by)


async def _given_back(
    tx: Tx, routing: Routing, row: Mapping[str, Any], *, reason: str, by: str
) -> None:
    _take_away(tx, row, reason)
    refused = [*(row["refused"] or ()), row["handler"]]
    changes = {"handler": None, "state": "waiting", "refused": refused, "decided_by": by}
    store.change_decision(tx, row["complaint"], **changes)
    row = dict(row) | changes
    if len(refused) < MOST_REFUSALS:
        await assign(tx, routing, row)
        return
    why = Reason(
        "refused_too_often", f"已被退回{len(refused)}次", f"Given back {len(refused)} times"
    )
    if not await _to_supervisor(tx, routing, row, why):
        choice = store.choice_column(Nobody(why, ()))
        store.change_decision(tx, row["complaint"], state="triage", choice=choice)
        say_triage(tx, row, [why.say(row["language"])])


async def escalate(event: Event[CaseEscalated], tx: Tx, routing: Routing) -> None:
    """What moved up the ladder is the team's supervisor's, where staff data names one."""
    row = await known(tx, event)
    is_late = event.body.cycle < row["cycle"] or row["state"] == "done"
    if is_late or row["unsure"] or event.body.escalation_level < _TO_SUPERVISOR:
        return
    if event.body.what in _TOLD:
        return
    why = Reason("escalated", f"已升级：{event.body.what}", f"Escalated: {event.body.what}")
    await _to_supervisor(tx, routing, row, why)


async def pass_on(
    tx: Tx,
    routing: Routing,
    *,
    number: str,
    reason: str,
    by: str,
    units: frozenset[str],
    holder: str | None = None,
) -> None:
    """Somebody else gets it, by the rules; who stands in for its handler first. With nobody else there it stays.
    `holder`: only if it is theirs. Raises NotFound, Conflict.
    """
    row = await in_reach(tx, number, units)
    _must_be_open(row)
    if holder is not None and (row["state"], row["handler"]) != ("assigned", holder):
        raise Conflict(
            f"{holder!r} does not have it any more.", zh="此件已不在该处理人手上。",
            errors=[FieldError("from", "not_theirs", "does not have it", "不在其手上")],
        )  # fmt: skip
    nobody = await _pass_on(tx, routing, dict(row) | {"decided_by": by}, mask(reason).text)
    if nobody is not None:
        raise Conflict(
            f"{nobody.reason.en}: it stays as it is.", zh=f"{nobody.reason.zh}，维持原状。",
            errors=[FieldError("number", nobody.reason.code, nobody.reason.en, nobody.reason.zh)],
        )  # fmt: skip


async def end_of_shift(timer: Timer, tx: Tx, routing: Routing) -> None:
    """A severe one does not wait for its handler's next shift, if somebody else is there."""
    row = await store.decision(tx, timer.subject)
    holder = timer.body["handler"]
    if row is None or (row["state"], row["handler"]) != ("assigned", holder):
        return
    roster = await know(tx, routing)
    one = roster.handlers.get(holder)
    if one is None or one.away is not None:
        why = Reason("end_of_shift", "班次结束，交班", "The shift ended")
        await _pass_on(tx, routing, row, why.say(row["language"]))


async def _pass_on(tx: Tx, routing: Routing, row: Mapping[str, Any], reason: str) -> Nobody | None:
    roster = await know(tx, routing)
    excluded = frozenset({row["handler"]} - {None})
    need = replace(need_of(routing, row, former=row["handler"]), excluded=excluded)
    choice = choose_handler(need, handlers=roster)
    if isinstance(choice, Nobody):
        return choice
    if row["state"] == "assigned":
        _take_away(tx, row, reason)
    give(tx, row, choice)
    return None


def _must_be_open(row: Mapping[str, Any]) -> None:
    if row["unsure"] or row["state"] == "done":
        raise Conflict(
            "Say first what it is (a correction), or reopen it.", zh="请先更正分类或重新打开工单。",
            errors=[FieldError("number", row["state"], "cannot be given out now", "当前不能派单")],
        )  # fmt: skip


async def _must_fit(tx: Tx, routing: Routing, row: Mapping[str, Any], handler: str) -> None:
    account = routing.policy.accounts.get(handler)
    if (
        account is None
        or not account.active
        or account.unit not in set(routing.policy.upwards(row["unit"]))
    ):
        raise Invalid(
            f"{handler!r} is no handler of this unit.", zh="该处理人不属于此单位。",
            errors=[FieldError("handler", "unknown", "is no active account of the unit or above", "未知处理人")],
        )  # fmt: skip
    await know(tx, routing)
    await know_account(tx, account)
    [one] = store.handlers(tx, [handler])
    need: Need = replace(need_of(routing, row), refused=frozenset())
    because = barred(need, one)
    if because is not None and not (because == "full" and need.severity == "critical"):
        why = why_not(one, because)
        raise Conflict(
            f"That handler {why.en}: choose another.", zh=f"该处理人{why.zh}，请另选。",
            errors=[FieldError("handler", because, why.en, why.zh)],
        )  # fmt: skip


async def _to_supervisor(tx: Tx, routing: Routing, row: Mapping[str, Any], why: Reason) -> bool:
    """Give it to the supervisor of its team, whatever they have; False where staff data names none."""
    units = list(routing.policy.upwards(row["unit"]))
    team = await staff.team_of(tx, units=units, team=row["team"])
    account = routing.policy.accounts.get(team.supervisor) if team and team.supervisor else None
    if account is None or not account.active or account.id in (row["refused"] or ()):
        return False
    if row["state"] == "assigned" and row["handler"] == account.id:
        return True
    await know(tx, routing)
    await know_account(tx, account)
    _move(tx, row, account.id, why, why.say(row["language"]))
    return True


def _move(tx: Tx, row: Mapping[str, Any], handler: str, why: Reason, said: str) -> None:
    if row["state"] == "assigned":
        _take_away(tx, row, said)
    give(tx, row, Choice(handler=handler, team=row["team"], reasons=(why,), passed_over=()))


def _take_away(tx: Tx, row: Mapping[str, Any], reason: str) -> None:
    """Its handler has it no longer. Whoever calls gives it to somebody, or has it wait."""
    store.give_load_back(tx, row["handler"], row["weight"])
    said = ComplaintUnassigned(
        number=row["number"], cycle=row["cycle"], handler=row["handler"], reason=reason
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])
