"""The one way in which a case changes: facts are added, everything else follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.followup import store
from services.followup.model import (
    NOTHING_DONE,
    Case,
    ClockFact,
    Fact,
    PackAdopted,
    Received,
)
from services.followup.policy import clocks, telling
from services.followup.policy.callback import awaited_call, awaited_check
from services.followup.policy.case import fold
from services.followup.policy.change import Change, SoFar, change
from services.followup.policy.escalation import taken_by, unsolved_by
from services.followup.policy.listing import listed
from services.followup.policy.remedies.telling import remedy_events
from services.followup.policy.rules import Rules
from services.followup.store import Kept
from services.followup.usecases.forwarding import Intake
from services.followup.usecases.remedies import keep_remedies
from shared.contracts.followup import CaseBody
from shared.errors import NotHereYet
from shared.policy import Policy
from shared.store.transaction import Tx

CLOCK_TIMER = "clock"
PROMISE_TIMER = "promise"
CALLBACK_TIMER = "callback"
LINK_TIMER = "callback_link"
CHECK_TIMER = "second_check"
LADDER_TIMER = "ladder"
OVERDUE_TIMER = "overdue"
UNSOLVED_TIMER = "unsolved"
COMPLAINANT = "complainant"
"""Who acts, where the customer does."""


@dataclass(frozen=True, slots=True)
class Followup:
    """What the service's handlers share: the policy, the zone of calendars that name none, the way to intake."""

    policy: Policy
    zone: str
    intake: Intake
    _rules: dict[tuple[str, str], Rules] = field(default_factory=dict)

    def rules(self, pack: str, version: str) -> Rules:
        """A version of a pack, ready to count with. Raises NotHereYet."""
        if (pack, version) not in self._rules:
            self._rules[pack, version] = Rules(self.policy.pack(pack, version), self.zone)
        return self._rules[pack, version]

    def rules_of(self, case: Case) -> Rules:
        """The rules that a case is judged by: of the version it came under, or the one a supervisor chose."""
        return self.rules(case.received.pack, case.timed.pack_version or case.received.pack_version)

    def knows(self, pack: str, version: str) -> bool:
        """Whether that version of a pack has arrived here."""
        return f"{pack}@{version}" in self.policy.packs

    def must_know(self, unit: str) -> None:
        """Raise NotHereYet unless the unit has reached this process."""
        if unit not in self.policy.units:
            raise NotHereYet(f"unit {unit!r} has not arrived yet")


class Folded:
    """What the cases of a unit of work fold into so far, with the counts of facts that this rests on."""

    def __init__(self) -> None:
        self._cases: dict[str, tuple[int, int, SoFar]] = {}

    def of(self, kept: Kept) -> SoFar:
        counts = len(kept.facts), len(kept.clock_facts)
        known = self._cases.get(kept.complaint)
        if known is not None and known[:2] == counts:
            return known[2]
        found = fold(kept.facts), clocks.read(kept.clock_facts)
        self._cases[kept.complaint] = *counts, found
        return found

    def keep(self, kept: Kept, changed: Change) -> None:
        facts = len(kept.facts) + len(changed.facts)
        clock_facts = len(kept.clock_facts) + len(changed.clock_facts)
        self._cases[kept.complaint] = facts, clock_facts, (changed.after, changed.new)

    async def write(self, _: Tx) -> None:
        """Nothing: it spares folding again, no more."""


def case_of(tx: Tx, kept: Kept) -> Case | None:
    """The case that is kept, folded once in a unit of work."""
    case, _ = tx.memory(Folded).of(kept)
    return case


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
    rules = context.rules(receipt.pack, _version([*kept.facts, *added], receipt))
    folded = tx.memory(Folded)
    changed = change(
        kept.facts, kept.clock_facts, added, about_clocks,
        rules=rules, now=tx.now, so_far=folded.of(kept),
    )  # fmt: skip
    if changed is None:
        raise ValueError(f"the receipt of {kept.complaint} is there, yet its facts make no case")
    folded.keep(kept, changed)
    store.add_facts(tx, kept, changed.facts)
    store.add_clock_facts(tx, kept, changed.clock_facts)
    body = _tell(tx, kept, changed, by=by, what=what)
    keep_remedies(tx, kept, changed.before, changed.after, by=by, zone=context.zone)
    _set_clock_timer(tx, kept.complaint, rules, changed)
    _set_promise_timers(tx, kept.complaint, changed.before, changed.after)
    _set_overdue_timers(tx, kept.complaint, changed.before, changed.after)
    _set_call_timers(tx, kept.complaint, changed.before, changed.after)
    _set_ladder_timer(tx, kept.complaint, rules, changed.before, changed.after)
    _set_unsolved_timers(tx, kept.complaint, rules, changed.before, changed.after)
    return body


def _version(facts: Sequence[Fact], receipt: Received) -> str:
    """The pack's version that deadlines follow: the one last adopted, else the one that the complaint came under."""
    adopted = [one for one in facts if isinstance(one.what, PackAdopted)]
    last = max(adopted, key=lambda one: one.at, default=None)
    return (
        last.what.pack_version
        if last and isinstance(last.what, PackAdopted)
        else receipt.pack_version
    )


def _tell(tx: Tx, kept: Kept, changed: Change, *, by: str, what: str) -> CaseBody:
    """Write the case and say what changed; nothing where nothing that an event shows did."""
    version = (kept.body.version if kept.body else 0) + 1
    version += telling.opens_escalated(changed.facts)
    after = changed.after
    body: CaseBody = telling.whole(after, changed.new, version=version, by=by, what=what)
    said = [
        *telling.clock_events(changed.old, changed.new, changed.clock_facts, body.number),
        *telling.promise_events(changed.before, after),
        *telling.callback_events(after, changed.facts),
        *remedy_events(after, changed.facts),
    ]
    if kept.body is not None and telling.is_same(kept.body, body):
        body = kept.body
    else:
        said = [*telling.case_events(body, changed.facts), *said]
    store.put_case(
        tx,
        kept,
        body,
        code_sha256=after.received.code_sha256,
        listed=listed(after, body),
    )
    known = {one.id: one for one in changed.before.promises} if changed.before else {}
    for promise in after.promises:
        if known.get(promise.id) != promise:
            is_new = promise.id not in known
            store.put_promise(
                tx, kept, promise, number=body.number, cycle=after.cycle, is_new=is_new
            )
    for one in said:
        tx.say(one, subject=kept.complaint, unit=kept.unit)
    return body


def _set_clock_timer(tx: Tx, complaint: str, rules: Rules, changed: Change) -> None:
    """One timer a case, set for what comes next of all its clocks: a warning, a deadline, the end of a pause."""
    if changed.old == changed.new:
        return
    was = None
    if changed.before is not None:
        was = clocks.next_moment(rules, changed.old, changed.before.timed)
    next_ = clocks.next_moment(rules, changed.new, changed.after.timed)
    if next_ is None and was is not None:
        tx.disarm(CLOCK_TIMER, subject=complaint)
    elif next_ is not None and next_ != was:
        tx.arm(CLOCK_TIMER, subject=complaint, due_at=next_)


def _set_promise_timers(tx: Tx, complaint: str, before: Case | None, after: Case) -> None:
    known = {one.id: one.state for one in before.promises} if before else {}
    for one in after.promises:
        if one.state == "open" and one.id not in known:
            tx.arm(PROMISE_TIMER, subject=complaint, due_at=one.due_at, key=one.id)
        elif one.state != "open" and known.get(one.id) == "open":
            tx.disarm(PROMISE_TIMER, subject=complaint, key=one.id)


def _set_call_timers(tx: Tx, complaint: str, before: Case | None, after: Case) -> None:
    """One timer each for the next call, the end of a link, and the second check."""
    for name, due in (
        (CALLBACK_TIMER, awaited_call),
        (LINK_TIMER, _link_until),
        (CHECK_TIMER, awaited_check),
    ):
        was, is_ = due(before) if before else None, due(after)
        key = str(after.cycle)
        if is_ is not None and is_ != was:
            tx.arm(name, subject=complaint, due_at=is_, key=key)
        elif is_ is None and was is not None:
            tx.disarm(name, subject=complaint)


def _link_until(case: Case) -> datetime | None:
    return case.timed.calling.linked_until if case.callback_result is None else None


def _set_ladder_timer(
    tx: Tx, complaint: str, rules: Rules, before: Case | None, after: Case
) -> None:
    """Who was told of a case at its new level is to take note in time."""
    if after.level <= (before.level if before else 1):
        return
    until = taken_by(rules, after.level, now=tx.now)
    if until is not None:
        tx.arm(LADDER_TIMER, subject=complaint, due_at=until, key=str(after.level))


def _set_unsolved_timers(
    tx: Tx, complaint: str, rules: Rules, before: Case | None, after: Case
) -> None:
    """A grave case that is not solved in time is heard of higher up, by the trigger of the ladder."""
    was, is_ = unsolved_by(rules, before) if before else {}, unsolved_by(rules, after)
    for trigger in was.keys() - is_.keys():
        tx.disarm(UNSOLVED_TIMER, subject=complaint, key=trigger)
    for trigger, due_at in is_.items():
        if was.get(trigger) != due_at:
            tx.arm(UNSOLVED_TIMER, subject=complaint, due_at=due_at, key=trigger)


def _set_overdue_timers(tx: Tx, complaint: str, before: Case | None, after: Case) -> None:
    was, is_ = owed(before), owed(after)
    for key in was.keys() - is_.keys():
        tx.disarm(OVERDUE_TIMER, subject=complaint, key=key)
    for key, due_at in is_.items():
        if key not in was:
            tx.arm(OVERDUE_TIMER, subject=complaint, due_at=due_at, key=key)


def owed(case: Case | None) -> Mapping[str, datetime]:
    """Until when each open action of an accepted proposal and each open task is due, by kind and id."""
    if case is None or case.work is NOTHING_DONE:
        return {}
    found = {f"task/{one.id}": one.due_at for one in case.work.tasks if one.state == "open"}
    solution = case.work.solution
    if solution is not None and solution.answer == "accepted" and case.state == "executing":
        found |= {f"action/{one.id}": one.due_at for one in solution.actions if one.state == "open"}
    return found
