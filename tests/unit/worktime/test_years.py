"""The calendars of China, England and the United States 2024-2026, written by hand, and deadlines right to the minute.

China: the State Council's yearly notices (国务院办公厅关于部分节假日安排的通知), with make-up workdays (调休).
England: bank holidays as on gov.uk. United States: federal holidays as OPM lists them. Terms: generic.md sections 6, 7.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final

import pytest

from shared.packs.calendars import calendar_of
from shared.packs.load import load_folder, shipped_folder
from shared.worktime import Calendar, add_term, parse_term, working_between

CLOSED: Final = {
    # Weekdays without work; a range is written 02-12..16.
    ("standard", 2024): "01-01 02-12..16 04-04..05 05-01..03 06-10 09-16..17 10-01..04 10-07",
    ("standard", 2025): "01-01 01-28..31 02-03..04 04-04 05-01..02 05-05 06-02 10-01..03 10-06..08",
    (
        "standard",
        2026,
    ): "01-01..02 02-16..20 02-23 04-06 05-01 05-04..05 06-19 09-25 10-01..02 10-05..07",
    ("standard_uk", 2024): "01-01 03-29 04-01 05-06 05-27 08-26 12-25..26",
    ("standard_uk", 2025): "01-01 04-18 04-21 05-05 05-26 08-25 12-25..26",
    ("standard_uk", 2026): "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    ("standard_us", 2024): "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
    ("standard_us", 2025): "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    ("standard_us", 2026): "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
}
MAKE_UP: Final = {
    # Saturdays and Sundays on which China works.
    ("standard", 2024): "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    ("standard", 2025): "01-26 02-08 04-27 09-28 10-11",
    ("standard", 2026): "01-04 02-14 02-28 05-09 09-20 10-10",
}


@cache
def calendar(name: str) -> Calendar:
    return calendar_of(load_folder(shipped_folder(), "generic").calendar_spec(name))


def days(year: int, text: str) -> set[date]:
    found = set()
    for one in text.split():
        first, _, last = one.partition("..")
        month, day = (int(part) for part in first.split("-"))
        found |= {date(year, month, each) for each in range(day, int(last or day) + 1)}
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.req("R-085")
@pytest.mark.parametrize(("name", "year"), sorted(CLOSED))
def test_every_day_of_the_year_is_open_or_closed_as_published(name: str, year: int) -> None:
    ours, closed = calendar(name), days(year, CLOSED[name, year])
    made_up = days(year, MAKE_UP.get((name, year), ""))
    every = [date(year, 1, 1) + timedelta(days=one) for one in range(365 + (year % 4 == 0))]
    saturday = 5

    wrong = [
        day.isoformat()
        for day in every
        if bool(ours.shifts_on(day)[0])
        is not (day in made_up or (day.weekday() < saturday and day not in closed))
    ]

    assert wrong == []
    assert not {day for day in closed if day.weekday() >= saturday}
    assert ours.gap_warnings(every[0], every[-1]) == ()


@pytest.mark.req("R-085")
@pytest.mark.parametrize(
    ("name", "start", "term", "due"),
    [
        # China: over Spring Festival 2024, whose eve is a workday and whose first make-up day is the Sunday after
        ("standard", "2024-02-09T17:30+08:00", "4wh", "2024-02-18T12:30+08:00"),
        ("standard", "2024-02-08T17:30+08:00", "2wd", "2024-02-18T18:00+08:00"),
        ("standard", "2024-02-03T12:00+08:00", "1wd", "2024-02-04T18:00+08:00"),
        ("standard", "2024-09-13T17:59+08:00", "2wm", "2024-09-14T09:01+08:00"),
        ("standard", "2024-09-30T09:00+08:00", "5wd", "2024-10-12T18:00+08:00"),
        ("standard", "2025-01-27T16:15+08:00", "3wh", "2025-02-05T10:15+08:00"),
        ("standard", "2025-01-25T10:00+08:00", "1wd", "2025-01-26T18:00+08:00"),
        ("standard", "2025-09-30T18:00+08:00", "1wm", "2025-10-09T09:01+08:00"),
        ("standard", "2025-04-25T17:45+08:00", "30wm", "2025-04-27T09:15+08:00"),
        ("standard", "2025-12-31T17:00+08:00", "2wh", "2026-01-04T10:00+08:00"),
        ("standard", "2026-02-13T17:30+08:00", "1wh", "2026-02-14T09:30+08:00"),
        ("standard", "2026-02-14T17:59+08:00", "2wm", "2026-02-24T09:01+08:00"),
        ("standard", "2026-04-30T10:00+08:00", "2wd", "2026-05-07T18:00+08:00"),
        ("standard", "2026-09-18T09:00+08:00", "10wd", "2026-10-09T18:00+08:00"),
        ("standard", "2026-09-30T12:00+08:00", "15d", "2026-10-16T00:00+08:00"),
        # England: Easter and Boxing Day observed; the clocks change on 31 March 2024 and 25 October 2026
        ("standard_uk", "2024-03-28T17:30+00:00", "1wh", "2024-04-02T09:30+01:00"),
        ("standard_uk", "2024-03-28T10:00+00:00", "3wd", "2024-04-04T18:00+01:00"),
        ("standard_uk", "2025-12-24T17:59+00:00", "2wm", "2025-12-29T09:01+00:00"),
        ("standard_uk", "2026-12-24T12:00+00:00", "1wd", "2026-12-29T18:00+00:00"),
        ("standard_uk", "2026-10-23T17:00+01:00", "2wh", "2026-10-26T10:00+00:00"),
        ("standard_uk", "2026-09-01T10:00+01:00", "8w", "2026-10-28T00:00+00:00"),
        ("standard_uk", "2026-10-24T12:00+01:00", "24h", "2026-10-25T11:00+00:00"),
        # United States: Independence Day 2026 is observed on the Friday; the clocks change on 8 March 2026
        ("standard_us", "2024-11-27T17:00-05:00", "2wh", "2024-11-29T10:00-05:00"),
        ("standard_us", "2025-10-10T17:59-04:00", "2wm", "2025-10-14T09:01-04:00"),
        ("standard_us", "2026-07-02T17:30-04:00", "1wh", "2026-07-06T09:30-04:00"),
        ("standard_us", "2026-03-06T17:30-05:00", "1wh", "2026-03-09T09:30-04:00"),
        ("standard_us", "2026-03-01T12:00-05:00", "15d", "2026-03-17T00:00-04:00"),
        # Calling hours have a break at noon; around the clock nothing is closed
        ("calling", "2026-02-17T11:30+08:00", "2wh", "2026-02-17T15:30+08:00"),
        ("24x7", "2026-02-17T23:50+08:00", "30m", "2026-02-18T00:20+08:00"),
    ],
)
def test_deadlines_are_right_to_the_minute(name: str, start: str, term: str, due: str) -> None:
    found = add_term(calendar(name), at(start), parse_term(term))

    assert found.at == at(due)
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("name", "first", "last", "workdays"),
    [
        (
            "standard",
            "2024-02-01",
            "2024-03-01",
            18,
        ),  # 16 weekdays outside the holiday and two Sundays made up
        ("standard_uk", "2025-12-22", "2026-01-05", 7),
        ("standard_us", "2026-07-01", "2026-07-11", 7),
    ],
)
def test_a_month_has_as_many_hours_as_its_workdays(
    name: str, first: str, last: str, workdays: int
) -> None:
    ours = calendar(name)
    begin = ours.instant(date.fromisoformat(first), 0)
    end = ours.instant(date.fromisoformat(last), 0)

    assert working_between(ours, begin, end) == workdays * timedelta(hours=9)


def test_a_year_without_published_make_up_days_warns_and_names_the_year() -> None:
    due = add_term(calendar("standard"), datetime(2026, 12, 31, 2, tzinfo=UTC), parse_term("2wd"))

    assert due.at == at("2027-01-05T18:00+08:00")
    [warning] = due.warnings
    assert "for 2027 is not known" in warning
    assert "complete_years" in warning
