"""Which events somebody wants: by type, unit and category."""

import orjson

from services.notify.model import Wanted


def is_wanted(wanted: Wanted, *, type_: str, category: str | None) -> bool:
    """Whether an event is one of those. One without a category is none where categories are asked for."""
    if wanted.types and not any(is_of(type_, one) for one in wanted.types):
        return False
    return not wanted.categories or category in wanted.categories


def is_of(type_: str, wanted: str) -> bool:
    """Whether a type is the one wanted, or begins as it does before its `*`."""
    return type_.startswith(wanted[:-1]) if wanted.endswith("*") else type_ == wanted


def category_in(event: str) -> str | None:
    """The category that an event (JSON) names itself: the first of several."""
    body = orjson.loads(event).get("data", {})
    several = body.get("categories") or ()
    category = (
        body.get("category")
        or body.get("new_category")
        or (several[0]["code"] if several else None)
    )
    return str(category) if category else None
