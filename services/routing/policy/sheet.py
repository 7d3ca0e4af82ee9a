"""Lines of a staff list as values: which heading means what, and what each cell says."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.routing.model.staff import CAPACITY, Leave, Staff, Team, WorkShift

Record = Literal["team", "handler", "shift", "leave"]
Value = Team | Staff | WorkShift | Leave

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "record": ("类型", "记录", "type"),
    "unit": ("单位",),
    "team": ("班组", "班组代码"),
    "name_zh": ("中文名", "班组名称"),
    "name_en": ("英文名",),
    "supervisor": ("主管", "主管账号"),
    "hands_over": ("交班起点", "交班严重度"),
    "handler": ("处理人", "账号", "login"),
    "skills": ("技能",),
    "languages": ("语言",),
    "areas": ("区域",),
    "capacity": ("容量", "负荷上限"),
    "hours": ("每周工时", "工作时间"),
    "zone": ("时区",),
    "starts_at": ("开始", "开始时间", "from"),
    "ends_at": ("结束", "结束时间", "to"),
    "substitute": ("代理人", "代理"),
}
"""Each column with what else it may be headed."""
RECORDS: Final[Mapping[str, Record]] = {
    "team": "team", "teams": "team", "班组": "team",
    "handler": "handler", "handlers": "handler", "处理人": "handler", "人员": "handler",
    "shift": "shift", "shifts": "shift", "班次": "shift", "排班": "shift",
    "leave": "leave", "leaves": "leave", "休假": "leave", "请假": "leave",
}  # fmt: skip
_BY_HEADING: Final = {
    name.lower(): column for column, names in HEADINGS.items() for name in (column, *names)
}
_APART: Final = re.compile(r"[,，;；、|\s]+")
_DAY: Final = re.compile(r"\A(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\Z")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one field of one line; `line` 0: there are no lines."""

    line: int
    field: str
    code: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Given:
    """What a line says. Accounts are named as the line names them: by id or login."""

    line: int
    value: Value


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cells: Mapping[str, str]
    zone: str

    def text(self, column: str) -> str | None:
        return self.cells.get(column) or None

    def need(self, column: str) -> str:
        found = self.text(column)
        if found is None:
            raise _Bad(self.number, column, "missing", "is missing", "缺少必填内容")
        return found

    def items(self, column: str) -> tuple[str, ...] | None:
        text = self.text(column)
        return None if text is None else tuple(filter(None, _APART.split(text)))


class _Bad(Exception):
    def __init__(self, *what: Any) -> None:  # noqa: ANN401 - the fields of a Wrong
        super().__init__(*what)
        self.wrong = Wrong(*what)


def read_line(
    sheet: str, number: int, cells: Mapping[str, str], *, unit: str, zone: str
) -> Given | Wrong:
    """What a line says; the record's kind stands in the line, else the sheet is named for it. `unit` and `zone` hold
    where the line names none.
    """
    known: dict[str, str] = {}
    for heading, cell in cells.items():
        column = _BY_HEADING.get(heading.lower())
        if column is None:
            return Wrong(number, heading, "unknown_column", "is no column of a staff list: see `redress staff template`",
                         "不是人员表的列，参见 redress staff template")  # fmt: skip
        known[column] = cell
    kind = RECORDS.get((known.get("record") or sheet).strip().lower())
    if kind is None:
        return Wrong(number, "record", "unknown", "is none of team, handler, shift, leave",
                     "应为 班组、处理人、班次 或 休假")  # fmt: skip
    line = _Line(number, known, known.get("zone") or zone)
    try:
        _must_be_zone(line)
        return Given(number, _READ[kind](line, unit))
    except _Bad as error:
        return error.wrong


def _team(line: _Line, unit: str) -> Team:
    id_ = line.need("team")
    name = line.text("name_zh") or line.text("name_en") or id_
    hands_over = line.text("hands_over")
    return Team(
        unit=line.text("unit") or unit,
        id=id_,
        name_zh=name,
        name_en=line.text("name_en") or name,
        supervisor=line.text("supervisor"),
        skills=line.items("skills") or (),
        hands_over=hands_over,  # type: ignore[arg-type] # checked with everything else
    )


def _handler(line: _Line, _: str) -> Staff:
    return Staff(
        handler=line.need("handler"),
        unit="",
        team=line.need("team"),
        skills=line.items("skills") or (),
        languages=line.items("languages"),
        areas=line.items("areas"),
        capacity=_number(line, "capacity", CAPACITY),
        hours=line.text("hours"),
        zone=line.zone if line.text("hours") else None,
    )


def _shift(line: _Line, _: str) -> WorkShift:
    handler = line.need("handler")
    return WorkShift(handler, "", _time(line, "starts_at"), _time(line, "ends_at"))


def _leave(line: _Line, _: str) -> Leave:
    handler, starts_at = line.need("handler"), _time(line, "starts_at")
    return Leave(
        handler, "", starts_at, _time(line, "ends_at", is_end=True), line.text("substitute")
    )


_READ: Final[Mapping[Record, Callable[[_Line, str], Value]]] = {
    "team": _team,
    "handler": _handler,
    "shift": _shift,
    "leave": _leave,
}


def _number(line: _Line, column: str, default: int) -> int:
    text = line.text(column)
    try:
        return default if text is None else int(text)
    except ValueError:
        raise _Bad(line.number, column, "int", "is no whole number", "应为整数") from None


def _must_be_zone(line: _Line) -> None:
    try:
        ZoneInfo(line.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Bad(line.number, "zone", "unknown", "is no time zone: use a name such as Asia/Shanghai",
                   "不是时区，例如 Asia/Shanghai") from None  # fmt: skip


def _time(line: _Line, column: str, *, is_end: bool = False) -> datetime:
    """A time, or a date: its beginning, or as an end the end of that day."""
    text = line.need(column)
    zone = ZoneInfo(line.zone)
    if match := _DAY.match(text.removesuffix(" 00:00:00") if is_end else text):
        try:
            day = date(*map(int, match.groups()))
        except ValueError:
            raise _no_time(line, column) from None
        return datetime.combine(day + timedelta(days=is_end), time(), zone)
    try:
        found = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise _no_time(line, column) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def _no_time(line: _Line, column: str) -> _Bad:
    return _Bad(line.number, column, "datetime", "is no time: write it as 2026-03-02 09:00", "不是时间，应写作 2026-03-02 09:00")  # fmt: skip


def columns_of(value: Value, *, login: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """A value as the cells of a line, with accounts by login: what `read_line` reads."""
    yield "record", _record(value)
    for column in HEADINGS:
        field = "id" if column == "team" and isinstance(value, Team) else column
        found = getattr(value, field, None)
        if found is None or column == "record":
            continue
        if column in {"handler", "supervisor", "substitute"}:
            yield column, login(found)
        elif isinstance(found, datetime):
            yield column, found.isoformat()
        elif isinstance(found, Sequence) and not isinstance(found, str):
            yield column, " ".join(found)
        elif column != "unit" or isinstance(value, Team):
            yield column, str(found)


def _record(value: Value) -> Record:
    match value:
        case Team():
            return "team"
        case Staff():
            return "handler"
        case WorkShift():
            return "shift"
        case Leave():
            return "leave"
