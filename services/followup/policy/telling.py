"""What is said of a change: one case event with the whole case, and what became of its clocks and promises."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from services.followup.model import (
    NOT_TIMED,
    NOTHING_DONE,
    CallbackCame,
    CallbackSettled,
    CallLinked,
    Case,
    ClockFact,
    Closed,
    Escalated,
    Fact,
    Received,
    Refused,
    Reopened,
    Resolved,
    SecondCheckCame,
    SecondCheckSettled,
    Withdrawn,
    Work,
)
from services.followup.policy.amending import open_reasons
from services.followup.policy.clocks import Reading, latest
from shared.contracts.envelope import Body
from shared.contracts.followup import (
    CallbackDone,
    CallbackDue,
    CaseBody,
    CaseChanged,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseRefused,
    CaseReopened,
    CaseResolved,
    ClockBreached,
    ClockExtended,
    ClockMet,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockWarned,
    PromiseBroken,
    PromiseKept,
    PromiseMade,
)
from shared.contracts.values import ExtensionOpen

WORK: Final = (
    "finding", "decision", "solutions", "tasks", "visits", "questions", "awaiting_review", "reply", "recourse", "outside",
    "remedies",
)  # fmt: skip
"""What of the work an event shows, under the same names."""


def whole(
    case: Case, readings: Iterable[Reading], *, version: int, by: str, what: str
) -> CaseChanged:
    """The whole case as an event says it; the clocks are those of the present cycle."""
    receipt, understanding = case.received, case.understanding
    return CaseChanged(
        number=receipt.number,
        state=case.state,
        cycle=case.cycle,
        version=version,
        channel=receipt.channel,
        language=receipt.language,
        complainant_id=receipt.complainant_id,
        reachable=receipt.reachable,
        kind=case.kind,
        category=understanding.categories[0]
        if understanding and understanding.categories
        else None,
        severity=case.severity,
        unsure=bool(understanding and understanding.unsure),
        owner=case.owner,
        clocks=tuple(one.clock for one in latest(readings, cycle=case.cycle)),
        promises=case.promises,
        resolution=case.resolution,
        callback_result=case.callback_result,
        escalation_level=case.level,
        received_at=case.received_at,
        opened_at=receipt.opened_at,
        acknowledged_at=case.happened.get("acknowledged"),
        contacted_at=case.happened.get("contacted"),
        closed_at=case.happened.get("closed"),
        pack=receipt.pack,
        pack_version=case.timed.pack_version or receipt.pack_version,
        by=by,
        what=what,
        incident=case.incident,
        **_work(case.work),
        **_timed(case),
    )


def _work(work: Work) -> dict[str, Any]:
    """What was done, where anything was."""
    if work is NOTHING_DONE:
        return {}
    return {name: getattr(work, name) for name in WORK}


def _timed(case: Case) -> dict[str, Any]:
    """What people did to its clocks and callbacks, where anybody did anything."""
    timed = case.timed
    if timed is NOT_TIMED:
        return {}
    extension = timed.extension
    return {
        "waiting_for": tuple(open_reasons(timed)),
        "extension": ExtensionOpen.model_validate(asdict(extension)) if extension else None,
        "urged": timed.urged,
        "supervised": timed.supervised,
        "supervised_until": timed.supervised_until,
        "taken_level": timed.taken_level,
        "callback_tries": len(timed.calling.tries),
    }


def is_same(old: CaseBody, new: CaseBody) -> bool:
    """Whether nothing that an event shows has changed."""
    blank = {"version": 0, "by": "", "what": ""}
    return {**vars(old), **blank} == {**vars(new), **blank}


def opens_escalated(added: Iterable[Fact]) -> bool:
    """Whether a case opens and goes up the ladder at once: two events, a version each."""
    return {Received, Escalated} <= {type(fact.what) for fact in added}


def case_events(new: CaseBody, added: Sequence[Fact]) -> list[CaseBody]:
    """The events that the whole case goes into: one, but where it opens and goes up the ladder at once."""
    if not opens_escalated(added):
        return [_case_event(new, added)]
    opened = new.model_copy(update={"version": new.version - 1})
    later = [fact for fact in added if not isinstance(fact.what, Received)]
    return [_as(CaseOpened, opened), _case_event(new, later)]


def _case_event(new: CaseBody, added: Iterable[Fact]) -> CaseBody:
    """The weightiest thing that happened names the event."""
    happened = {type(fact.what): fact.what for fact in added}
    for kind, event in (
        (Received, CaseOpened),
        (Reopened, CaseReopened),
        (Closed, CaseClosed),
        (Withdrawn, CaseClosed),
        (Resolved, CaseResolved),
    ):
        if kind in happened:
            return _as(event, new)
    if isinstance(refused := happened.get(Refused), Refused):
        return CaseRefused(**vars(new), handler=refused.handler, reason=refused.reason)
    if isinstance(escalated := happened.get(Escalated), Escalated):
        return _as(CaseEscalated, new.model_copy(update={"what": escalated.why}))
    return new if type(new) is CaseChanged else _as(CaseChanged, new)


def _as(event: type[CaseBody], body: CaseBody) -> CaseBody:
    """The same values, which were checked, under another name."""
    return event.model_construct(body.model_fields_set, **vars(body))


def clock_events(
    old: Sequence[Reading], new: Sequence[Reading], added: Sequence[ClockFact], number: str
) -> list[Body]:
    """What became of the clocks, oldest cycle first."""
    before = {one.place: one for one in old}
    said: list[Body] = []
    for one in new:
        was = before.get(one.place)
        if was is None:
            said.append(ClockStarted(number=number, cycle=one.cycle, clock=one.clock))
        if one.clock.breached_at and (
            was is None or was.clock.breached_at != one.clock.breached_at
        ):
            said.append(ClockBreached(number=number, cycle=one.cycle, clock=one.clock))
        if one.clock.met_at and (was is None or was.clock.met_at is None):
            said.append(ClockMet(number=number, cycle=one.cycle, clock=one.clock))
    for fact in added:
        place = fact.cycle, fact.clock, fact.episode
        reading = next((one for one in new if one.place == place), None)
        if reading is not None:
            said += _of_fact(fact, reading, before.get(place), number)
    return said


def _of_fact(fact: ClockFact, now: Reading, was: Reading | None, number: str) -> list[Body]:
    """What one fact of a clock says that its values before and after do not tell apart."""
    clock, cycle = now.clock, fact.cycle
    match fact.fact:
        case "warned" if fact.fraction:
            return [ClockWarned(number=number, cycle=cycle, clock=clock, fraction=fact.fraction)]
        case "paused":
            return [ClockPaused(number=number, cycle=cycle, clock=clock)]
        case "resumed":
            return [ClockResumed(number=number, cycle=cycle, clock=clock)]
        case "extended" if was is not None:
            before = was.clock.due_at
            return [ClockExtended(number=number, cycle=cycle, clock=clock, was_due_at=before)]
        case _:
            return []


def promise_events(old: Case | None, new: Case) -> list[Body]:
    """What became of the promises."""
    before = {one.id: one.state for one in old.promises} if old else {}
    said: list[Body] = []
    for one in new.promises:
        if one.id not in before:
            said.append(PromiseMade(number=new.received.number, cycle=new.cycle, promise=one))
        if one.state == "open" or before.get(one.id) == one.state:
            continue
        event = PromiseKept if one.state == "kept" else PromiseBroken
        said.append(event(number=new.received.number, cycle=new.cycle, promise=one))
    return said


def callback_events(case: Case, added: Iterable[Fact]) -> list[Body]:
    """What became of the callback, and of the second check."""
    return [body for fact in added if (body := _of_call(case, fact)) is not None]


def _of_call(case: Case, fact: Fact) -> Body | None:
    number, cycle = case.received.number, fact.cycle
    tries = sum(one.counts for one in case.timed.calling.tries)
    match fact.what:
        case CallbackCame():
            return CallbackDue(number=number, cycle=cycle, due_at=fact.at, attempt=tries + 1)
        case CallLinked(until=until):
            return CallbackDue(
                number=number, cycle=cycle, due_at=fact.at, attempt=tries, by="link", until=until
            )
        case SecondCheckCame():
            return CallbackDue(number=number, cycle=cycle, due_at=fact.at, second=True)
        case CallbackSettled(result=result):
            return CallbackDone(
                number=number, cycle=cycle, result=result, by=fact.by, done_at=fact.at
            )
        case SecondCheckSettled(result=result):
            return CallbackDone(
                number=number, cycle=cycle, result=result, by=fact.by, done_at=fact.at, second=True
            )
        case _:
            return None
