"""The one way in which a case changes: facts are added, everything else follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.followup import store
from services.followup.model import Case, ClockFact, Fact, Received
from services.followup.policy import clocks, telling
from services.followup.policy.change import Change, change
from services.followup.policy.clocks import Reading
from services.followup.policy.rules import Rules
from services.followup.store import Kept
from shared.contracts.followup import CaseBody
from shared.errors import NotHereYet
from shared.policy import Policy
from shared.store.transaction import Tx

CLOCK_TIMER = "clock"
PROMISE_TIMER = "promise"
CALLBACK_TIMER = "callback"


@dataclass(frozen=True, slots=True)
class Followup:
    """What the service's handlers share: the policy, and the zone of calendars that name none."""

    policy: Policy
    zone: str
    _rules: dict[tuple[str, str], Rules] = field(default_factory=dict)

    def rules(self, pack: str, version: str) -> Rules:
        """A version of a pack, ready to count with. Raises NotHereYet."""
        if (pack, version) not in self._rules:
            self._rules[pack, version] = Rules(self.policy.pack(pack, version), self.zone)
        return self._rules[pack, version]

    def must_know(self, unit: str) -> None:
        """Raise NotHereYet unless the unit has reached this process."""
        if unit not in self.policy.units:
            raise NotHereYet(f"unit {unit!r} has not arrived yet")


def record(
    tx: Tx,
    context: Followup,
    kept: Kept,
    added: Sequence[Fact],
    *,
    by: str,
    what: str,
    about_clocks: Sequence[ClockFact] = (),
) -> CaseBody | None:
    """Add facts to a locked case; write what they fold into, say what changed, set the timers.

    Gives the case after it, or None while intake's receipt is not here: what came early is kept until then.
    """
    receipt = next(
        (one.what for one in [*kept.facts, *added] if isinstance(one.what, Received)), None
    )
    if receipt is None:
        store.add_facts(tx, kept, added)
        return None
    rules = context.rules(receipt.pack, receipt.pack_version)
    changed = change(kept.facts, kept.clock_facts, added, about_clocks, rules=rules, now=tx.now)
    if changed is None:
        raise ValueError(f"the receipt of {kept.complaint} is there, yet its facts make no case")
    store.add_facts(tx, kept, changed.facts)
    store.add_clock_facts(tx, kept, changed.clock_facts)
    body = _tell(tx, kept, changed, by=by, what=what)
    _set_clock_timer(tx, kept.complaint, rules, changed.old, changed.new)
    _set_other_timers(tx, kept.complaint, changed.before, changed.after)
    return body


def _tell(tx: Tx, kept: Kept, changed: Change, *, by: str, what: str) -> CaseBody:
    """Write the case and say what changed; nothing where nothing that an event shows did."""
    version = (kept.body.version if kept.body else 0) + 1
    after = changed.after
    body: CaseBody = telling.whole(after, changed.new, version=version, by=by, what=what)
    said = [
        *telling.clock_events(changed.old, changed.new, changed.clock_facts, body.number),
        *telling.promise_events(changed.before, after),
        *telling.callback_events(after, changed.facts),
    ]
    if kept.body is not None and telling.is_same(kept.body, body):
        body = kept.body
    else:
        store.put_case(
            tx,
            kept,
            body,
            code_sha256=after.received.code_sha256,
            callback_due_at=after.callback_due_at,
        )
        said.insert(0, telling.case_event(body, changed.facts))
    for one in said:
        tx.say(one, subject=kept.complaint, unit=kept.unit)
    return body


def _set_clock_timer(
    tx: Tx, complaint: str, rules: Rules, old: Sequence[Reading], new: Sequence[Reading]
) -> None:
    """One timer a case, set for what comes next of all its clocks: a warning, or a deadline."""
    if old == new:
        return
    was, next_ = clocks.next_moment(rules, old), clocks.next_moment(rules, new)
    if next_ is None and was is not None:
        tx.disarm(CLOCK_TIMER, subject=complaint)
    elif next_ is not None and next_ != was:
        tx.arm(CLOCK_TIMER, subject=complaint, due_at=next_)


def _set_other_timers(tx: Tx, complaint: str, before: Case | None, after: Case) -> None:
    known = {one.id: one.state for one in before.promises} if before else {}
    for one in after.promises:
        if one.state == "open" and one.id not in known:
            tx.arm(PROMISE_TIMER, subject=complaint, due_at=one.due_at, key=one.id)
        elif one.state != "open" and known.get(one.id) == "open":
            tx.disarm(PROMISE_TIMER, subject=complaint, key=one.id)
    was, is_ = _callback_due(before), _callback_due(after)
    if was is not None and is_ is None:
        tx.disarm(CALLBACK_TIMER, subject=complaint)
    elif is_ is not None and was is None:
        tx.arm(CALLBACK_TIMER, subject=complaint, due_at=is_, key=str(after.cycle))


def _callback_due(case: Case | None) -> datetime | None:
    """When a case that waits for its callback is to get it."""
    return (
        case.callback_due_at
        if case is not None and case.state == "resolved" and case.callback_result is None
        else None
    )
