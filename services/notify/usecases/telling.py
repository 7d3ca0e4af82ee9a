"""What happens, and what people are told of it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from services.notify import store
from services.notify.model import ACKNOWLEDGEMENT, COMPLAINANT, About, Planned, Wishes
from services.notify.policy.choose import customer, staff
from services.notify.policy.stopping import asks_to_go_on, asks_to_stop
from services.notify.usecases import Notify
from services.notify.usecases.sending import take_receipt
from shared.contracts.desk import PolicyAccount
from shared.contracts.envelope import Body, Event
from shared.contracts.followup import (
    CallbackDue,
    CaseBody,
    CaseChanged,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseRefused,
    CaseReopened,
    CaseResolved,
    ClockBody,
    ClockBreached,
    ClockExtended,
    ClockMet,
    ClockWarned,
    PromiseBroken,
)
from shared.contracts.intake import (
    ComplainantErased,
    ComplaintCodeRequested,
    ComplaintMessageAdded,
    ComplaintReceived,
    ComplaintUndelivered,
)
from shared.contracts.routing import ComplaintUnderstood
from shared.ids import new_id
from shared.packs.model import Pack
from shared.store.timers import Timer
from shared.store.transaction import Tx

ACKNOWLEDGE_ANYWAY: Final = "acknowledge_anyway"
ENDED: Final = frozenset({"closed", "withdrawn"})


async def keep(event: Event[Body], tx: Tx, notify: Notify) -> None:
    """Put an event into the feed."""
    store.append_to_feed(tx, event)
    tx.wakes.add(notify.appended)


async def on_received(event: Event[ComplaintReceived], tx: Tx, notify: Notify) -> None:
    """Know what it is about, to restate it and to ask for what is missing. Nothing personal is in it."""
    await keep(event, tx, notify)
    said = event.body
    facts: dict[str, Any] = {
        name: value
        for name in ("area", "shop", "product", "batch_no", "vin_prefix")
        if (value := getattr(said, name))
    }
    if said.occurred_at:
        facts |= {"occurred_at": True, "occurred_on": said.occurred_at.date().isoformat()}
    if said.remedy_sought:
        facts["remedy_sought"] = True
    if said.reference_tokens:
        facts["references"] = sorted(said.reference_tokens)
    await store.learn(tx, event.subject, facts | {"person": said.complainant_id})


async def on_understood(event: Event[ComplaintUnderstood], tx: Tx, notify: Notify) -> None:
    """Know category and mood; where there is danger tell everybody at once."""
    await keep(event, tx, notify)
    said = event.body
    category = said.categories[0].code if said.categories else None
    facts: dict[str, Any] = {"category": category, "severity": said.severity}
    if said.cues:
        facts["cue"] = said.cues[0].id
    if said.emotion:
        facts["emotion"] = said.emotion
    await store.learn(tx, event.subject, facts)
    if said.severity == "critical":
        await _warn_of_danger(event, tx, notify)


async def on_opened(event: Event[CaseOpened], tx: Tx, notify: Notify) -> None:
    """Acknowledge at once if there is an owner, else soon, with or without one."""
    await _on_case(event, tx, notify)


async def on_changed(event: Event[CaseChanged], tx: Tx, notify: Notify) -> None:
    """The first change that brings an owner brings the acknowledgement; others bring progress, words, proposals."""
    await _on_case(event, tx, notify)


async def on_refused(event: Event[CaseRefused], tx: Tx, notify: Notify) -> None:
    """Its handler gave it back: what is due concerns them no more."""
    await _on_case(event, tx, notify)


async def on_reopened(event: Event[CaseReopened], tx: Tx, notify: Notify) -> None:
    """The next cycle is acknowledged like the first."""
    await _on_case(event, tx, notify)


async def on_escalated(event: Event[CaseEscalated], tx: Tx, notify: Notify) -> None:
    """Whoever answers at the new level is told."""
    await _on_case(event, tx, notify)
    pack = _pack(event.body, notify)
    people = _above(notify, event.unit, staff.role_at(pack, event.body.escalation_level))
    await _plan_all(tx, notify, staff.escalated(event.body, pack, people), event)


async def on_resolved(event: Event[CaseResolved], tx: Tx, notify: Notify) -> None:
    """Tell the result."""
    await _on_case(event, tx, notify)
    planned = customer.result(event.body)
    if planned is not None:
        await _plan(tx, notify, planned, event)


async def on_closed(event: Event[CaseClosed], tx: Tx, notify: Notify) -> None:
    """Thank, and say what to do if it comes back."""
    await keep(event, tx, notify)
    tx.disarm(ACKNOWLEDGE_ANYWAY, subject=event.subject)
    pack = _pack(event.body, notify)
    await _plan_all(tx, notify, customer.written_by_staff(event.body), event)
    await _plan(tx, notify, customer.closing(event.body, pack), event)


async def _on_case(event: Event[Any], tx: Tx, notify: Notify) -> None:
    await keep(event, tx, notify)
    case: CaseBody = event.body
    if case.state in ENDED:
        # Whoever is answered after the end gets the answer all the same.
        await _plan_all(tx, notify, customer.written_by_staff(case), event)
        return
    await _know(event, tx)
    await _acknowledge_when_owned(event, tx, notify)
    pack = _pack(case, notify)
    known = await store.known_of(tx, event.subject)
    if (mine := staff.assigned(case, pack, known)) is not None:
        await _plan(tx, notify, mine, event)
    await _plan_all(tx, notify, customer.of_case(case), event)
    if case.extension is not None:
        people = _above(notify, event.unit, "supervisor")
        await _plan_all(tx, notify, staff.approval_asked(case, people, pack), event)
    if known.get("severity") == "critical":
        await _warn_of_danger(event, tx, notify)


async def _know(event: Event[Any], tx: Tx) -> None:
    """What later events, which tell a part only, need of the case."""
    case: CaseBody = event.body
    about = {
        "cycle": case.cycle, "language": case.language, "complainant_id": case.complainant_id,
        "pack": case.pack, "pack_version": case.pack_version, "handler": case.owner.handler,
    }  # fmt: skip
    known = await store.known_of(tx, event.subject)
    if known.get("about") != about:
        await store.learn(tx, event.subject, {"about": about})


async def on_warned(event: Event[ClockWarned], tx: Tx, notify: Notify) -> None:
    """The handler is told that time is short; the apology is ready for the moment when it is over."""
    await keep(event, tx, notify)
    found = await about_part(event, tx)
    if found is None:
        return
    about, handler = found
    said, pack = event.body, notify.policy.pack(about.pack, about.pack_version)
    mine = staff.at_risk(
        said.clock, number=said.number, fraction=said.fraction, handler=handler, pack=pack
    )
    apology = customer.at_risk(
        said.clock, number=said.number, fraction=said.fraction, owner=_display(notify, handler)
    )
    for planned in filter(None, (mine, apology)):
        await record(tx, notify, planned, about, event_id=event.id)


async def on_breached(event: Event[ClockBreached], tx: Tx, notify: Notify) -> None:
    """A deadline was missed: its handler and the supervisor are told, and the customer hears our apology."""
    await keep(event, tx, notify)
    found = await about_part(event, tx)
    if found is None:
        return
    about, handler = found
    said, pack = event.body, notify.policy.pack(about.pack, about.pack_version)
    above = _above(notify, event.unit, "supervisor")
    for planned in staff.breached(
        said.clock, number=said.number, handler=handler, above=above, pack=pack
    ):
        await record(tx, notify, planned, about, event_id=event.id)
    apology = customer.at_risk(
        said.clock, number=said.number, fraction=1.0, owner=_display(notify, handler)
    )
    if apology is not None:
        await record(tx, notify, apology, about, event_id=event.id)


async def on_met(event: Event[ClockMet], tx: Tx, notify: Notify) -> None:
    """It was done in time: nobody needs the apology."""
    await keep(event, tx, notify)
    await _cancel_delay(event, tx)


async def _cancel_delay(event: Event[Any], tx: Tx) -> None:
    said: ClockBody = event.body
    if (found := await about_part(event, tx)) is not None:
        await store.cancel(tx, found[0], COMPLAINANT, [f"delay.{said.clock.name}"])


async def on_extended(event: Event[ClockExtended], tx: Tx, notify: Notify) -> None:
    """A deadline was put off: the customer hears the new time before asking."""
    await keep(event, tx, notify)
    await _cancel_delay(event, tx)
    found = await about_part(event, tx)
    if found is None:
        return
    said = event.body
    planned = customer.extended(
        said.clock, number=said.number, was_due_at=said.was_due_at, owner=_display(notify, found[1])
    )
    if planned is not None:
        await record(tx, notify, planned, found[0], event_id=event.id)


async def on_promise_broken(event: Event[PromiseBroken], tx: Tx, notify: Notify) -> None:
    """A promise was not kept: the customer hears our apology."""
    await keep(event, tx, notify)
    if (found := await about_part(event, tx)) is not None:
        said = event.body
        planned = customer.broken(
            said.promise, number=said.number, owner=_display(notify, found[1])
        )
        await record(tx, notify, planned, found[0], event_id=event.id)


async def on_callback_due(event: Event[CallbackDue], tx: Tx, notify: Notify) -> None:
    """The customer is told that we call, or gets the link to answer by."""
    await keep(event, tx, notify)
    if (found := await about_part(event, tx)) is not None:
        about = found[0]
        pack = notify.policy.pack(about.pack, about.pack_version)
        if (planned := customer.callback(event.body, pack)) is not None:
            await record(tx, notify, planned, about, event_id=event.id)


async def on_message_added(event: Event[ComplaintMessageAdded], tx: Tx, notify: Notify) -> None:
    """Somebody who writes 退订 or STOP gets nothing more by that channel; 订阅 or START takes it back."""
    await keep(event, tx, notify)
    said = event.body
    stops, goes_on = asks_to_stop(said.text), asks_to_go_on(said.text)
    if said.by != "complainant" or not (stops or goes_on):
        return
    known = await store.known_of(tx, event.subject)
    if (person := known.get("person")) is None:
        return
    wishes = (await store.wishes_of(tx, [person])).get(person, Wishes())
    contact = {"chat": "wechat", "miniapp": "wechat"}.get(said.channel, said.channel)
    kept = [one for one in wishes.stopped if one != contact]
    stopped = (*kept, contact) if stops else tuple(kept)
    await store.keep_wishes(tx, person, event.unit, replace(wishes, stopped=stopped))


async def on_code_requested(event: Event[ComplaintCodeRequested], tx: Tx, notify: Notify) -> None:
    """Send the code once more, to where the vault says that the complainant is reached."""
    await keep(event, tx, notify)
    asked = event.body
    pack = notify.policy.pack(asked.pack, asked.pack_version)
    about = customer.about_asked(asked, complaint=event.subject, unit=event.unit)
    await record(tx, notify, customer.code_again(asked, pack), about, event_id=event.id)


async def on_erased(event: Event[ComplainantErased], tx: Tx, notify: Notify) -> None:
    """Nothing more is sent to who was erased; what they wished and what was written to them is forgotten."""
    await keep(event, tx, notify)
    erased = event.body.complainant_id
    await store.cancel_all(tx, erased)
    await store.forget_wishes(tx, erased)
    await store.forget_answers_to(tx, erased)
    await store.forget_person(tx, erased)


async def on_undelivered(event: Event[ComplaintUndelivered], tx: Tx, notify: Notify) -> None:
    """A mail came back: its message has failed, unless it is only late or was read and not liked."""
    await keep(event, tx, notify)
    if event.body.kind != "undelivered" or (event.body.status or "5").startswith("4"):
        return
    message = await store.message(tx, event.body.message_id)
    if message is not None and message.complaint == event.subject:
        await take_receipt(
            tx, message.id, result="failed", units=frozenset({message.unit}), channel="email",
            contact="email", code=event.body.status,
        )  # fmt: skip
        tx.wakes.add(notify.planned)


async def acknowledge_anyway(timer: Timer, tx: Tx, notify: Notify) -> None:
    """Nobody owns the case yet: the customer is told all the same that it arrived."""
    case = CaseOpened.model_validate(timer.body["case"])
    known = await store.known_of(tx, timer.subject)
    planned = customer.acknowledgement(case, owner=None, pack=_pack(case, notify), known=known)
    about = customer.about(case, complaint=timer.subject, unit=timer.body["unit"])
    await record(tx, notify, planned, about, event_id=None)


async def _acknowledge_when_owned(event: Event[Any], tx: Tx, notify: Notify) -> None:
    case: CaseBody = event.body
    if await store.has_purpose(
        tx, complaint=event.subject, cycle=case.cycle, purpose=ACKNOWLEDGEMENT
    ):
        return
    if case.owner.handler is None or case.kind is None:
        due_at = event.time + timedelta(seconds=notify.settings.acknowledge_after)
        body = {"case": case.model_dump(mode="json"), "unit": event.unit}
        tx.arm_once(
            ACKNOWLEDGE_ANYWAY, subject=event.subject, key=str(case.cycle), due_at=due_at, body=body
        )
        return
    known = await store.known_of(tx, event.subject)
    planned = customer.acknowledgement(
        case, owner=_display(notify, case.owner.handler), pack=_pack(case, notify), known=known
    )
    await _plan(tx, notify, planned, event)
    tx.disarm(ACKNOWLEDGE_ANYWAY, subject=event.subject, key=str(case.cycle))


async def _warn_of_danger(event: Event[Any], tx: Tx, notify: Notify) -> None:
    """Tell everybody who can act, and the customer what to do at once; by whichever event says the last of it."""
    known = await store.known_of(tx, event.subject)
    case = known.get("about")
    if case is None or not known.get("category"):
        return
    about = _about_of(event, case, number=event.body.number)
    pack = notify.policy.pack(about.pack, about.pack_version)
    people = [*_above(notify, event.unit, "supervisor"), *_above(notify, event.unit, "watch")]
    groups = [
        one.channel
        for one in notify.groups
        if any(notify.policy.covers(unit, event.unit) for unit in one.units)
    ]
    told = staff.danger(
        number=about.number, category=staff.title(pack, known["category"]),
        cue=staff.cue_title(pack, known.get("cue")), people=people, groups=groups,
    )  # fmt: skip
    advice = customer.safety(pack, number=about.number, cue=known.get("cue"))
    for planned in (*([advice] if advice else []), *told):
        await record(tx, notify, planned, about, event_id=event.id)


def _pack(case: CaseBody, notify: Notify) -> Pack:
    return notify.policy.pack(case.pack, case.pack_version)


def _above(notify: Notify, unit: str, role: str) -> list[PolicyAccount]:
    return staff.nearest(notify.policy.accounts.values(), role, notify.policy.upwards(unit))


def _display(notify: Notify, handler: str | None) -> str | None:
    account = notify.policy.accounts.get(handler) if handler else None
    return account.display if account else None


async def about_part(event: Event[Any], tx: Tx) -> tuple[About, str | None] | None:
    """Which complaint an event is about that tells a part only, and its handler; None before its case is known."""
    case = (await store.known_of(tx, event.subject)).get("about")
    if case is None:
        return None
    return _about_of(event, case, number=event.body.number), case["handler"]


def _about_of(event: Event[Any], case: dict[str, Any], *, number: str) -> About:
    return About(
        event.subject, number, event.unit, getattr(event.body, "cycle", case["cycle"]), case["complainant_id"],
        "zh" if case["language"] == "zh" else "en", case["pack"], case["pack_version"],
    )  # fmt: skip


async def _plan_all(tx: Tx, notify: Notify, several: Iterable[Planned], event: Event[Any]) -> None:
    for planned in several:
        await _plan(tx, notify, planned, event)


async def _plan(tx: Tx, notify: Notify, planned: Planned, event: Event[Any]) -> bool:
    about = customer.about(event.body, complaint=event.subject, unit=event.unit)
    return await record(tx, notify, planned, about, event_id=event.id)


async def record(
    tx: Tx, notify: Notify, planned: Planned, about: About, *, event_id: str | None
) -> bool:
    """Plan a message once; whether it is new. What it makes needless is not sent any more."""
    is_new = await store.plan(tx, planned, id_=new_id(), about=about, event_id=event_id)
    if is_new:
        tx.wakes.add(notify.planned)
        await store.cancel(tx, about, planned.recipient, customer.superseded(planned.purpose))
    return is_new
