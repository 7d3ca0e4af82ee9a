"""What is missing to solve a complaint, as polite questions: few at a time, and none that is answered."""

from collections.abc import Mapping
from typing import Any, Final

from services.notify.model import Word
from shared.packs.model import Fact, Pack

_ANSWERED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "when": ("occurred_at",),
    "where": ("area", "shop"),
    "product": ("product", "batch_no", "vin_prefix"),
    "batch": ("batch_no",),
    "batch_no": ("batch_no",),
    "vin": ("vin_prefix",),
    "shop": ("shop",),
    "remedy_sought": ("remedy_sought",),
}
"""Facts of packs that a complaint's own fields answer; all others are answered by a reference of their name."""


def missing(pack: Pack, category: str | None, known: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The required facts of the category that nobody told yet, in the pack's order."""
    if category is None:
        return ()
    wanted = next((one.facts for one in pack.taxonomy if one.code == category), ())
    return tuple(
        fact
        for fact in pack.facts
        if fact.required
        and (fact.id in wanted or category in fact.categories)
        and not is_known(fact.id, known)
    )[: pack.thresholds.questions_per_message]


def is_known(fact: str, known: Mapping[str, Any]) -> bool:
    """Whether a complaint's fields or references answer a fact."""
    references: Mapping[str, Any] = dict.fromkeys(known.get("references", ()), True)
    names = {fact, fact.removesuffix("_no"), f"{fact}_no"}
    if fact == "order_or_account":
        names |= {"order", "order_no", "account", "account_no"}
    return any(known.get(one) for one in _ANSWERED_BY.get(fact, ())) or not names.isdisjoint(
        references
    )


def questions(pack: Pack, category: str | None, known: Mapping[str, Any]) -> Word | None:
    """What is missing, as questions; None when nothing is."""
    asked = missing(pack, category, known)
    if not asked:
        return None
    numbered = [(at, one.ask) for at, one in enumerate(asked, 1)]
    return {
        "zh": "\n".join(f"{at}. {one.zh}" for at, one in numbered),
        "en": "\n".join(f"{at}. {one.en}" for at, one in numbered),
    }
