"""Working time, to the minute: what is counted, and what always holds."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.worktime import (
    Calendar,
    CalendarError,
    DayException,
    NoOpenTime,
    Shift,
    add_calendar_days,
    add_days,
    add_term,
    add_working,
    always_open,
    next_open,
    parse_shift,
    parse_term,
    working_between,
    working_intervals,
)

OFFICE = ((parse_shift("09:00-18:00"),),) * 5 + ((), ())
SPLIT = ((parse_shift("08:30-12:00"), parse_shift("14:00-20:30")),) * 7
NIGHT = ((Shift(0, 6 * 60), Shift(22 * 60, 1440)),) * 7
ROUND = ((Shift(0, 1440),),) * 7
CHINA = Calendar(id="standard", zone="Asia/Shanghai", week=OFFICE, holidays="CN")
ENGLAND = Calendar(id="standard_uk", zone="Europe/London", week=OFFICE, holidays="GB-ENG")

calendars = st.builds(
    lambda zone, week: Calendar(id="any", zone=zone, week=week),
    st.sampled_from(["Asia/Shanghai", "Europe/London", "America/New_York", "America/Havana"]),
    st.sampled_from([OFFICE, SPLIT, NIGHT, ROUND]),
)
around_clock_changes = st.sampled_from(
    [date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 1)]
)
instants = st.builds(
    lambda day, minutes: (
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    around_clock_changes,
    st.integers(-3 * 1440, 3 * 1440),
)
lengths = st.integers(0, 6 * 1440).map(lambda minutes: timedelta(minutes=minutes))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@given(calendars, instants, lengths, lengths)
def test_working_time_adds_up_whatever_is_counted_first(
    calendar: Calendar, start: datetime, first: timedelta, then: timedelta
) -> None:
    in_one = add_working(calendar, start, first + then).at
    in_two = add_working(calendar, add_working(calendar, start, first).at, then).at

    assert in_one == in_two or not then


@given(calendars, instants, lengths, lengths)
def test_more_work_is_never_due_earlier(
    calendar: Calendar, start: datetime, work: timedelta, more: timedelta
) -> None:
    assert add_working(calendar, start, work).at <= add_working(calendar, start, work + more).at


@given(calendars, instants, instants, lengths)
def test_a_later_start_is_never_due_earlier(
    calendar: Calendar, one: datetime, other: datetime, work: timedelta
) -> None:
    early, late = sorted((one, other))

    assert add_working(calendar, early, work).at <= add_working(calendar, late, work).at


@given(calendars, instants, lengths)
def test_what_lies_between_start_and_due_is_the_work(
    calendar: Calendar, start: datetime, work: timedelta
) -> None:
    due = add_working(calendar, start, work)

    assert working_between(calendar, start, due.at) == work
    assert sum((part.end - part.start for part in due.counted), timedelta()) == work


@given(calendars, instants, instants, instants)
def test_time_between_adds_up_over_any_point(
    calendar: Calendar, a: datetime, b: datetime, c: datetime
) -> None:
    first, middle, last = sorted((a, b, c))

    whole = working_between(calendar, first, last)

    assert whole == working_between(calendar, first, middle) + working_between(
        calendar, middle, last
    )


@given(calendars, instants, instants)
def test_open_stretches_never_overlap(calendar: Calendar, a: datetime, b: datetime) -> None:
    parts = working_intervals(calendar, min(a, b), max(a, b))

    assert all(part.start < part.end for part in parts)
    assert all(one.end <= other.start for one, other in pairwise(parts))


@given(calendars, instants, st.integers(1, 10), st.integers(1, 10))
def test_more_days_are_due_later(calendar: Calendar, start: datetime, days: int, more: int) -> None:
    assert add_days(calendar, start, days).at < add_days(calendar, start, days + more).at


@pytest.mark.parametrize(
    ("start", "work", "due"),
    [
        # The Saturday before the Spring Festival of 2026 is a make-up workday.
        ("2026-02-13T16:00+08:00", 8, "2026-02-14T15:00+08:00"),
        # From the last workday over the nine days off.
        ("2026-02-14T17:00+08:00", 2, "2026-02-24T10:00+08:00"),
        # National Day 2026: off from 1 to 7 October, work on Saturday the 10th.
        ("2026-09-30T17:30+08:00", 1, "2026-10-08T09:30+08:00"),
        ("2026-10-09T17:00+08:00", 2, "2026-10-10T10:00+08:00"),
        # Work that ends at closing is due at closing.
        ("2026-06-01T09:00+08:00", 9, "2026-06-01T18:00+08:00"),
        # Outside working time the count begins with the next opening.
        ("2026-06-06T12:00+08:00", 1, "2026-06-08T10:00+08:00"),
    ],
)
def test_chinese_office_hours_follow_holidays_and_make_up_days(
    start: str, work: int, due: str
) -> None:
    assert add_working(CHINA, at(start), timedelta(hours=work)).at == at(due)


@pytest.mark.req("R-085")
@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-06-01T10:00+08:00", 1, "2026-06-02T18:00+08:00"),  # its own day does not count
        ("2026-06-05T17:30+08:00", 1, "2026-06-08T18:00+08:00"),  # Friday evening to Monday
        ("2026-06-06T12:00+08:00", 1, "2026-06-08T18:00+08:00"),  # from a closed day
        ("2026-06-01T23:00+08:00", 1, "2026-06-02T18:00+08:00"),  # after closing
        ("2026-02-13T10:00+08:00", 3, "2026-02-25T18:00+08:00"),  # over the Spring Festival
    ],
)
def test_working_days_end_at_the_close_of_the_last_one(start: str, days: int, due: str) -> None:
    assert add_days(CHINA, at(start), days).at == at(due)


def test_english_bank_holidays_are_closed() -> None:
    due = add_days(ENGLAND, at("2026-04-02T10:00+01:00"), 1)  # Good Friday and Easter Monday

    assert due.at == at("2026-04-07T18:00+01:00")


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_a_day_is_as_long_as_it_really_is(day: str, hours: int) -> None:
    zone = ZoneInfo("Europe/London")
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=zone)

    assert working_between(always_open("Europe/London"), start, end) == timedelta(hours=hours)


def test_a_shift_inside_the_skipped_hour_is_not_there() -> None:
    calendar = Calendar(id="early", zone="Europe/London", week=((Shift(60, 120),),) * 7)

    assert calendar.openings_on(date(2026, 3, 29)) == ()
    assert len(calendar.openings_on(date(2026, 3, 28))) == 1


def test_dated_exceptions_close_and_open() -> None:
    exceptions = {
        date(2026, 6, 1): DayException((), "stocktaking"),
        date(2026, 6, 6): DayException((parse_shift("10:00-12:00"),), "open day"),
    }
    calendar = Calendar(id="c", zone="Asia/Shanghai", week=OFFICE, exceptions=exceptions)

    monday = add_working(calendar, at("2026-06-01T08:00+08:00"), timedelta(hours=1))
    saturday = add_working(calendar, at("2026-06-05T18:00+08:00"), timedelta(hours=2))

    assert monday.at == at("2026-06-02T10:00+08:00")
    assert saturday.at == at("2026-06-06T12:00+08:00")
    assert saturday.counted[0].why == "open day"


def test_a_year_without_official_schedule_warns() -> None:
    known = add_days(CHINA, at("2026-06-01T10:00+08:00"), 5)
    unknown = add_days(CHINA, at("2027-06-01T10:00+08:00"), 5)

    assert known.warnings == ()
    assert "2027" in unknown.warnings[0]
    assert "complete_years" in unknown.warnings[0]


def test_a_year_the_pack_ships_is_taken_from_the_pack() -> None:
    calendar = Calendar(
        id="c",
        zone="Asia/Shanghai",
        week=OFFICE,
        holidays="CN",
        exceptions={date(2027, 1, 1): DayException((), "New Year")},
        complete_years=frozenset({2027}),
    )

    due = add_days(calendar, at("2026-12-31T10:00+08:00"), 1)

    assert due.at == at("2027-01-04T18:00+08:00")
    assert due.warnings == ()


@pytest.mark.parametrize(
    ("term", "due"),
    [
        ("30m", "2026-06-05T18:00+08:00"),
        ("24h", "2026-06-06T17:30+08:00"),
        ("1wh", "2026-06-08T09:30+08:00"),
        ("2wd", "2026-06-09T18:00+08:00"),
        ("15d", "2026-06-21T00:00+08:00"),
        ("1w", "2026-06-13T00:00+08:00"),
    ],
)
def test_the_unit_says_how_a_term_is_counted(term: str, due: str) -> None:
    assert add_term(CHINA, at("2026-06-05T17:30+08:00"), parse_term(term)).at == at(due)


@pytest.mark.parametrize("text", ["", "5", "2 days", "-1h", "0h", "1.5h", "9y"])
def test_a_wrong_term_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="2wd"):
        parse_term(text)


def test_a_term_knows_only_its_own_measure() -> None:
    with pytest.raises(ValueError, match="days"):
        _ = parse_term("2wd").length
    with pytest.raises(ValueError, match="not counted in days"):
        _ = parse_term("2h").days


def test_a_calendar_without_open_time_is_refused() -> None:
    with pytest.raises(NoOpenTime, match="never open"):
        Calendar(id="shut", zone="UTC", week=((),) * 7)


@pytest.mark.parametrize(
    ("zone", "week", "message"),
    [
        ("Mars/Olympus", OFFICE, "no time zone"),
        ("UTC", OFFICE[:6], "seven days"),
        ("UTC", ((Shift(0, 600), Shift(540, 700)),) * 7, "overlap"),
        ("UTC", ((Shift(600, 600),),) * 7, "no shift"),
    ],
)
def test_a_wrong_calendar_is_refused(
    zone: str, week: tuple[tuple[Shift, ...], ...], message: str
) -> None:
    with pytest.raises(CalendarError, match=message):
        Calendar(id="wrong", zone=zone, week=week)


def test_an_unknown_country_is_refused_with_what_to_do() -> None:
    calendar = Calendar(id="c", zone="UTC", week=OFFICE, holidays="ZZ")

    with pytest.raises(ValueError, match="ISO 3166"):
        calendar.shifts_on(date(2026, 1, 1))


@pytest.mark.parametrize("text", ["9-18", "18:00-09:00", "09:00-25:00", "09:60-10:00", "x"])
def test_a_wrong_shift_is_refused(text: str) -> None:
    with pytest.raises(CalendarError):
        parse_shift(text)


def test_the_search_for_open_time_is_bounded() -> None:
    calendar = Calendar(
        id="once",
        zone="UTC",
        week=((),) * 7,
        exceptions={date(2026, 6, 1): DayException((Shift(540, 600),), "the one day")},
    )

    with pytest.raises(NoOpenTime, match="ten years"):
        add_working(calendar, at("2026-01-01T00:00+00:00"), timedelta(hours=2))
    with pytest.raises(NoOpenTime, match="ten years"):
        add_days(calendar, at("2026-01-01T00:00+00:00"), 2)
    with pytest.raises(NoOpenTime, match="ten years"):
        next_open(calendar, at("2026-07-01T00:00+00:00"))


def test_naive_times_and_negative_work_are_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        add_working(CHINA, at("2026-06-01T10:00"), timedelta(hours=1))
    with pytest.raises(ValueError, match="negative"):
        add_working(CHINA, at("2026-06-01T10:00Z"), timedelta(hours=-1))
    with pytest.raises(ValueError, match="too few"):
        add_days(CHINA, at("2026-06-01T10:00Z"), 0)
    with pytest.raises(ValueError, match="too few"):
        add_calendar_days(CHINA, at("2026-06-01T10:00Z"), 0)


def test_no_work_is_due_at_once_and_next_open_waits() -> None:
    saturday = at("2026-06-06T12:00+08:00")

    assert add_working(CHINA, saturday, timedelta()).at == saturday
    assert next_open(CHINA, saturday) == at("2026-06-08T09:00+08:00")
