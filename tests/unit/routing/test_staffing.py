"""What a line of a staff list may say: everything wrong is named with line and field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.routing.model.hours import is_within, next_change
from services.routing.model.staff import Leave, Staff, Team, WorkShift
from services.routing.policy.sheet import Given, Wrong, columns_of, read_line
from services.routing.policy.staffing import Checking, Known, check
from shared.contracts.desk import PolicyAccount

HEAD = [
    "record",
    "team",
    "handler",
    "skills",
    "capacity",
    "hours",
    "starts_at",
    "ends_at",
    "substitute",
]
AMY = "handler,billing,amy,,,,,,"


def account(login: str, role: str = "handler") -> PolicyAccount:
    return PolicyAccount(id=f"id-{login}", login=login, display=login, role=role, unit="root")  # type: ignore[arg-type]


KNOWN = Known(
    accounts={
        one.id: one for one in (account("amy"), account("ben"), account("boss", "supervisor"))
    },
    above={"root": ["root"]},
    teams={"root": frozenset({"billing"})},
    skills={"root": frozenset({"refund"})},
)


def checked(*lines: str, known: Known = KNOWN) -> Checking:
    given: list[Given] = []
    wrong: list[Wrong] = []
    for number, line in enumerate(lines, start=2):
        cells = {head: cell for head, cell in zip(HEAD, line.split(","), strict=True) if cell}
        one = read_line("", number, cells, unit="root", zone="Asia/Shanghai")
        if isinstance(one, Given):
            given.append(one)
        else:
            wrong.append(one)
    found = check(given, known)
    return Checking(found.lines, (*wrong, *found.wrong))


@pytest.mark.parametrize(
    ("lines", "place", "code"),
    [
        (["handler,,amy,,,,,,"], "2.team", "missing"),
        (["handler,nope,amy,,,,,,"], "2.team", "unknown"),
        (["handler,billing,nobody,,,,,,"], "2.handler", "unknown"),
        (["handler,billing,boss,,,,,,"], "2.handler", "unknown"),
        (["handler,billing,amy,juggling,,,,,"], "2.skills", "unknown"),
        (["handler,billing,amy,,many,,,,"], "2.capacity", "int"),
        (["handler,billing,amy,,-1,,,,"], "2.capacity", "range"),
        (["handler,billing,amy,,,sometimes,,,"], "2.hours", "hours"),
        (["handler,billing,amy,,,Mon 18:00-09:00,,,"], "2.hours", "hours"),
        ([AMY, AMY], "3.handler", "duplicate"),
        (["robot,billing,amy,,,,,,"], "2.record", "unknown"),
        (["shift,,amy,,,,2026-03-02 08:00,2026-03-02 09:00,"], "2.handler", "no_team"),
        ([AMY, "shift,,amy,,,,2026-03-02 09:00,2026-03-02 08:00,"], "3.ends_at", "before_start"),
        ([AMY, "shift,,amy,,,,yesterday,2026-03-02 08:00,"], "3.starts_at", "datetime"),
        (
            [AMY, "shift,,amy,,,,2026-03-02 08:00,2026-03-02 16:00,", "shift,,amy,,,,2026-03-02 15:00,2026-03-02 20:00,"],
            "4.starts_at",
            "overlap",
        ),
        ([AMY, "leave,,amy,,,,2026-03-02,,"], "3.ends_at", "missing"),
        ([AMY, "leave,,amy,,,,2026-03-02,2026-03-03,amy"], "3.substitute", "self"),
        ([AMY, "leave,,amy,,,,2026-03-02,2026-03-03,nobody"], "3.substitute", "unknown"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_field_in_both_languages(
    lines: list[str], place: str, code: str
) -> None:
    [wrong] = checked(*lines).wrong

    assert (f"{wrong.line}.{wrong.field}", wrong.code) == (place, code)
    assert wrong.en
    assert wrong.zh


def test_an_unknown_column_is_named() -> None:
    found = read_line("", 2, {"record": "handler", "shoe_size": "44"}, unit="root", zone="UTC")

    assert isinstance(found, Wrong)
    assert (found.field, found.code) == ("shoe_size", "unknown_column")


def test_a_period_may_not_overlap_one_that_is_kept() -> None:
    kept = WorkShift("id-amy", "root", datetime(2026, 3, 2, 0, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC))  # fmt: skip
    known = Known(
        accounts=KNOWN.accounts, above=KNOWN.above, teams=KNOWN.teams, skills=KNOWN.skills,
        staff={"id-amy": Staff("id-amy", "root", "billing")}, shifts={"id-amy": [kept]},
    )  # fmt: skip

    [wrong] = checked("shift,,amy,,,,2026-03-02 15:00,2026-03-02 20:00,", known=known).wrong
    longer = checked("shift,,amy,,,,2026-03-02 08:00,2026-03-02 20:00,", known=known)

    assert wrong.code == "overlap"
    assert (longer.wrong, [one.action for one in longer.lines]) == ((), ["changed"])


def test_lines_may_come_in_any_order() -> None:
    shift = "shift,,amy,,,,2026-03-02 08:00,2026-03-02 16:00,"
    team = "team,cashiers,,count_cash,,,,,"

    found = checked(shift, "handler,cashiers,amy,count_cash,,,,,", team)

    assert found.wrong == ()
    assert [one.action for one in found.lines] == ["added"] * 3


def test_a_leave_by_dates_lasts_to_the_end_of_its_last_day() -> None:
    found = checked(AMY, "leave,,amy,,,,2026年3月5日,2026/3/6,ben")

    [leave] = found.values(Leave)
    assert leave.starts_at == datetime(2026, 3, 4, 16, tzinfo=UTC)
    assert leave.ends_at == datetime(2026, 3, 6, 16, tzinfo=UTC)
    assert leave.substitute == "id-ben"


@pytest.mark.parametrize(
    "value",
    [
        Team("root", "billing", "账务", "Billing", supervisor="id-boss", skills=("refund",), hands_over="high"),
        Staff("id-amy", "", "billing", skills=("refund",), languages=("zh",), areas=("310000",), hours="Mon 09:00-18:00", zone="Asia/Shanghai"),
        WorkShift("id-amy", "", datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)),
        Leave("id-amy", "", datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC), "id-ben"),
    ],
)  # fmt: skip
def test_what_is_written_is_read_again_as_the_same(value: Team | Staff | WorkShift | Leave) -> None:
    cells = dict(columns_of(value, login=lambda id_: id_))

    assert read_line("", 2, cells, unit="root", zone="UTC") == Given(2, value)


def test_hours_of_the_week_are_read_in_both_languages_and_tell_when_they_change() -> None:
    monday = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 09:00 in Shanghai
    noon = datetime(2026, 3, 2, 4, tzinfo=UTC)

    for text in ("Mon-Fri 09:00-12:00 13:00-18:00", "周一至周五 09：00-12：00、13:00-18:00"):
        assert is_within(text, "Asia/Shanghai", monday)
        assert not is_within(text, "Asia/Shanghai", noon)
        assert next_change(text, "Asia/Shanghai", monday) == noon
        assert next_change(text, "Asia/Shanghai", noon) == datetime(2026, 3, 2, 5, tzinfo=UTC)
    friday_evening = datetime(2026, 3, 6, 10, tzinfo=UTC)
    assert next_change("Mon-Fri 09:00-18:00", "Asia/Shanghai", friday_evening) == datetime(2026, 3, 9, 1, tzinfo=UTC)  # fmt: skip
