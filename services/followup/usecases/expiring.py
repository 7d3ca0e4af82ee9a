"""Time runs out for remedies that nobody approved, or nobody used."""

from services.followup import store
from services.followup.model import Fact
from services.followup.model.remedies import RemedyExpired
from services.followup.policy.remedies.fold import UNPAID, is_settled
from services.followup.usecases.record import Followup, case_of, record
from shared.store.timers import Timer
from shared.store.transaction import Tx


async def remedy_due(timer: Timer, tx: Tx, context: Followup) -> None:
    """A remedy whose time has passed is not to be had any more: what was committed for it is free again."""
    kept = await store.load(tx, timer.subject, unit="")
    case = case_of(tx, kept)
    known = {one.id: one for one in case.work.remedies} if case else {}
    found = known.get(timer.key)
    if case is None or found is None or found.state not in UNPAID or is_settled(found):
        return
    if found.expires_at > tx.now:
        return
    fact = Fact(RemedyExpired(found.id), timer.due_at, "followup", case.cycle, len(kept.facts))
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)
