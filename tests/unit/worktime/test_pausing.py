"""Deadlines with pauses and extensions: what runs adds up, what stands still is not counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.worktime import Calendar, Counted, Pause, Term, add_terms, cap, parse_term, uncounted
from tests.unit.worktime.test_counting import CHINA, calendars, instants

TERMS = st.sampled_from(["30m", "24h", "3d", "1w", "90wm", "8wh", "1wd", "5wd"]).map(parse_term)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@st.composite
def pauses(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Pauses as minutes after the start: from, to; in order, none over another."""
    points = sorted(draw(st.sets(st.integers(0, 20_000), max_size=8)))
    return list(zip(points[::2], points[1::2], strict=False))


def total(counted: tuple[Counted, ...]) -> timedelta:
    return sum((one.end - one.start for one in counted), timedelta())


@given(calendars, instants, TERMS, pauses())
def test_the_running_stretches_add_up_to_the_term_whatever_stood_still(
    calendar: Calendar, start: datetime, term: Term, stood: list[tuple[int, int]]
) -> None:
    made = [
        Pause(start + timedelta(minutes=a), start + timedelta(minutes=b), "waiting_customer")
        for a, b in stood
    ]
    plain = add_terms(calendar, start, [term])
    open_time = add_terms(calendar, start, [term], [Pause(start, start + timedelta(days=400), "x")])

    due = add_terms(calendar, start, [term], made)

    assert due.at >= plain.at
    assert all(one.end <= two.start for one, two in pairwise(due.counted))
    if due.at != plain.at:
        assert total(due.counted) == total(open_time.counted)
        for pause in made:
            assert pause.end is not None
            assert not any(
                max(one.start, pause.start) < min(one.end, pause.end) for one in due.counted
            )


@given(calendars, instants, TERMS, pauses())
def test_every_minute_up_to_the_deadline_is_counted_or_told_why_not(
    calendar: Calendar, start: datetime, term: Term, stood: list[tuple[int, int]]
) -> None:
    made = [
        Pause(start + timedelta(minutes=a), start + timedelta(minutes=b), "waiting_lab")
        for a, b in stood
    ]
    due = add_terms(calendar, start, [term], made)

    gaps = uncounted(calendar, start, due.counted, made)

    every = sorted(
        [(one.start, one.end) for one in due.counted] + [(one.start, one.end) for one in gaps]
    )
    assert every[0][0] == start.astimezone(every[0][0].tzinfo)
    assert every[-1][1] == due.at
    assert all(one[1] == two[0] for one, two in pairwise(every))


@pytest.mark.req("R-085")
@pytest.mark.parametrize(
    ("term", "stood", "due"),
    [
        # Monday 09:30; two working days end on Wednesday at 18:00
        ("2wd", [], "2026-03-04T18:00:00+08:00"),
        # the day of the event does not count: a pause in it moves nothing
        ("2wd", [("2026-03-02T10:00", "2026-03-02T16:00")], "2026-03-04T18:00:00+08:00"),
        # three working hours on Tuesday come back on Thursday morning
        ("2wd", [("2026-03-03T10:00", "2026-03-03T13:00")], "2026-03-05T12:00:00+08:00"),
        # a night and a weekend without working time move nothing
        ("2wd", [("2026-03-03T18:00", "2026-03-04T09:00")], "2026-03-04T18:00:00+08:00"),
        ("8wh", [("2026-03-02T10:00", "2026-03-02T12:30")], "2026-03-03T11:00:00+08:00"),
        ("24h", [("2026-03-02T10:00", "2026-03-02T16:00")], "2026-03-03T15:30:00+08:00"),
        # a pause after the end, and an open one, move nothing
        ("30m", [("2026-03-02T10:00", "2026-03-02T16:00")], "2026-03-02T10:00:00+08:00"),
        # over the Qingming holiday (Monday 6 April 2026): only working time comes back
        ("24wd", [("2026-04-02T09:00", "2026-04-07T09:00")], "2026-04-08T18:00:00+08:00"),
    ],
)
def test_what_stood_still_is_counted_on_behind_the_end(
    term: str, stood: list[tuple[str, str]], due: str
) -> None:
    made = [Pause(at(f"{a}:00+08:00"), at(f"{b}:00+08:00"), "waiting_customer") for a, b in stood]

    found = add_terms(CHINA, at("2026-03-02T09:30:00+08:00"), [parse_term(term)], made)

    assert found.at == at(due)


def test_an_extension_is_counted_behind_the_term_and_both_stand_still_together() -> None:
    terms = [parse_term("2wd"), parse_term("1wd")]
    start = at("2026-03-02T09:30:00+08:00")
    pause = Pause(at("2026-03-03T10:00:00+08:00"), at("2026-03-03T13:00:00+08:00"), "waiting_lab")

    assert add_terms(CHINA, start, terms).at == at("2026-03-05T18:00:00+08:00")
    assert add_terms(CHINA, start, terms, [pause]).at == at("2026-03-06T12:00:00+08:00")


def test_working_time_is_not_put_off_by_time_on_the_wall() -> None:
    with pytest.raises(ValueError, match="counted differently"):
        add_terms(CHINA, at("2026-03-02T09:30:00+08:00"), [parse_term("2wd"), parse_term("3d")])


@pytest.mark.parametrize(
    ("most", "resumes"),
    [("2wd", "2026-03-04T18:00:00+08:00"), ("30h", "2026-03-03T16:00:00+08:00")],
)
def test_a_pause_ends_by_itself_when_all_of_them_lasted_as_long_as_they_may(
    most: str, resumes: str
) -> None:
    open_ = Pause(at("2026-03-02T10:00:00+08:00"), None, "waiting_customer")

    held = cap(CHINA, [open_], parse_term(most), since=at("2026-03-02T09:00:00+08:00"))

    assert held.pauses == (open_,)
    assert held.resumes_at == at(resumes)


def test_what_earlier_pauses_used_is_not_there_for_later_ones() -> None:
    first = Pause(at("2026-03-02T10:00:00+08:00"), at("2026-03-03T10:00:00+08:00"), "waiting_lab")
    open_ = Pause(at("2026-03-04T10:00:00+08:00"), None, "waiting_customer")
    since = at("2026-03-02T09:00:00+08:00")

    assert cap(CHINA, [first, open_], parse_term("30h"), since=since).resumes_at == at(
        "2026-03-04T16:00:00+08:00"
    )
    used_up = cap(CHINA, [first, open_], parse_term("12h"), since=since)
    assert (used_up.resumes_at, [one.end for one in used_up.pauses]) == (
        None,
        [at("2026-03-02T22:00:00+08:00")],
    )


def test_why_time_is_not_counted_is_told_by_day() -> None:
    start = at("2026-04-03T15:00:00+08:00")  # a Friday before Qingming
    pause = Pause(at("2026-04-07T09:00:00+08:00"), at("2026-04-07T10:00:00+08:00"), "waiting_lab")
    due = add_terms(CHINA, start, [parse_term("4wh")], [pause])

    told = [(one.why, one.detail) for one in uncounted(CHINA, start, due.counted, [pause])]

    assert due.at == at("2026-04-07T11:00:00+08:00")
    assert told == [
        ("closed", "Friday: outside opening hours"),
        ("closed", "Saturday: closed"),
        ("closed", "Tomb-Sweeping Day: closed"),
        ("closed", "Tomb-Sweeping Day (observed): closed"),
        ("closed", "Tuesday: outside opening hours"),
        ("paused", "waiting_lab"),
    ]
