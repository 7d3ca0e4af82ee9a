"""Complaints of the past: kept with their own times and said to nobody. They are over: no clock runs for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.intake import store
from services.intake.model import Reception
from services.intake.usecases.receive import facts_of
from shared.ids import new_number
from shared.store.transaction import Tx

BY_HISTORY = "history/"
"""How `received_by` begins for what was imported as history."""


@dataclass(frozen=True, slots=True)
class Past:
    """A complaint of the past, ready to be written; its one claim is its natural key."""

    reception: Reception
    closed_at: datetime | None = None
    outcome: str | None = None

    def facts(self) -> Mapping[str, object]:
        """What is known of it, with how it ended."""
        closed = self.closed_at.isoformat() if self.closed_at else None
        ended = {"closed_at": closed, "outcome": self.outcome}
        history = {name: value for name, value in ended.items() if value is not None}
        return facts_of(self.reception.complaint, ()) | {"history": history}


async def keep_history(tx: Tx, items: Sequence[Past]) -> list[str]:
    """Keep complaints of the past, each once; returns the id of each, which is another's where it was known.

    Raises NumberTaken.
    """
    claims = [one.reception.claims[0] for one in items]
    made = await store.claimed(tx, claims)
    new: dict[tuple[str, str], Past] = {}
    ids = []
    for one, claim in zip(items, claims, strict=True):
        place = (claim.scope, claim.key)
        before = made[place][1] if place in made else None
        ids.append(before or new.setdefault(place, one).reception.id)
    if new:
        past = list(new.values())
        await store.add_complaints(
            tx, [one.reception for one in past], [one.facts() for one in past]
        )
        await store.take_unmatched(tx, [one.reception.id for one in past])
        kept = {
            place: (one.reception.claims[0].fingerprint, one.reception.id)
            for place, one in new.items()
        }
        await store.claim(tx, kept)
    return ids


def renumbered(past: Past) -> Past:
    """The same under another number."""
    return replace(past, reception=replace(past.reception, number=new_number()))
