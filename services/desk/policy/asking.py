"""Which facts about a complaint are missing, as questions of the pack (R-004, R-027: nobody is asked twice)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from shared.packs.parts import Fact

_KNOWN_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "what_happened": ("text",),
    "when": ("occurred_at",),
    "where": ("area", "shop"),
    "product": ("product", "batch_no", "vin_prefix"),
    "remedy_sought": ("remedy_sought",),
    "evidence": ("attachments",),
    "preferred_contact": ("preferred_channel",),
    "contact": ("contact_types",),
    "consent": ("contact_types",),
}
"""Which parts of a complaint tell a fact; who leaves a contact point may be contacted about the matter."""
_OF_PEOPLE: Final = frozenset({"complainant_name"})
"""What only the vault knows: whoever needs it looks there."""


def missing_facts(
    facts: Iterable[Fact],
    *,
    category: str | None,
    complaint: Mapping[str, Any],
    recorded: Collection[str] = (),
) -> list[Fact]:
    """What is not known yet and asked of this category, what is required first."""
    asked = [one for one in facts if not one.categories or category in one.categories]
    open_ = [
        one
        for one in asked
        if one.id not in recorded
        and one.id not in _OF_PEOPLE
        and not any(complaint.get(name) for name in _KNOWN_BY.get(one.id, ()))
    ]
    return sorted(open_, key=lambda one: (not one.required, not one.categories))
