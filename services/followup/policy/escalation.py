"""Who hears of it next: the pack's ladder. Each step says what brings a case there; else it is one step at a time."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.followup.model import (
    Case,
    Decided,
    Fact,
    IncidentGrew,
    Received,
    Understanding,
)
from services.followup.model.remedies import RemedyProposed
from services.followup.policy.remedies.approving import RANKS
from services.followup.policy.rules import Rules
from shared.packs.model import Pack

NOT_TAKEN: Final = "not_taken"
"""Why a case went up where nobody at its level took note."""
CRITICAL: Final = "critical"
WARNED: Final = "warned"
BREACHED: Final = "breached"
NOT_UPHELD: Final = "not_upheld"
ASKED: Final = "customer_asks"
"""What a step of the ladder may name in its `triggers`, beside the pack's cues. The others are told by people."""
OUTSIDE: Final = "outside"
GROUP: Final = "group_of_"
AMOUNT: Final = "amount_above_"
MEDIA: Final = "media"
REGULATOR: Final = "regulator"
MEDIA_AND_REGULATOR: Final = "media_and_regulator"
UNSOLVED: Final = re.compile(r"(high|critical)_unsolved_(\d+[a-z]+)")
GRAVE: Final = ("high", "critical")
ENDED: Final = frozenset({"closed", "withdrawn"})
STANDARD: Final = "standard"


def raised(pack: Pack, level: int) -> int:
    """The level after one step up; the same at the top. Levels count from 1.

    Nobody outside the company is told by itself: that step is a person's.
    """
    ladder = pack.escalation
    inside = [place for place, step in enumerate(ladder, start=1) if step.role != OUTSIDE]
    first = next(
        (place for place, step in enumerate(ladder, start=1) if step.role == "supervisor"), 2
    )
    top = max(inside, default=1)
    return max(level, min(top, max(level + 1, first)))


def brought(pack: Pack, level: int, trigger: str) -> int:
    """The level to which something brings a case of this level: the step that names it, if that is higher."""
    named = (
        place
        for place, step in enumerate(pack.escalation, start=1)
        if trigger in step.triggers and step.role != OUTSIDE
    )
    return max(level, next(named, level))


def missed_level(pack: Pack, level: int) -> int:
    """The level after a missed deadline: one step up at least."""
    return max(raised(pack, level), brought(pack, level, BREACHED))


def asked_level(pack: Pack, level: int) -> int:
    """The level after somebody asked for a supervisor: one step up at least."""
    return max(raised(pack, level), brought(pack, level, ASKED))


def group_sizes(pack: Pack) -> tuple[int, ...]:
    """From how many complaints of one incident on the ladder names it: `group_of_10`."""
    named = (one for step in pack.escalation for one in step.triggers if one.startswith(GROUP))
    return tuple(sorted(int(one.removeprefix(GROUP)) for one in named))


def triggers_of(
    receipt: Received,
    understandings: Iterable[Understanding],
    added: Sequence[Fact],
    *,
    is_warned: bool,
) -> list[str]:
    """What there is that may bring a case up without a deadline missed: how it was ever understood, and what is new.

    Whatever order it becomes known in, the same level comes out: nothing goes down again.
    """
    known = tuple(understandings)
    cues = [cue for one in known for cue in one.cues]
    found = [CRITICAL for one in known if one.severity == CRITICAL] + cues
    if (MEDIA in cues or receipt.channel == "social") and (
        REGULATOR in cues or receipt.authority is not None
    ):
        found.append(MEDIA_AND_REGULATOR)
    found += [f"{GROUP}{one.what.size}" for one in added if isinstance(one.what, IncidentGrew)]
    found += [f"{AMOUNT}{rank}" for one in added for rank in _ranks_below(one)]
    if is_warned:
        found.append(WARNED)
    if any(isinstance(one.what, Decided) and one.what.outcome == NOT_UPHELD for one in added):
        found.append(NOT_UPHELD)
    return list(dict.fromkeys(found))


def _ranks_below(fact: Fact) -> Sequence[str]:
    """The ranks that may not approve a proposed remedy: its amount is above them."""
    what = fact.what
    return (
        RANKS[: RANKS.index(what.needs)] if isinstance(what, RemedyProposed) and what.needs else ()
    )


def taken_by(rules: Rules, level: int, *, now: datetime) -> datetime | None:
    """Until when somebody at that level is to take note, else the next step hears of it; None where nobody waits."""
    ladder = rules.pack.escalation
    step = ladder[level - 1] if level <= len(ladder) else None
    if step is None or step.acknowledge_within is None or raised(rules.pack, level) == level:
        return None
    return rules.count(term=step.acknowledge_within, calendar=step.calendar, start=now).at


def is_taken(case: Case) -> bool:
    """Whether who was told of the case at its level has taken note; at the lowest level there is nothing to note."""
    return case.level <= max(1, case.timed.taken_level)


def unsolved_by(rules: Rules, case: Case) -> Mapping[str, datetime]:
    """Until when a grave case is to be solved, else the ladder's step that names that hears of it: by that name."""
    if case.severity not in GRAVE or case.resolution is not None or case.state in ENDED:
        return {}
    found: dict[str, datetime] = {}
    for step in rules.pack.escalation:
        for trigger in step.triggers:
            named = UNSOLVED.fullmatch(trigger)
            if named is None or GRAVE.index(case.severity) < GRAVE.index(named[1]):
                continue
            if brought(rules.pack, case.level, trigger) > case.level:
                calendar = step.calendar or STANDARD
                found[trigger] = rules.count(
                    term=named[2], calendar=calendar, start=case.began_at
                ).at
    return found
