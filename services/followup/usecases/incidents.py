"""Incidents: opened by staff, of a candidate or by a warning; and what is done to them."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from services.followup.policy.commands.order import Order as Sent
from services.followup.policy.commands.order import clean, clean_all, clean_or_none, wrong
from services.followup.policy.incidents import orders
from services.followup.policy.incidents.joining import opens_incident, shown, sign_of
from services.followup.policy.incidents.table import COMMANDS, Command, missing
from services.followup.store import incidents as rows
from services.followup.usecases.commands import Actor
from services.followup.usecases.membership import BY_SIGN, Held, change, hold, let_go, take_in
from services.followup.usecases.record import Followup
from shared.contracts.envelope import Event
from shared.contracts.incidents import (
    IncidentBody,
    IncidentBulletin,
    IncidentClosed,
    IncidentOpened,
    IncidentReport,
    IncidentResult,
    IncidentUpdated,
    Inspected,
    Sign,
    Teammate,
)
from shared.contracts.insight import WarningRaised
from shared.contracts.intake import ComplaintReceived
from shared.contracts.values import Finding
from shared.errors import Conflict, FieldError, NotFound
from shared.ids import new_id
from shared.store.transaction import Tx
from shared.web.idempotency import claim
from shared.web.versions import check_version

Updates = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IncidentOrder:
    """One command, or an opening (`incident` is new then), as it was sent. `version` None means any."""

    name: str
    incident: str
    sent: Sent
    actor: Actor
    version: int | None
    key: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class IncidentDone:
    """The incident after a command; `is_replay` when the command had been done before under the same key."""

    body: IncidentBody
    unit: str
    is_replay: bool


async def open_by_staff(tx: Tx, context: Followup, order: IncidentOrder, unit: str) -> IncidentDone:
    """Open an incident once, with its first members. Raises Invalid for numbers that are not there, or Conflict."""
    sent = order.sent
    if not isinstance(sent, orders.OpenIncident):
        raise TypeError(f"{type(sent).__name__} opens no incident")
    made = await claim(
        tx, scope=f"{order.actor.id}:incidents", key=order.key, fingerprint=order.fingerprint,
        reference=order.incident, now=tx.now,
    )  # fmt: skip
    if made is not None:
        return await _there(tx, made)
    complaints = await _complaints(
        tx, sent.numbers, order.actor.units & context.policy.subtree(unit)
    )
    body = IncidentOpened(
        incident_id=order.incident, state="open", version=1, zh=clean(sent.zh), en=clean(sent.en),
        origin="candidate" if sent.is_candidate else "staff", sign=sent.sign.sign() if sent.sign else None,
        categories=sent.categories, opened_at=tx.now, by=order.actor.id, what="open",
    )  # fmt: skip
    await rows.put_incident(tx, body, unit=unit, is_new=True)
    tx.say(body, subject=body.incident_id, unit=unit)
    held = await _held(tx, order.incident, complaints)
    if complaints:
        await _attach(tx, context, held, complaints, via=body.origin, by=order.actor.id)
    return IncidentDone(held.body, unit, is_replay=False)


async def command_incident(tx: Tx, context: Followup, order: IncidentOrder) -> IncidentDone:
    """Do a command once. Raises NotFound, Stale, then Conflict that names every missing fact, or Invalid."""
    row = await rows.incident_row(tx, order.incident)
    if row is None or row.unit not in order.actor.units:
        raise not_found(order.incident)
    numbers = getattr(order.sent, "numbers", ())
    reach = order.actor.units & context.policy.subtree(row.unit)
    complaints = await _complaints(tx, numbers, reach)
    held = await _held(tx, order.incident, complaints)
    made = await claim(
        tx, scope=f"{order.actor.id}:incident-commands", key=order.key, fingerprint=order.fingerprint,
        reference=order.incident, now=tx.now,
    )  # fmt: skip
    if made is not None:
        return IncidentDone(held.body, held.unit, is_replay=True)
    check_version(order.version, held.body.version)
    known = COMMANDS[order.name]
    if errors := missing(known, held.body):
        raise Conflict(
            f"{known.name} is not possible now: see errors.", zh=f"暂时不能{known.zh}，见 errors。", errors=errors
        )  # fmt: skip
    doing = Doing(tx, context, held, known, order.actor.id, complaints)
    updates = await _DO[order.name](doing, order.sent)
    if updates is not None:
        event = IncidentClosed if known.to == "closed" else IncidentUpdated
        await change(tx, held, updates, by=order.actor.id, what=order.name, event=event)
    return IncidentDone(held.body, held.unit, is_replay=False)


@dataclass(frozen=True, slots=True)
class Doing:
    """A command under way on a locked incident, with the complaints that it names, locked too."""

    tx: Tx
    context: Followup
    held: Held
    known: Command
    by: str
    complaints: Sequence[str]


async def _do_attach(on: Doing, _: Sent) -> Updates | None:
    await _attach(on.tx, on.context, on.held, on.complaints, via="staff", by=on.by)
    return None  # said with the joining


async def _do_detach(on: Doing, sent: orders.Detach) -> Updates:
    return await let_go(
        on.tx, on.context, on.held, on.complaints, reason=clean(sent.reason), by=on.by
    )


async def _do_follow(_: Doing, sent: orders.Follow) -> Updates:
    return {"sign": sent.sign.sign() if sent.sign else None, "categories": sent.categories}


async def _do_form_team(on: Doing, sent: orders.FormTeam) -> Updates:
    for field, account in (("lead", sent.lead), *(("team", one.account) for one in sent.team)):
        found = on.context.policy.accounts.get(account)
        if found is None or not found.active:
            raise wrong(field, "unknown", f"names no account {account!r}", f"没有账号 {account}")
    team = tuple(Teammate(account=one.account, role=clean(one.role)) for one in sent.team)
    return {"lead": sent.lead, "team": team}


async def _do_plan_inspections(on: Doing, sent: orders.PlanInspections) -> Updates:
    new: list[Mapping[str, object]] = [
        {
            "id": new_id(), "incident": on.held.body.incident_id, "unit": on.held.unit, "object": clean(one.object),
            "place": clean_or_none(one.place), "state": "open", "photos": [], "added_at": on.tx.now,
        }
        for one in sent.objects
    ]  # fmt: skip
    await rows.add_inspections(on.tx, new)
    now = on.held.body.inspections
    return {"inspections": now.model_copy(update={"objects": now.objects + len(new)})}


async def _do_record_inspection(on: Doing, sent: orders.RecordInspection) -> Updates:
    state = "faulty" if sent.faulty else "fine"
    values = {
        "state": state, "finding": clean(sent.finding), "photos": list(sent.photos), "by": on.by, "done_at": on.tx.now,
    }  # fmt: skip
    before = await rows.settle_inspection(on.tx, on.held.body.incident_id, sent.inspection, values)
    if before is None:
        raise wrong("inspection", "unknown", "is none of the incident's", "不是该事件的排查对象")
    now = on.held.body.inspections
    return {
        "inspections": Inspected(
            objects=now.objects,
            done=now.done + (before.state == "open"),
            faulty=now.faulty + (state == "faulty") - (before.state == "faulty"),
        )
    }


async def _do_find_cause(on: Doing, sent: orders.FindCause) -> Updates:
    pack, version = on.context.policy.in_force(on.held.unit, on.tx.now)
    known = {one.code for one in on.context.rules(pack, version).pack.causes}
    if known and sent.code not in known:
        named = ", ".join(sorted(known))
        raise wrong("code", "unknown", f"is none of {named}", "不在策略包的根因清单中")
    finding = Finding(
        code=sent.code, text=clean(sent.text), preliminary=sent.preliminary, evidence=clean_all(sent.evidence),
        found_at=on.tx.now,
    )  # fmt: skip
    return {"finding": finding}


async def _do_tell(on: Doing, sent: orders.Tell) -> Updates:
    body = on.held.body
    said = IncidentBulletin(
        incident_id=body.incident_id, bulletin_id=new_id(), zh=clean(sent.zh), en=clean(sent.en),
        next_zh=clean(sent.next_zh), next_en=clean(sent.next_en), by=sent.by, danger=sent.danger, said_at=on.tx.now,
    )  # fmt: skip
    row = {
        "id": said.bulletin_id, "incident": body.incident_id, "unit": on.held.unit, "members": body.members,
        "body": said.model_dump(mode="json"), "by": on.by, "said_at": on.tx.now,
    }  # fmt: skip
    await rows.add_bulletin(on.tx, row)
    on.tx.say(said, subject=body.incident_id, unit=on.held.unit)
    return {"bulletins": body.bulletins + 1, "last_bulletin_id": said.bulletin_id}


async def _do_move(on: Doing, _: Sent) -> Updates:
    return await _moved(on, {})


async def _do_solve(on: Doing, sent: orders.Solve) -> Updates:
    result = IncidentResult(
        outcome=sent.outcome, reason=clean(sent.reason), remedy=clean_or_none(sent.remedy), told_at=sent.told_at
    )  # fmt: skip
    return await _moved(on, {"result": result, "solved_at": on.tx.now})


async def _do_close(on: Doing, sent: orders.CloseIncident) -> Updates:
    report = IncidentReport(
        summary=clean(sent.summary), prevention=clean_or_none(sent.prevention), effect_check_at=sent.effect_check_at,
        written_by=on.by, written_at=on.tx.now,
    )  # fmt: skip
    return await _moved(on, {"report": report, "closed_at": on.tx.now})


async def _moved(on: Doing, updates: Updates) -> Updates:
    """The incident comes to another state, which begins to go to all members."""
    body, to = on.held.body, on.known.to
    result = updates.get("result")
    move = {
        "incident": body.incident_id, "unit": on.held.unit, "number": body.moves + 1, "state": to, "by": on.by,
        "result": result.model_dump(mode="json") if result else None,
    }  # fmt: skip
    await rows.begin_move(on.tx, move)
    return {**updates, "state": to, "moves": body.moves + 1}


_DO: Final[Mapping[str, Callable[[Doing, Any], Awaitable[Updates | None]]]] = MappingProxyType(
    {
        "attach": _do_attach,
        "detach": _do_detach,
        "follow": _do_follow,
        "form_team": _do_form_team,
        "plan_inspections": _do_plan_inspections,
        "record_inspection": _do_record_inspection,
        "find_cause": _do_find_cause,
        "tell": _do_tell,
        "investigate": _do_move,
        "act": _do_move,
        "solve": _do_solve,
        "close": _do_close,
    }
)


async def warned(event: Event[WarningRaised], tx: Tx, context: Followup) -> None:
    """Open an incident of a warning, once; what a later one names, or one about the same thing, joins it."""
    said = event.body
    context.must_know(event.unit)
    if not opens_incident(said):
        return
    row = await rows.incident_of_warning(tx, said.warning_id)
    sign = sign_of(said)
    there = row.id if row is not None else await _about(tx, event.unit, sign)
    if there is None:
        there = new_id()
        body = IncidentOpened(
            incident_id=there, state="open", version=1, zh=said.rule_zh, en=said.rule_en, origin="warning",
            warning_id=said.warning_id, sign=sign, categories=said.categories, opened_at=tx.now, what="open",
        )  # fmt: skip
        await rows.put_incident(tx, body, unit=event.unit, is_new=True)
        tx.say(body, subject=there, unit=event.unit)
    await rows.ask_in(tx, there, said.complaints, unit=event.unit, via="warning")


async def _about(tx: Tx, unit: str, sign: Sign | None) -> str | None:
    """The open incident of a unit that is known by the same sign."""
    if sign is None:
        return None
    for row in await rows.following(tx):
        if (row.unit, row.sign_by, row.sign_value) == (unit, sign.by, sign.value):
            return str(row.id)
    return None


class Showing:
    """The signs of complaints that a unit of work receives, held against open incidents at its end."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, Mapping[str, str]]] = []

    async def write(self, tx: Tx) -> None:
        """Have those that show an incident's sign wait to be taken in."""
        for row in await rows.following(tx):
            showing = [
                (complaint, unit)
                for complaint, unit, signs in self.received
                if signs.get(row.sign_by) == row.sign_value
            ]
            for complaint, unit in showing:
                await rows.ask_in(tx, row.id, [complaint], unit=unit, via=BY_SIGN)


async def show(event: Event[ComplaintReceived], tx: Tx, _: Followup) -> None:
    """A complaint that shows the sign of an open incident is to be part of it."""
    if signs := shown(event.body):
        tx.memory(Showing).received.append((event.subject, event.unit, signs))


async def _attach(
    tx: Tx,
    context: Followup,
    held: Held,
    complaints: Sequence[str],
    *,
    via: str,
    by: str,
) -> None:
    """Take in what people name, at once. Raises Conflict for what is in another open incident."""
    busy = await rows.elsewhere(tx, complaints)
    if others := sorted(set(busy.values()) - {held.body.incident_id}):
        message = (
            f"some are part of another open incident: detach them from {', '.join(others)} first"
        )
        zh = "部分投诉已属于其他未结束的群诉事件，请先移出"
        raise Conflict(f"{message}.", zh=f"{zh}。", errors=[FieldError("numbers", "elsewhere", message, zh)])  # fmt: skip
    id_ = held.body.incident_id
    await rows.ask_in(tx, id_, complaints, unit=held.unit, via=via)
    await rows.ask_again(tx, id_, complaints)
    if updates := await take_in(tx, context, held, complaints, by=by):
        await change(tx, held, updates, by=by, what="attach")


async def _held(tx: Tx, id_: str, complaints: Collection[str]) -> Held:
    held = await hold(tx, id_, complaints)
    if held is None:
        raise not_found(id_)
    return held


async def _there(tx: Tx, id_: str) -> IncidentDone:
    row = await rows.incident_row(tx, id_)
    if row is None:
        raise not_found(id_)
    return IncidentDone(rows.body_of(row), row.unit, is_replay=True)


async def _complaints(tx: Tx, numbers: Sequence[str], units: Collection[str]) -> Sequence[str]:
    """The complaints of some numbers within reach. Raises Invalid for the first that is not there."""
    places = await rows.places_of(tx, set(numbers)) if numbers else {}
    for number in numbers:
        if number not in places or places[number][1] not in units:
            raise wrong("numbers", "unknown", f"has no case {number}", f"没有工单 {number}")
    return [places[number][0] for number in dict.fromkeys(numbers)]


def not_found(id_: str) -> NotFound:
    return NotFound(f"There is no incident {id_}.", zh=f"没有群诉事件 {id_}。")
