"""A table of customers, as spreadsheets write it (CSV), row by row."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from services.intake.model import Contact, Customer, Person
from shared.errors import FieldError, Invalid

MOST_ROWS: Final = 5_000
LONGEST_CELL: Final = 500
PLAIN: Final = ("customer_no", "name", "language", "preferred_channel", "address", "class")
CONTACTS: Final = ("phone", "email", "wechat", "wecom")
OWNED: Final = ("meter_no", "vin", "room", "batch_no", "order_no", "account_no")
CONSENT: Final = "consent_"
_YES: Final = frozenset({"1", "y", "yes", "true", "是"})
_NO: Final = frozenset({"0", "n", "no", "false", "否"})


def read_customers(raw: bytes, *, unit: str) -> Iterator[Customer | Invalid]:
    """A customer for each row, or what is wrong with it. Raises Invalid where the file is no such table."""
    rows = list(_rows(raw))
    if not rows:
        raise _wrong("body", "empty", "is empty: the first line names the columns", "文件为空")
    header = [name.strip().lower() for name in rows[0]]
    check_customers(header)
    if len(rows) > MOST_ROWS + 1:
        raise _wrong(
            "body", "too_long", f"has more than {MOST_ROWS} rows: divide it", "行数过多，请拆分"
        )
    for cells in rows[1:]:
        if any(cell.strip() for cell in cells):
            yield customer_of(header, cells, unit)


def _rows(raw: bytes) -> Iterator[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheets write on a Chinese machine; it has a character for nearly every pair of bytes.
        text = raw.decode("gb18030", "replace")
    if "\0" in text or "\ufffd" in text:
        raise _wrong(
            "body", "encoding", "is neither UTF-8 nor GB18030", "编码应为 UTF-8 或 GB18030"
        )
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise _wrong("body", "csv", f"is no CSV: {error}", "不是有效的 CSV 文件") from error


def check_customers(header: list[str]) -> None:
    """Raise Invalid unless these columns make a table of customers."""
    known = {*PLAIN, *CONTACTS, *OWNED}
    wrong = [name for name in header if name not in known and not name.startswith(CONSENT)]
    if wrong:
        allowed = ", ".join((*PLAIN, *CONTACTS, *OWNED, f"{CONSENT}…"))
        raise _wrong(
            wrong[0][:40] or "body", "unknown", f"is no column: take of {allowed}", "没有该列"
        )
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise _wrong(twice[0], "twice", "is there twice", "列名重复")
    if "customer_no" not in header:
        raise _wrong("customer_no", "missing", "is a column that must be there", "缺少该列")


def customer_of(header: list[str], cells: list[str], unit: str) -> Customer | Invalid:
    """The customer in a row, or what is wrong with it."""
    if len(cells) != len(header):
        return _wrong("row", "cells", f"has {len(cells)} cells, not {len(header)}", "列数不符")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    for name, value in row.items():
        if len(value) > LONGEST_CELL:
            return _wrong(name, "too_long", f"has over {LONGEST_CELL} characters", "内容过长")
    if "customer_no" not in row:
        return _wrong("customer_no", "missing", "is missing", "缺少必填字段")
    consents: dict[str, bool] = {}
    for name in (one for one in row if one.startswith(CONSENT)):
        said = row[name].lower()
        if said not in _YES | _NO:
            return _wrong(name, "bool", "must be yes or no", "应为是或否")
        consents[name.removeprefix(CONSENT)] = said in _YES
    return Customer(
        customer_no=row["customer_no"],
        unit=unit,
        person=Person(
            name=row.get("name"),
            contacts=tuple(Contact(type_, row[type_]) for type_ in CONTACTS if type_ in row),
            customer_no=row["customer_no"],
            preferred_channel=row.get("preferred_channel"),
            language=row.get("language"),
        ),
        address=row.get("address"),
        rank=row.get("class"),
        consents=consents,
        owned=tuple((name, row[name]) for name in OWNED if name in row),
    )


def _wrong(field: str, code: str, message: str, zh: str) -> Invalid:
    return Invalid(
        "The table cannot be taken as it is: see errors.",
        zh="无法按此表导入，见 errors。",
        errors=[FieldError(field, code, message, zh)],
    )
