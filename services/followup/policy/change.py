"""What follows from adding facts to a case: what its clocks add, and whether it moves up the ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.followup.model import (
    Case,
    ClockFact,
    Closed,
    Escalated,
    Fact,
    Reopened,
    Withdrawn,
)
from services.followup.policy import clocks
from services.followup.policy.callback import second_check
from services.followup.policy.case import fold
from services.followup.policy.clocks import Reading
from services.followup.policy.escalation import brought, missed_level, triggers_of
from services.followup.policy.rules import Rules

ENDED: Final = frozenset({"closed", "withdrawn"})


SoFar = tuple[Case | None, tuple[Reading, ...]]
"""What known facts fold into: the case, None before its receipt, and its clocks."""


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
    so_far: SoFar | None = None,
) -> Change | None:
    """What adding these facts changes; None while intake's receipt is not among them.

    `so_far`: what the known facts fold into, where somebody has folded them already.
    """
    before, old = so_far or (fold(known), clocks.read(known_clocks))
    after = fold([*known, *added])
    if after is None:
        return None
    if later := second_check(rules, after, now=now) if _is_closing(added) else None:
        added = [*added, later]
        after = fold([*known, *added]) or after
    more = [*about_clocks]
    more += _clock_facts([*known_clocks, *about_clocks], before, after, added, rules=rules, now=now)
    new = clocks.read_again(old, known_clocks, more) if more else old
    if escalated := _escalated(rules, after, added, more, missed(old, new), now=now):
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
    """What a change of the case adds to its clocks. Of a cycle that is over only what lasts goes on."""
    found: list[ClockFact] = []
    if before is not None and any(isinstance(fact.what, Reopened) for fact in added):
        found += clocks.endings(clocks.read(known), cycle=before.cycle, at=now)
    is_over = before is not None and before.state in ENDED and before.cycle == after.cycle
    is_withdrawn = is_over and after.state == "withdrawn"
    if not is_withdrawn and (before is None or _counts(before) != _counts(after)):
        wanted = clocks.wanted(rules, after, now=now, is_over=is_over)
        found += clocks.additions(known, wanted, case=after, now=now)
    if any(isinstance(fact.what, Closed | Withdrawn) for fact in added):
        lasting = {one.name for one in rules.pack.clocks if clocks.lasts(one)}
        found += clocks.endings(
            clocks.read([*known, *found]), cycle=after.cycle, at=now,
            lasting=lasting if after.state == "closed" else (),
        )  # fmt: skip
    return found


def _counts(case: Case) -> tuple[object, ...]:
    """All that deadlines rest on."""
    is_called = case.callback_due_at is not None
    timed = case.timed
    return (
        case.cycle, case.understandings, case.happened, case.triages, is_called, timed.amendments, timed.told,
        timed.pack_version,
    )  # fmt: skip


def missed(old: Sequence[Reading], new: Sequence[Reading]) -> list[str]:
    """The names of clocks whose deadline is newly known to have passed without the step done.

    A step that was done late is a breach too, but there is nothing left that somebody higher up could hurry.
    """
    before = {one.place: one.clock.breached_at for one in old}
    return [
        one.clock.name
        for one in new
        if one.clock.breached_at
        and one.clock.met_at is None
        and not one.is_ended
        and before.get(one.place) != one.clock.breached_at
    ]


def _is_closing(added: Sequence[Fact]) -> bool:
    return any(isinstance(fact.what, Closed) for fact in added)


def _escalated(
    rules: Rules,
    case: Case,
    added: Sequence[Fact],
    about_clocks: Sequence[ClockFact],
    missed: Sequence[str],
    *,
    now: datetime,
) -> list[Fact]:
    """The steps up the pack's ladder, unless the case is over.

    A deadline missed at the top is said too: whoever has the case may lose it for that.
    """
    if case.state in ENDED:
        return []
    level, found = case.level, list[Fact]()
    is_warned = any(_is_last_warning(rules, one) for one in about_clocks)
    for trigger in triggers_of(case.received, case.understandings, added, is_warned=is_warned):
        above = brought(rules.pack, level, trigger)
        if above > level:
            found.append(Fact(Escalated(above, trigger), now, "followup", case.cycle))
        level = above
    for clock in missed:
        level = missed_level(rules.pack, level)
        found.append(Fact(Escalated(level, clock), now, "followup", case.cycle))
    return found


def _is_last_warning(rules: Rules, fact: ClockFact) -> bool:
    """Whether a clock gives the last of its warnings before the deadline (generic pack: at 80 %)."""
    if fact.fact != "warned" or fact.fraction is None:
        return False
    clock = rules.clock(fact.clock)
    before = [each for each in clock.warn_at if each < 1] if clock else []
    return bool(before) and fact.fraction >= max(before)
