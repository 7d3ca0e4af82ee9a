"""What the passing of time does to a case."""

from services.followup import store
from services.followup.model import (
    CallbackCame,
    CallbackSettled,
    ClockFact,
    Escalated,
    Fact,
    Overdue,
    PromiseMissed,
    SecondCheckCame,
)
from services.followup.policy import clocks
from services.followup.policy.callback import awaited_call
from services.followup.policy.commands.ending import Close
from services.followup.policy.escalation import NOT_TAKEN, brought, is_taken, raised, unsolved_by
from services.followup.policy.lifecycle import COMMANDS, missing
from services.followup.usecases.commands import do
from services.followup.usecases.record import CLOCK_TIMER, Followup, case_of, owed, record
from shared.store.timers import Timer
from shared.store.transaction import Tx


async def clock_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """Warn of deadlines, or notice that they passed: then the case moves up the ladder."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    if case is None:
        return
    rules = context.rules_of(case)
    open_ = clocks.last_runs(clocks.read(kept.clock_facts))
    more: list[ClockFact] = []
    if any(clocks.is_resuming(one, tx.now) for one in open_):
        plans = clocks.wanted(rules, case, now=tx.now, is_over=case.state == "closed")
        more += clocks.additions(kept.clock_facts, plans, case=case, now=tx.now)
        open_ = clocks.last_runs(clocks.read([*kept.clock_facts, *more]))
    running = [one for one in open_ if clocks.runs(one)]
    fired = [clocks.fire(rules, one, case.timed, tx.now) for one in running]
    more += [fact for fact in fired if fact]
    if more:
        record(tx, context, kept, [], by="followup", what=more[0].clock, about_clocks=more)
    elif (ahead := clocks.next_moment(rules, open_, case.timed)) is not None:
        tx.arm(CLOCK_TIMER, subject=timer.subject, due_at=ahead)


async def promise_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """A promise whose time has passed is broken, unless it was kept."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    open_ = {one.id for one in case.promises if one.state == "open"} if case else set()
    if case is None or timer.key not in open_:
        return
    fact = Fact(PromiseMissed(timer.key), timer.due_at, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def callback_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """It is time to ask the customer."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    if case is None or awaited_call(case) != timer.due_at or str(case.cycle) != timer.key:
        return
    fact = Fact(CallbackCame(), timer.due_at, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def link_over(timer: Timer, tx: Tx, context: Followup) -> None:
    """Who answered neither calls nor the link is not asked any more: the case closes by rule (R-111)."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    is_open = case is not None and case.callback_result is None
    if case is None or not is_open or case.timed.calling.linked_until != timer.due_at:
        return
    what = CallbackSettled("unreached", "neither calls nor the link were answered")
    fact = Fact(what, tx.now, "followup", case.cycle, len(kept.facts))
    record(tx, context, kept, [fact], by="followup", what=what.name)
    kept, close = await store.load(tx, timer.subject, unit=""), COMMANDS["close"]
    after = case_of(tx, kept)
    if after is not None and not missing(close, after, Close()):
        do(tx, context, kept, close, Close(), by="followup", id_=timer.id)


async def second_check_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """It is time to ask once more whether all is still well."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    if case is None or case.state != "closed" or str(case.cycle) != timer.key:
        return
    fact = Fact(SecondCheckCame(), timer.due_at, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def escalation_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """Nobody at that level took note of the case: the next one hears of it."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    if case is None or case.state in ("closed", "withdrawn") or str(case.level) != timer.key:
        return
    above = raised(context.rules_of(case).pack, case.level)
    if is_taken(case) or above == case.level:
        return
    fact = Fact(Escalated(above, NOT_TAKEN), tx.now, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def unsolved(timer: Timer, tx: Tx, context: Followup) -> None:
    """A grave case is not solved in time: the step of the ladder that names that hears of it."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    rules = context.rules_of(case) if case else None
    if case is None or rules is None or unsolved_by(rules, case).get(timer.key) != timer.due_at:
        return
    above = brought(rules.pack, case.level, timer.key)
    fact = Fact(Escalated(above, timer.key), tx.now, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def overdue(timer: Timer, tx: Tx, context: Followup) -> None:
    """An action or a task is not done in time: the next level hears of it."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    if case is None or timer.key not in owed(case):
        return
    kind, _, id_ = timer.key.partition("/")
    what = Overdue("action" if kind == "action" else "task", id_)
    facts = [Fact(what, timer.due_at, "followup", case.cycle)]
    above = raised(context.rules_of(case).pack, case.level)
    if above > case.level and case.state not in ("closed", "withdrawn"):
        facts.append(Fact(Escalated(above, f"{kind}_overdue"), tx.now, "followup", case.cycle))
    record(tx, context, kept, facts, by="followup", what=what.name)
