"""What is said of a change: one case event with the whole case, and what became of its clocks and promises."""

from collections.abc import Iterable, Sequence

from services.followup.model import (
    CallbackCame,
    CallbackSettled,
    Case,
    ClockFact,
    Closed,
    Escalated,
    Fact,
    Received,
    Reopened,
    Resolved,
)
from services.followup.policy.clocks import Reading
from shared.contracts.envelope import Body
from shared.contracts.followup import (
    CallbackDone,
    CallbackDue,
    CaseBody,
    CaseChanged,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    ClockBreached,
    ClockMet,
    ClockStarted,
    ClockWarned,
    PromiseBroken,
    PromiseKept,
    PromiseMade,
)


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
        clocks=tuple(one.clock for one in readings if one.cycle == case.cycle),
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
        pack_version=receipt.pack_version,
        by=by,
        what=what,
    )


def is_same(old: CaseBody, new: CaseBody) -> bool:
    """Whether nothing that an event shows has changed."""
    blank = {"version": 0, "by": "", "what": ""}
    return {**vars(old), **blank} == {**vars(new), **blank}


def case_event(new: CaseBody, added: Iterable[Fact]) -> CaseBody:
    """The event that the whole case goes into: the weightiest thing that happened names it."""
    happened = {type(fact.what): fact.what for fact in added}
    for kind, event in (
        (Received, CaseOpened),
        (Reopened, CaseReopened),
        (Closed, CaseClosed),
        (Resolved, CaseResolved),
    ):
        if kind in happened:
            return _as(event, new)
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
    before = {(one.cycle, one.clock.name): one for one in old}
    said: list[Body] = []
    for one in new:
        was = before.get((one.cycle, one.clock.name))
        if was is None or was.plan.episode != one.plan.episode:
            said.append(ClockStarted(number=number, cycle=one.cycle, clock=one.clock))
            was = None
        if one.clock.breached_at and (
            was is None or was.clock.breached_at != one.clock.breached_at
        ):
            said.append(ClockBreached(number=number, cycle=one.cycle, clock=one.clock))
        if one.clock.met_at and (was is None or was.clock.met_at is None):
            said.append(ClockMet(number=number, cycle=one.cycle, clock=one.clock))
    for fact in added:
        reading = next(
            (one for one in new if (one.cycle, one.clock.name) == (fact.cycle, fact.clock)), None
        )
        if fact.fact == "warned" and fact.fraction and reading:
            said.append(
                ClockWarned(
                    number=number, cycle=fact.cycle, clock=reading.clock, fraction=fact.fraction
                )
            )
    return said


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
    """What became of the callback."""
    said: list[Body] = []
    number = case.received.number
    for fact in added:
        match fact.what:
            case CallbackCame():
                said.append(CallbackDue(number=number, cycle=fact.cycle, due_at=fact.at))
            case CallbackSettled(result=result):
                said.append(
                    CallbackDone(
                        number=number, cycle=fact.cycle, result=result, by=fact.by, done_at=fact.at
                    )
                )
            case _:
                pass
    return said
