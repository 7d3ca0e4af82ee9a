"""`redress audit verify`: page after page, until the first broken entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Redress, System

CASES, DAYS = "GET /followup/v1/audit/cases", "GET /followup/v1/audit/days"
FINE = {"checked": 2, "links": 9, "broken": None, "next": None}
SEALED = {"days": 3, "until": "2026-03-04", "broken": None}


def test_all_pages_are_asked_for_and_what_is_well_is_said(system: System, redress: Redress) -> None:
    system.answer(CASES, (200, FINE | {"next": "abc"}), (200, FINE))
    system.answer(DAYS, (200, SEALED))

    told = redress("audit", "verify", "--json")
    shown = redress("audit", "verify")

    assert (told.code, shown.code) == (0, 0)
    assert [one.query.get("after") for one in system.asked if one.path.endswith("cases")][:2] == [
        None,
        "abc",
    ]
    assert told.objects == [
        {"cases": 4, "entries": 18, "broken": None, "days": 3, "until": "2026-03-04", "broken_day": None}
    ]  # fmt: skip
    assert "as it was sealed" in shown.out


def test_the_first_broken_entry_is_named_and_ends_with_1(system: System, redress: Redress) -> None:
    broken = {"number": "1234-5678-903", "link": 7, "what": "contacted", "why": "it was altered"}
    system.answer(CASES, (200, FINE | {"broken": broken}))
    system.answer(DAYS, (200, SEALED | {"broken": "2026-03-03"}))

    shown = redress("audit", "verify")

    assert shown.code == 1
    for word in ("1234-5678-903", "entry 7", "contacted", "2026-03-03"):
        assert word in shown.out
