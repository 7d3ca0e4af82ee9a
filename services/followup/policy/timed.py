"""What people and time did to the clocks and callbacks of a case; the same for any order of its facts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.followup.model import (
    NOT_TIMED,
    Amendment,
    Answered,
    Asked,
    CallClaimed,
    Calling,
    CallLinked,
    CallTried,
    ClockAsked,
    Contacted,
    EscalationTaken,
    Extension,
    ExtensionAsked,
    ExtensionDecided,
    FactsRecorded,
    PackAdopted,
    Paused,
    Replied,
    SecondCheckCame,
    SecondCheckPlanned,
    SecondCheckSettled,
    Supervised,
    Timed,
    Try,
    Unpaused,
    Urged,
)
from services.followup.policy.by_kind import ByKind, by_time, of

WAITING: Final = "waiting_customer"
_AMENDING: Final = (Paused, Unpaused, ExtensionDecided, ClockAsked, PackAdopted)
_TIMING: Final = frozenset(
    {
        *_AMENDING, Asked, Answered, CallClaimed, CallLinked, CallTried, Contacted, EscalationTaken, ExtensionAsked,
        FactsRecorded, Replied, SecondCheckCame, SecondCheckPlanned, SecondCheckSettled, Supervised, Urged,
    }
)  # fmt: skip
"""Without any of these there is nothing to fold: what most cases are when they open."""


def fold_timed(known: ByKind, mine: ByKind) -> Timed:
    """What was done: by `mine`, the facts of the present cycle; urging and supervision by all that is known."""
    if _TIMING.isdisjoint(known):
        return NOT_TIMED
    asked = {what.id: (fact, what) for fact, what in of(mine, ExtensionAsked)}
    decided = {what.id for _, what in of(mine, ExtensionDecided)}
    supervised = sorted(of(known, Supervised), key=by_time)
    adopted = max(of(known, PackAdopted), key=by_time, default=None)
    return Timed(
        amendments=tuple(sorted(_amendments(mine), key=_amended_at)),
        told=tuple(sorted(_told(mine))),
        extension=next(
            (
                Extension(what.id, what.clock, what.by, fact.by, fact.at)
                for id_, (fact, what) in sorted(asked.items())
                if id_ not in decided
            ),
            None,
        ),
        extensions=len(asked),
        pack_version=adopted[1].pack_version if adopted else None,
        urged=len(of(known, Urged)),
        supervised=len(supervised),
        supervised_until=supervised[-1][1].due_at if supervised else None,
        taken_level=max([1, *(what.level for _, what in of(known, EscalationTaken))]),
        calling=_calling(mine),
    )


def _amended_at(one: Amendment) -> tuple[datetime, str]:
    return one.at, one.what.name


def _amendments(mine: ByKind) -> Iterator[Amendment]:
    for kind in _AMENDING:
        for fact, what in mine.get(kind, ()):
            yield Amendment(fact.at, what)
    yield from _questions(mine)


def _questions(mine: ByKind) -> Iterator[Amendment]:
    """While a question to the customer is open, it is the customer who is waited for."""
    answered: dict[str, datetime] = {}
    for fact, what in of(mine, FactsRecorded):
        for id_ in what.answers:
            answered[id_] = min(fact.at, answered.get(id_, fact.at))
    for fact, asked in of(mine, Asked):
        for id_ in asked.questions:
            reason = f"{WAITING}/{id_}"
            yield Amendment(fact.at, Paused(reason))
            if id_ in answered:
                yield Amendment(max(fact.at, answered[id_]), Unpaused(reason))


def _told(mine: ByKind) -> Iterator[datetime]:
    for fact, talk in of(mine, Contacted):
        if talk.heard:
            yield fact.at
    for fact, _ in of(mine, Replied):
        yield fact.at


def _calling(mine: ByKind) -> Calling:
    tries = [
        Try(fact.at, fact.by, what.outcome, what.channel, what.counts)
        for fact, what in sorted(of(mine, CallTried), key=by_time)
    ]
    claim = max(of(mine, CallClaimed), key=by_time, default=None)
    if claim and any(one.at >= claim[0].at and one.by == claim[0].by for one in tries):
        claim = None  # The call was made.
    linked = [what.until for _, what in of(mine, CallLinked)]
    second = [what.due_at for _, what in of(mine, SecondCheckPlanned)]
    settled = max(of(mine, SecondCheckSettled), key=by_time, default=None)
    return Calling(
        tries=tuple(tries),
        claimed_by=claim[0].by if claim else None,
        claimed_until=claim[1].until if claim else None,
        linked_until=min(linked, default=None),
        second_due_at=min(second, default=None),
        second_came=bool(of(mine, SecondCheckCame)),
        second_result=settled[1].result if settled else None,
    )
