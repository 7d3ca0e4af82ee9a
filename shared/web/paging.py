"""Keyset pages: a cursor says after which row to go on, so that inserts neither skip nor repeat rows."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.errors import FieldError, Invalid

MOST: Final = 200
R = TypeVar("R")
T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=MOST)]


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following one, or null at the end."""

    items: list[T]
    next: str | None = None


def page_of(
    rows: Sequence[R],
    *,
    limit: int,
    item: Callable[[R], T],
    key: Callable[[R], tuple[str | int, ...]],
) -> Page[T]:
    """A page of rows of which one more than `limit` was asked for: it tells that another page follows.

    `key`: the values by which the rows are sorted.
    """
    kept = rows[:limit]
    next_ = cursor(*key(kept[-1])) if len(rows) > limit else None
    return Page(items=[item(row) for row in kept], next=next_)


def cursor(*values: str | int) -> str:
    """A cursor that stands for the last row's sort values."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def read_cursor(text: str, *types: type) -> list[Any]:
    """The values in a cursor. Raises Invalid when it is none of ours."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        values = None
    if not isinstance(values, list) or [type(value) for value in values] != list(types):
        raise Invalid(
            "The cursor is not one of ours: use the `next` of a page as it was given.",
            zh="游标无效，请原样使用上一页返回的 next。",
            errors=[FieldError("after", "cursor", "not a cursor of this list", "不是该列表的游标")],
        )
    return values
