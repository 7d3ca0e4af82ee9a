"""What follows from adding facts to a case: what its clocks add, and whether it moves up the ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.followup.model import Case, ClockFact, Closed, Escalated, Fact, Reopened
from services.followup.policy import clocks
from services.followup.policy.case import fold
from services.followup.policy.clocks import Reading
from services.followup.policy.escalation import raised
from services.followup.policy.rules import Rules


@dataclass(frozen=True, slots=True)
class Change:
    """A case before and after some facts were added, with all that is to be added for it."""

    before: Case | None
    after: Case
    facts: tuple[Fact, ...]
    clock_facts: tuple[ClockFact, ...]
    old: tuple[Reading, ...]
    new: tuple[Reading, ...]


def change(
    known: Sequence[Fact],
    known_clocks: Sequence[ClockFact],
    added: Sequence[Fact],
    about_clocks: Sequence[ClockFact],
    *,
    rules: Rules,
    now: datetime,
) -> Change | None:
    """What adding these facts changes; None while intake's receipt is not among them."""
    before, after = fold(known), fold([*known, *added])
    if after is None:
        return None
    old = clocks.read(known_clocks)
    more = [*about_clocks]
    more += _clock_facts([*known_clocks, *about_clocks], before, after, added, rules=rules, now=now)
    new = clocks.read([*known_clocks, *more]) if more else old
    if escalated := _escalated(rules, after, missed(old, new), now=now):
        added = [*added, *escalated]
        after = fold([*known, *added]) or after
    return Change(before, after, tuple(added), tuple(more), old, new)


def _clock_facts(
    known: Sequence[ClockFact],
    before: Case | None,
    after: Case,
    added: Sequence[Fact],
    *,
    rules: Rules,
    now: datetime,
) -> list[ClockFact]:
    """What a change of the case adds to its clocks. A cycle that is over stays as it was."""
    found: list[ClockFact] = []
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


def missed(old: Sequence[Reading], new: Sequence[Reading]) -> list[str]:
    """The names of clocks whose deadline is newly known to have passed without the step done.

    A step that was done late is a breach too, but there is nothing left that somebody higher up could hurry.
    """
    before = {(one.cycle, one.clock.name): one.clock.breached_at for one in old}
    return [
        one.clock.name
        for one in new
        if one.clock.breached_at
        and one.clock.met_at is None
        and before.get((one.cycle, one.clock.name)) != one.clock.breached_at
    ]


def _escalated(rules: Rules, case: Case, missed: Sequence[str], *, now: datetime) -> list[Fact]:
    """One step up the ladder for each missed deadline, unless the case is over."""
    found: list[Fact] = []
    level = case.level
    for clock in missed if case.state != "closed" else ():
        above = raised(rules.pack, level)
        if above > level:
            found.append(Fact(Escalated(above, clock), now, "followup", case.cycle))
        level = above
    return found
