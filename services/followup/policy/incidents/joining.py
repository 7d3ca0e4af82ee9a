"""Which incident something opens or joins by itself: by a warning's rule, by a sign that a complaint shows."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from services.followup.model import Case
from shared.contracts.incidents import Sign
from shared.contracts.insight import WarningRaised
from shared.contracts.intake import ComplaintReceived

COUNTED: Final = frozenset({"count", "critical", "outages", "public_posts", "public_reviews"})
"""Measures of complaints about a thing; the others are of work: missed deadlines, satisfaction, late papers."""
OF_PEOPLE: Final = frozenset({"complainant", "staff", "team"})
"""What a rule may count by that is no cause behind the complaints of many."""
FIELDS: Final = ("batch_no", "vin_prefix", "shop", "area")
"""Signs that stand in a complaint by themselves, the surest first; the others are references."""


def opens_incident(warning: WarningRaised) -> bool:
    """Whether a warning is of one cause behind several complaints."""
    is_of_things = OF_PEOPLE.isdisjoint(warning.shared)
    return warning.measure in COUNTED and is_of_things and len(warning.complaints) > 1


def sign_of(warning: WarningRaised) -> Sign | None:
    """By what later complaints of the same cause are known: the surest thing that those of the warning share."""
    shared = {name: value for name, value in warning.shared.items() if name != "category"}
    for name in (*FIELDS, *sorted(shared)):
        if shared.get(name):
            return Sign(by=name, value=shared[name])
    return None


def shown(said: ComplaintReceived) -> Mapping[str, str]:
    """The signs that a complaint shows, by their names."""
    fields = {name: getattr(said, name) for name in FIELDS}
    return {name: value for name, value in fields.items() if value} | dict(said.reference_tokens)


def is_of(categories: Collection[str], case: Case) -> bool | None:
    """Whether a case is of one of an incident's categories; None while nobody knows what it is about."""
    if not categories:
        return True
    if case.understanding is None:
        return None
    return not set(categories).isdisjoint(_first(case.understanding.categories))


def _first(categories: Iterable[str]) -> list[str]:
    """What the case is about; the others are what it might be about too."""
    return list(categories)[:1]
