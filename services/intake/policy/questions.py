"""Which facts a pack asks for are still missing from a complaint: at most three, so that nobody is questioned."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from services.intake.model import Complaint
from shared.packs.model import Fact, Pack

MOST_ASKED: Final = 3
_REFERENCES: Final = {
    "order_no": ("order",),
    "order_or_account": ("order", "order_no", "account", "account_no", "customer_no"),
    "account_number": ("account", "account_no", "customer_no", "meter", "meter_no"),
    "table_or_order": ("order", "order_no", "table"),
    "lot_number": ("batch_no", "lot", "lot_no"),
    "home": ("room",),
}
"""Under which names adapters give what a fact asks for, beside the fact's own."""
_PLACES: Final = frozenset({"where", "home", "supply_address", "address"})
_SHOPS: Final = frozenset({"where", "shop", "store", "dealer"})
_PRODUCTS: Final = frozenset({"product", "item", "model", "grade", "dishes"})


def common(pack: Pack) -> tuple[Fact, ...]:
    """The facts that every complaint needs, in the pack's order; first how to answer: else nothing can be asked.

    What only some categories need is asked once it is understood which it is.
    """
    found = [fact for fact in pack.facts if fact.required and not fact.categories]
    return tuple(sorted(found, key=lambda fact: fact.id != "contact"))


def missing(complaint: Complaint, asked: Iterable[Fact]) -> tuple[Fact, ...]:
    """Those of the facts that a complaint does not say."""
    known = _known(complaint)
    return tuple(islice((fact for fact in asked if fact.id not in known), MOST_ASKED))


def _known(complaint: Complaint) -> set[str]:
    person, references = complaint.person, complaint.reference_tokens
    said: tuple[tuple[object, Collection[str]], ...] = (
        (person.name or person.anonymous, ("complainant_name",)),
        (person.contacts or person.anonymous, ("contact", "consent")),
        (person.customer_no, ("customer",)),
        (complaint.occurred_at, ("when",)),
        (complaint.area or complaint.address, _PLACES),
        (complaint.shop, _SHOPS),
        (complaint.product, _PRODUCTS),
        (complaint.remedy_sought, ("remedy_sought",)),
    )
    known = {"what_happened", *references}
    for value, facts in said:
        if value:
            known.update(facts)
    if references:
        known.update(
            fact for fact, names in _REFERENCES.items() if not references.keys().isdisjoint(names)
        )
    return known
