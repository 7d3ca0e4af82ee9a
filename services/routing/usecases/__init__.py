"""What routing does: load, decide, record, say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import timedelta
from typing import Any, Final

from services.routing import store
from services.routing.model import Choice, Correction, Need, Nobody, Reason
from services.routing.policy.assign import choose_handler
from services.routing.policy.understand import understand
from services.routing.store import Decision, learning
from services.routing.usecases.models import Models
from shared.contracts.envelope import Event
from shared.contracts.followup import CaseBody, CaseClosed, CaseReopened
from shared.contracts.intake import ComplaintReceived
from shared.contracts.routing import (
    ComplaintAssigned,
    ComplaintCorrected,
    ComplaintTriageRequested,
    ComplaintUnassigned,
    ComplaintUnderstood,
)
from shared.contracts.values import Category, Cue, Evidence
from shared.errors import Conflict, FieldError, Invalid, NotFound, NotHereYet
from shared.masking import mask
from shared.packs.model import Pack
from shared.policy import Policy
from shared.store.timers import Timer
from shared.store.transaction import Tx

CAPACITY: Final = 1_000
"""Open cases a handler may have until staff data says otherwise."""
LOOK_AGAIN_AFTER: Final = timedelta(seconds=30)
_FIELDS: Final = ("product", "shop", "area", "remedy_sought")


@dataclass(frozen=True, slots=True)
class Routing:
    """What the use cases know beside the transaction."""

    policy: Policy
    models: Models = field(default_factory=Models)


async def route(event: Event[ComplaintReceived], tx: Tx, routing: Routing) -> None:
    """Understand a complaint, and give it to a handler; what is unsure goes to a person."""
    said = event.body
    if event.unit not in routing.policy.units:
        raise NotHereYet(f"unit {event.unit} is not here yet")
    pack = routing.policy.pack(said.pack, said.pack_version)
    fields = {name: value for name in _FIELDS if (value := getattr(said, name))}
    understood = understand(
        text=said.text,
        subject=said.subject,
        fields=fields,
        channel=said.channel,
        pack=pack,
        language=said.language,
        model=await routing.models.of(tx, pack),
    )
    row: dict[str, object] = {
        "complaint": event.subject,
        "number": said.number,
        "unit": event.unit,
        "cycle": 1,
        "state": "triage" if understood.unsure else "waiting",
        "handler": None,
        "choice": {"reasons": [], "passed_over": []},
        "pack": said.pack,
        "pack_version": said.pack_version,
        "text": said.text,
        "decided_by": "machine",
        "decided_at": tx.now,
    } | store.understanding_columns(understood)
    store.add_decision(tx, row)
    _say_understood(tx, row)
    if understood.unsure:
        reasons = [reason.say(said.language) for reason in understood.unsure_because]
        _say_triage(tx, row, reasons)
        return
    await _assign(tx, routing, row)


async def reassign(event: Event[CaseReopened], tx: Tx, routing: Routing) -> None:
    """The next cycle is given out again, at least as severe as the case now is."""
    row = await _known(tx, event)
    if event.body.cycle <= row["cycle"]:
        return
    if row["handler"] is not None and row["state"] == "assigned":
        store.give_load_back(tx, row["handler"])
    changes: dict[str, object] = {"cycle": event.body.cycle, "state": "waiting", "handler": None}
    if event.body.severity is not None:
        changes["severity"] = event.body.severity
    if row["unsure"]:
        changes["state"] = "triage"
    store.change_decision(tx, event.subject, **changes)
    if row["unsure"]:
        return
    await _assign(tx, routing, dict(row) | changes)


async def release(event: Event[CaseClosed], tx: Tx, _: Routing) -> None:
    """The handler has one case less, and somebody who waits may have a turn."""
    row = await _known(tx, event)
    if (
        row["state"] == "assigned"
        and event.body.cycle >= row["cycle"]
        and row["handler"] is not None
    ):
        store.give_load_back(tx, row["handler"])
        store.change_decision(tx, event.subject, state="done")
        store.give_turn(tx)


async def look_again(timer: Timer, tx: Tx, routing: Routing) -> None:
    """See whether somebody can take it now."""
    row = await store.decision(tx, timer.subject)
    if row is not None and row["state"] == "waiting":
        await _assign(tx, routing, dict(row), asked=True)


async def correct(
    tx: Tx,
    routing: Routing,
    *,
    number: str,
    correction: Correction,
    by: str,
    units: frozenset[str],
) -> None:
    """A person says what it is; the machine's understanding stays on the log. Raises NotFound, Invalid, Conflict."""
    row = await _in_reach(tx, number, units)
    pack = routing.policy.pack(row["pack"], row["pack_version"])
    kind, category, severity, reason = astuple(correction)
    known = _category(pack, category)
    if row["state"] == "done":
        raise Conflict(
            "The case is closed: reopen it first.", zh="工单已关闭，请先重新打开。",
            errors=[FieldError("number", "closed", "is closed", "已关闭")],
        )  # fmt: skip
    await learning.keep_lesson(tx, row, correction)
    changes: dict[str, object] = {
        "kind": kind,
        "categories": [{"code": category, "score": 1.0, "evidence": []}],
        "severity": severity,
        "urgency": pack.urgency[severity],
        "unsure": False,
        "reasons": [
            asdict(Reason("corrected", f"由人更正：{reason}", f"Corrected by a person: {reason}"))
        ],
        "team": known.team,
        "skills": sorted(known.skills),
        "decided_by": by,
        "decided_at": tx.now,
    }
    is_owned = row["state"] == "assigned"
    if not is_owned:
        changes["state"] = "waiting"
    store.change_decision(tx, row["complaint"], **changes)
    new = dict(row) | changes
    said = ComplaintCorrected(
        number=row["number"],
        by=by,
        reason=mask(reason).text,
        old_kind=row["kind"],
        old_category=row["categories"][0]["code"] if row["categories"] else None,
        old_severity=row["severity"],
        new_kind=kind,
        new_category=category,
        new_severity=severity,
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])
    _say_understood(tx, new)
    if not is_owned:
        await _assign(tx, routing, new)


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
    """A supervisor gives a complaint to a handler of their choice. Raises NotFound, Invalid, Conflict."""
    row = await _in_reach(tx, number, units)
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
    if row["unsure"] or row["state"] == "done":
        raise Conflict(
            "Say first what it is (a correction), or reopen it.", zh="请先更正分类或重新打开工单。",
            errors=[FieldError("number", row["state"], "cannot be given out now", "当前不能派单")],
        )  # fmt: skip
    await _know(tx, routing)
    if not store.take_load(tx, handler):
        raise Conflict(
            "That handler is absent or full: choose another.", zh="该处理人不在岗或已满。",
            errors=[FieldError("handler", "unavailable", "is absent or full", "不在岗或已满")],
        )  # fmt: skip
    if row["handler"] is not None and row["state"] == "assigned":
        store.give_load_back(tx, row["handler"])
        taken = ComplaintUnassigned(
            number=row["number"],
            cycle=row["cycle"],
            handler=row["handler"],
            reason=mask(reason).text,
        )
        tx.say(taken, subject=row["complaint"], unit=row["unit"])
    why = Reason(
        "handed_over",
        f"由主管指派：{mask(reason).text}",
        f"Given by a supervisor: {mask(reason).text}",
    )
    choice = Choice(handler=handler, team=row["team"], reasons=(why,), passed_over=())
    _give(tx, dict(row) | {"decided_by": by}, choice)


async def set_presence(
    tx: Tx, routing: Routing, *, handler: str, present: bool, units: frozenset[str]
) -> None:
    """Somebody comes or goes. Raises NotFound outside the caller's units."""
    account = routing.policy.accounts.get(handler)
    if account is None or account.role != "handler" or account.unit not in units:
        raise NotFound(f"There is no handler {handler!r}.", zh=f"没有处理人 {handler}。")
    await _know(tx, routing)
    await store.set_presence(tx, handler, present=present)
    if present:
        store.give_turn(tx)


async def _assign(tx: Tx, routing: Routing, row: Mapping[str, Any], *, asked: bool = False) -> None:
    """Give it to the best handler there is now; else it waits, and a person is asked once."""
    accounts = await _know(tx, routing)
    need = Need(
        team=row["team"],
        skills=frozenset(row["skills"]),
        language=row["language"],
        units=list(routing.policy.upwards(row["unit"])),
    )
    choice = choose_handler(need, handlers=store.handlers(tx, accounts))
    if isinstance(choice, Nobody):
        _wait(tx, row, choice, asked=asked)
    else:
        store.take_load(tx, choice.handler)
        _give(tx, row, choice)


async def _know(tx: Tx, routing: Routing) -> list[str]:
    """Every active account of role handler is one, present and with all skills, until staff data says otherwise."""
    found = [
        one for one in routing.policy.accounts.values() if one.role == "handler" and one.active
    ]
    await store.know_handlers(
        tx, {one.id: (one.unit, one.languages) for one in found}, capacity=CAPACITY
    )
    return [one.id for one in found]


def _give(tx: Tx, row: Mapping[str, Any], choice: Choice) -> None:
    store.change_decision(
        tx,
        row["complaint"],
        state="assigned",
        handler=choice.handler,
        choice=store.choice_column(choice),
        decided_at=tx.now,
        decided_by=row["decided_by"],
    )
    said = ComplaintAssigned(
        number=row["number"],
        cycle=row["cycle"],
        team=choice.team,
        handler=choice.handler,
        reasons=tuple(reason.say(row["language"]) for reason in choice.reasons),
        assigned_at=tx.now,
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])


def _wait(tx: Tx, row: Mapping[str, Any], nobody: Nobody, *, asked: bool) -> None:
    store.change_decision(tx, row["complaint"], state="waiting", choice=store.choice_column(nobody))
    tx.arm(store.LOOK_AGAIN, subject=row["complaint"], due_at=tx.now + LOOK_AGAIN_AFTER)
    if not asked:
        _say_triage(tx, row, [nobody.reason.say(row["language"])])


async def _known(tx: Tx, event: Event[CaseBody]) -> Decision:
    row = await store.decision(tx, event.subject)
    if row is None:
        raise NotHereYet(f"complaint {event.subject} has not reached routing yet")
    return row


async def _in_reach(tx: Tx, number: str, units: frozenset[str]) -> Decision:
    complaint = await store.complaint_of(tx, number)
    if complaint is not None:
        await tx.lock(complaint)
        row = await store.decision(tx, complaint)
        if row is not None and row["unit"] in units:
            return row
    raise NotFound(f"There is no decision on {number!r}.", zh=f"没有编号 {number} 的派单记录。")


def _category(pack: Pack, code: str) -> Any:  # noqa: ANN401 - the pack's Category
    try:
        return pack.category(code)
    except KeyError:
        known = ", ".join(one.code for one in pack.taxonomy)
        raise Invalid(
            f"There is no category {code!r} in {pack.ref}.", zh=f"策略包 {pack.ref} 中没有类别 {code}。",
            errors=[FieldError("category", "unknown", f"is none of {known}", "未知类别")],
        ) from None  # fmt: skip


def _say_understood(tx: Tx, row: Mapping[str, Any]) -> None:
    said = ComplaintUnderstood(
        number=row["number"],
        kind=row["kind"],
        categories=tuple(_category_value(one) for one in row["categories"]),
        severity=row["severity"],
        urgency=row["urgency"],
        unsure=row["unsure"],
        cues=tuple(
            Cue(
                id=one["id"],
                effect=one["effect"],
                matched="、".join(hit["word"] for hit in one["evidence"]),
            )
            for one in row["cues"]
        ),
        reasons=tuple(
            one["zh"] if row["language"] == "zh" else one["en"] for one in row["reasons"]
        ),
        pack=row["pack"],
        pack_version=row["pack_version"],
        model=row["model"],
        scope=row["scope"],
        emotion=row["emotion"],
        wants=tuple(row["wants"] or ()),
        by=row["decided_by"],
        understood_at=tx.now,
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])


def _category_value(one: Mapping[str, Any]) -> Category:
    evidence = tuple(
        Evidence(word=hit["word"], where=hit["place"], weight=hit["weight"])
        for hit in one["evidence"]
    )
    return Category(code=one["code"], score=round(one["score"], 4), evidence=evidence)


def _say_triage(tx: Tx, row: Mapping[str, Any], reasons: Sequence[str]) -> None:
    said = ComplaintTriageRequested(
        number=row["number"],
        cycle=row["cycle"],
        reasons=tuple(reasons),
        candidates=tuple(_category_value(one) for one in row["categories"]),
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])
