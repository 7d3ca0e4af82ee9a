"""What the passing of time does to a case."""

from services.followup import store
from services.followup.model import CallbackCame, Fact, PromiseMissed
from services.followup.policy import clocks
from services.followup.policy.case import fold
from services.followup.usecases.record import CLOCK_TIMER, Followup, record
from shared.store.timers import Timer
from shared.store.transaction import Tx


async def clock_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """Warn of deadlines, or notice that they passed: then the case moves up the ladder."""
    kept = await store.load(tx, timer.subject, unit="")
    case = fold(kept.facts)
    if case is None:
        return
    rules = context.rules(case.received.pack, case.received.pack_version)
    running = [one for one in clocks.read(kept.clock_facts) if clocks.runs(one)]
    fired = [fact for fact in (clocks.fire(rules, one, tx.now) for one in running) if fact]
    if fired:
        what = fired[0].clock
        record(tx, context, kept, [], by="followup", what=what, about_clocks=fired)
    elif (ahead := clocks.next_moment(rules, running)) is not None:
        tx.arm(CLOCK_TIMER, subject=timer.subject, due_at=ahead)


async def promise_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """A promise whose time has passed is broken, unless it was kept."""
    kept = await store.load(tx, timer.subject, unit="")
    case = fold(kept.facts)
    open_ = {one.id for one in case.promises if one.state == "open"} if case else set()
    if case is None or timer.key not in open_:
        return
    fact = Fact(PromiseMissed(timer.key), timer.due_at, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def callback_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """It is time to ask the customer."""
    kept = await store.load(tx, timer.subject, unit="")
    case = fold(kept.facts)
    if case is None or case.state != "resolved" or str(case.cycle) != timer.key:
        return
    fact = Fact(CallbackCame(), timer.due_at, "followup", case.cycle)
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)
