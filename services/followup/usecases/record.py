"""The one way in which a case changes: facts are added, everything else follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.followup import store
from services.followup.model import Case, ClockFact, Closed, Escalated, Fact, Reopened
from services.followup.policy import clocks, telling
from services.followup.policy.case import fold
from services.followup.policy.clocks import Reading
from services.followup.policy.escalation import raised
from services.followup.policy.rules import Rules
from services.followup.store import Kept
from shared.contracts.followup import CaseBody
from shared.policy import NotHereYet, Policy
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


async def record(
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
    before, after = fold(kept.facts), fold([*kept.facts, *added])
    if after is None:
        await store.add_facts(tx, kept.complaint, kept.unit, added)
        return None
    rules = context.rules(after.received.pack, after.received.pack_version)
    old = clocks.read(kept.clock_facts)
    more = [
        *about_clocks,
        *_clock_facts(kept, before, after, added, about_clocks, rules=rules, now=tx.now),
    ]
    new = clocks.read([*kept.clock_facts, *more]) if more else old
    if (escalated := _escalated(rules, after, old, new, now=tx.now)) is not None:
        added = [*added, escalated]
        after = fold([*kept.facts, *added]) or after
    await store.add_facts(tx, kept.complaint, kept.unit, added)
    await store.add_clock_facts(tx, kept.complaint, kept.unit, more)
    body = await _tell(tx, kept, before, after, (old, new), (added, more), by=by, what=what)
    await _set_clock_timers(tx, kept.complaint, rules, old, new)
    await _set_other_timers(tx, kept.complaint, before, after)
    return body


def _clock_facts(
    kept: Kept,
    before: Case | None,
    after: Case,
    added: Sequence[Fact],
    about_clocks: Sequence[ClockFact],
    *,
    rules: Rules,
    now: datetime,
) -> list[ClockFact]:
    """What a change of the case adds to its clocks. A cycle that is over stays as it was."""
    known, found = [*kept.clock_facts, *about_clocks], list[ClockFact]()
    if before is not None and any(isinstance(fact.what, Reopened) for fact in added):
        found += clocks.endings(clocks.read(known), cycle=before.cycle, at=now)
    is_over = before is not None and before.state == "closed" and before.cycle == after.cycle
    if not is_over and (before is None or _counts(before) != _counts(after)):
        found += clocks.additions(
            known, clocks.wanted(rules, after), rules=rules, case=after, now=now
        )
    if any(isinstance(fact.what, Closed) for fact in added):
        found += clocks.endings(clocks.read([*known, *found]), cycle=after.cycle, at=now)
    return found


def _counts(case: Case) -> tuple[object, ...]:
    """All that deadlines rest on."""
    return case.cycle, case.understandings, case.happened, case.triage, case.callback_due_at


def _escalated(
    rules: Rules, case: Case, old: Sequence[Reading], new: Sequence[Reading], *, now: datetime
) -> Fact | None:
    """One step up the ladder for a deadline that is newly known to have passed, unless the case is over."""
    missed = telling.missed(old, new)
    level = raised(rules.pack, case.level)
    if not missed or case.state == "closed" or level == case.level:
        return None
    return Fact(Escalated(level, missed[0]), now, "followup", case.cycle)


async def _tell(
    tx: Tx,
    kept: Kept,
    before: Case | None,
    after: Case,
    readings: tuple[Sequence[Reading], Sequence[Reading]],
    added: tuple[Sequence[Fact], Sequence[ClockFact]],
    *,
    by: str,
    what: str,
) -> CaseBody:
    version = (kept.body.version if kept.body else 0) + 1
    body: CaseBody = telling.whole(after, readings[1], version=version, by=by, what=what)
    said = [
        *telling.clock_events(*readings, added[1], body.number),
        *telling.promise_events(before, after),
        *telling.callback_events(after, added[0]),
    ]
    if kept.body is not None and telling.is_same(kept.body, body):
        body = kept.body
    else:
        await store.put_case(
            tx,
            kept,
            body,
            code_sha256=after.received.code_sha256,
            callback_due_at=after.callback_due_at,
        )
        said.insert(0, telling.case_event(body, added[0]))
    for one in said:
        tx.say(one, subject=kept.complaint, unit=kept.unit)
    return body


async def _set_clock_timers(
    tx: Tx, complaint: str, rules: Rules, old: Sequence[Reading], new: Sequence[Reading]
) -> None:
    """One timer a running clock, set for what comes next: a warning or the deadline."""
    before = {_key(one): one for one in old if clocks.runs(one)}
    now = {_key(one): one for one in new if clocks.runs(one)}
    for key in sorted(before.keys() - now.keys()):
        await tx.disarm(CLOCK_TIMER, subject=complaint, key=key)
    for key, reading in now.items():
        if before.get(key) != reading:
            await set_clock_timer(tx, complaint, rules, reading)


async def set_clock_timer(tx: Tx, complaint: str, rules: Rules, reading: Reading) -> None:
    """Set the timer of one running clock."""
    body = {"cycle": reading.cycle, "clock": reading.clock.name}
    at = clocks.next_moment(rules, reading)
    await tx.arm(CLOCK_TIMER, subject=complaint, due_at=at, key=_key(reading), body=body)


def _key(reading: Reading) -> str:
    return f"{reading.cycle}/{reading.clock.name}"


async def _set_other_timers(tx: Tx, complaint: str, before: Case | None, after: Case) -> None:
    known = {one.id: one.state for one in before.promises} if before else {}
    for one in after.promises:
        if one.state == "open" and one.id not in known:
            await tx.arm(PROMISE_TIMER, subject=complaint, due_at=one.due_at, key=one.id)
        elif one.state != "open" and known.get(one.id) == "open":
            await tx.disarm(PROMISE_TIMER, subject=complaint, key=one.id)
    was, is_ = _callback_due(before), _callback_due(after)
    if was is not None and is_ is None:
        await tx.disarm(CALLBACK_TIMER, subject=complaint)
    elif is_ is not None and was is None:
        await tx.arm(CALLBACK_TIMER, subject=complaint, due_at=is_, key=str(after.cycle))


def _callback_due(case: Case | None) -> datetime | None:
    """When a case that waits for its callback is to get it."""
    return (
        case.callback_due_at
        if case is not None and case.state == "resolved" and case.callback_result is None
        else None
    )
