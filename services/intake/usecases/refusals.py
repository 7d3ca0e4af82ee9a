"""What callers are told when something cannot be taken."""

from collections.abc import Iterable

from shared.errors import FieldError, Gone, Invalid


def wrong_fields(errors: Iterable[FieldError]) -> Invalid:
    """Fields that point at what is not there."""
    return Invalid(
        "Some fields are wrong: see errors.", zh="部分字段不正确,见 errors。", errors=tuple(errors)
    )


def unknown_number(where: str) -> FieldError:
    """No complaint within reach has that number."""
    return FieldError(where, "unknown", "is no complaint within reach", "不是可见范围内的投诉编号")


def erased() -> Gone:
    """The complainant's data was erased."""
    return Gone("The complainant's data was erased.", zh="投诉人的数据已被删除。")
