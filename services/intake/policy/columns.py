"""Which column of a table of complaints is which field, and the complaint in a row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from shared.errors import FieldError, Invalid

IGNORED: Final = "-"
PLAIN: Final = (
    "text", "subject", "external_id", "unit", "channel", "language", "product", "shop", "remedy_sought", "occurred_at",
)  # fmt: skip
PERSON: Final = ("name", "customer_no", "on_behalf_of")
CONTACTS: Final = ("phone", "email", "wechat", "wecom")
PLACES: Final = ("area", "address")
HISTORY: Final = ("received_at", "closed_at", "outcome")
TIMES: Final = frozenset({"occurred_at", "received_at", "closed_at"})
REFERENCE: Final = "reference."
_REFERENCE = re.compile(r"reference\.[a-z][a-z0-9_]{0,39}")
KNOWN: Final[Mapping[str, str]] = {
    "内容": "text", "投诉内容": "text", "诉求内容": "text", "描述": "text", "问题描述": "text", "complaint": "text",
    "description": "text", "标题": "subject", "主题": "subject", "title": "subject", "投诉编号": "external_id",
    "编号": "external_id", "工单号": "external_id", "id": "external_id", "渠道": "channel", "单位": "unit",
    "姓名": "name", "客户姓名": "name", "投诉人": "name", "customer": "name", "客户编号": "customer_no",
    "户号": "reference.account", "电话": "phone", "手机": "phone", "手机号": "phone", "联系电话": "phone",
    "mobile": "phone", "邮箱": "email", "电子邮件": "email", "e-mail": "email", "微信": "wechat", "企业微信": "wecom",
    "产品": "product", "商品": "product", "门店": "shop", "店铺": "shop", "网点": "shop", "区域": "area", "地址": "address",
    "订单号": "reference.order", "订单": "reference.order", "order": "reference.order", "order_no": "reference.order",
    "电表号": "reference.meter", "meter_no": "reference.meter", "车架号": "reference.vin", "vin": "reference.vin",
    "批号": "reference.batch_no", "batch_no": "reference.batch_no", "房号": "reference.room", "room": "reference.room",
    "发生时间": "occurred_at", "投诉时间": "received_at", "受理时间": "received_at", "created_at": "received_at",
    "办结时间": "closed_at", "结案时间": "closed_at", "处理结果": "outcome", "诉求": "remedy_sought",
}  # fmt: skip
"""Columns by the names that they have in other systems."""
_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|[+-]\d{2}:\d{2})?"
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets count days without a zone
MOST_SERIAL: Final = 80_000


def mapped(header: Sequence[str], given: Mapping[str, str], *, is_history: bool) -> tuple[str, ...]:
    """The field of each column; IGNORED for one to leave out. Raises Invalid that names every wrong column."""
    fields = tuple(_field(name, given) for name in header)
    allowed = _allowed(is_history=is_history)
    errors = [
        _wrong(name or f"column {at}", "unknown", "is no known column: map it to a field, or to -", "未知的列，请指定对应字段或 -")
        for at, (name, one) in enumerate(zip(header, fields, strict=True), 1)
        if one not in allowed and not _REFERENCE.fullmatch(one)
    ]  # fmt: skip
    used = [one for one in fields if one != IGNORED]
    errors += [
        _wrong(one, "twice", "has two columns", "对应了两列")
        for one in sorted({one for one in used if used.count(one) > 1})
    ]
    lacking = {"text", "received_at"} if is_history else {"text"}
    errors += [
        _wrong(one, "missing", "has no column", "缺少对应的列")
        for one in sorted(lacking - set(used))
    ]
    if errors:
        raise refused(errors)
    return fields


def body_of(fields: Sequence[str], cells: Sequence[str], *, zone: str) -> dict[str, Any]:
    """A row as the body of a complaint; what is empty is left out. Raises Invalid for a cell that is no time."""
    if any(cells[len(fields) :]):
        raise refused(
            [_wrong("row", "cells", f"has more than {len(fields)} cells", "单元格多于列")]
        )
    said = {
        name: cell for name, cell in zip(fields, cells, strict=False) if cell and name != IGNORED
    }
    errors: list[FieldError] = []
    for name in TIMES & said.keys():
        said[name] = _time(name, said[name], zone, errors)
    if errors:
        raise refused(errors)
    body: dict[str, Any] = {name: said[name] for name in PLAIN if name in said}
    contacts = [{"type": name, "value": said[name]} for name in CONTACTS if name in said]
    person = {name: said[name] for name in PERSON if name in said}
    if contacts or person:
        body["complainant"] = person | {"contacts": contacts}
    if place := {name: said[name] for name in PLACES if name in said}:
        body["location"] = place
    references = {
        name.removeprefix(REFERENCE): cell
        for name, cell in said.items()
        if name.startswith(REFERENCE)
    }
    if references:
        body["references"] = references
    if history := {name: said[name] for name in HISTORY if name in said}:
        body["history"] = history
    return body


def refused(errors: Iterable[FieldError]) -> Invalid:
    """What cannot be taken of a table."""
    return Invalid(
        "The table cannot be taken as it is: see errors.",
        zh="无法按此表导入，见 errors。",
        errors=tuple(errors),
    )


def _allowed(*, is_history: bool) -> frozenset[str]:
    own = (IGNORED, *PLAIN, *PERSON, *CONTACTS, *PLACES)
    return frozenset((*own, *HISTORY) if is_history else own)


def _field(name: str, given: Mapping[str, str]) -> str:
    if name in given:
        return given[name] or IGNORED
    plain = name.strip().lower()
    return KNOWN.get(plain, plain) or IGNORED


def _time(name: str, cell: str, zone: str, errors: list[FieldError]) -> str:
    found = _read_time(cell, zone)
    if found is None:
        message = "is no time such as 2026-03-02 09:00"
        errors.append(_wrong(name, "time", message, "时间格式应如 2026-03-02 09:00"))
        return cell
    return found.isoformat()


def _read_time(cell: str, zone: str) -> datetime | None:
    """A time as people and spreadsheets write it, in `zone` where it says none."""
    serial = _SERIAL.fullmatch(cell)
    try:
        if serial and float(cell) < MOST_SERIAL:
            days = timedelta(seconds=round(float(cell) * 86_400))
            return (_EPOCH + days).replace(tzinfo=ZoneInfo(zone))
        match = _TIME.fullmatch(cell.strip())
        if match is None:
            return None
        year, month, day, hour, minute, second = (int(one or 0) for one in match.groups()[:6])
        at = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone))
        return (
            datetime.fromisoformat(at.replace(tzinfo=None).isoformat() + match[7])
            if match[7]
            else at
        )
    except ValueError:
        return None


def _wrong(field: str, code: str, message: str, zh: str) -> FieldError:
    return FieldError(field[:60], code, message, zh)
