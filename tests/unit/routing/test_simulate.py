"""Replaying: what would have changed, as a pure function of what was logged and how it would be judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.routing.model import HandlerSnapshot, Judged, Logged, Reason
from services.routing.policy.deadlines import Deadlines
from services.routing.policy.simulate import Floor, Simulation
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
FEE = Judged("complaint", "GEN-FEE", "normal", "billing", frozenset(), unsure=False)
WHY = Reason("category:GEN-FEE", "类别：收费争议", "Category: fees")


@pytest.fixture(scope="module")
def generic() -> Pack:
    return load_folder(shipped_folder(), "generic")


def handler(id_: str, team: str | None = None, capacity: int = 5) -> HandlerSnapshot:
    return HandlerSnapshot(id_, "root", team, None, None, True, 0, capacity, None)


def logged(number: int, *, judged: Judged = FEE, hours: float | None = None, **more: Any) -> Logged:
    at = MONDAY + timedelta(minutes=number)
    values: dict[str, Any] = {
        "number": str(number), "units": ["root"], "text": "x", "subject": None, "fields": {}, "channel": "web",
        "language": "zh", "received_at": at, "closed_at": at + timedelta(hours=hours) if hours else None,
        "met": {}, "by_person": False, "judged": judged,
    }  # fmt: skip
    return Logged(**(values | more))


def simulation(
    pack: Pack, *, before: list[HandlerSnapshot], after: list[HandlerSnapshot], shown: int = 5
) -> Simulation:
    return Simulation(Deadlines(pack, "Asia/Shanghai"), Floor(before), Floor(after), shown)


def replayed(pack: Pack, *pairs: tuple[Logged, Judged], **floors: Any) -> dict[str, Any]:
    here = [handler("a")]
    one = simulation(pack, **({"before": here, "after": here} | floors))
    for complaint, judged in pairs:
        one.replay(complaint, judged, before=Deadlines(pack, "Asia/Shanghai"), reason=WHY)
    return dict(one.report())


def other(**more: Any) -> Judged:
    values: dict[str, Any] = {"kind": FEE.kind, "category": FEE.category, "severity": FEE.severity, "team": FEE.team,
              "skills": FEE.skills, "unsure": FEE.unsure}  # fmt: skip
    return Judged(**(values | more))


def test_what_reads_the_same_changes_nothing(generic: Pack) -> None:
    report = replayed(generic, (logged(1), FEE), (logged(2), FEE))

    assert (report["changed"], report["share"], report["changes"]) == (0, 0.0, {})
    assert report["owners"] == {"moved": 0, "nobody_before": 0, "nobody_after": 0}


def test_each_change_is_counted_by_old_and_new_and_the_first_are_shown(generic: Pack) -> None:
    high = other(severity="high")

    report = replayed(generic, *[(logged(n), high) for n in range(7)], (logged(8), FEE))

    assert report["changes"] == {"severity": [{"old": "normal", "new": "high", "count": 7}]}
    assert report["share"] == 0.875
    assert [one["number"] for one in report["complaints"]] == ["0", "1", "2", "3", "4"]
    assert report["complaints"][0]["reason"]["en"] == "Category: fees"


def test_a_severer_reading_moves_deadlines_forward_and_shows_who_would_be_late(
    generic: Pack,
) -> None:
    done = {"first_contact": MONDAY + timedelta(hours=20)}  # 24 h promised to normal, 2 h to high
    one = logged(0, hours=30, met=done)

    report = replayed(generic, (one, other(severity="high")))

    contact = next(each for each in report["clocks"] if each["clock"] == "first_contact")
    assert (contact["earlier"], contact["later"], contact["known"]) == (1, 0, 1)
    assert (contact["late_before"], contact["late_after"]) == (0, 1)


def test_work_ends_when_its_case_was_closed(generic: Pack) -> None:
    full = [handler("a", capacity=2)]
    pairs = [(logged(0, hours=0.01), FEE), (logged(5, hours=9), FEE), (logged(6), FEE)]

    report = replayed(generic, *pairs, before=full, after=[handler("a"), handler("b")])

    assert report["owners"]["nobody_before"] == 1
    assert report["owners"]["nobody_after"] == 0
    loads = {one["handler"]: one for one in report["loads"]}
    assert (loads["a"]["before"], loads["a"]["most_before"]) == (2, 2)
    assert loads["a"]["after"] + loads["b"]["after"] == 3


def test_who_asks_a_person_first_has_no_owner_and_nobody_failed(generic: Pack) -> None:
    report = replayed(generic, (logged(1), other(unsure=True)))

    assert report["unsure"] == {"before": 0, "after": 1}
    assert report["owners"] == {"moved": 1, "nobody_before": 0, "nobody_after": 0}


def test_what_a_person_said_is_no_change_but_agreed_with_or_not(generic: Pack) -> None:
    said = other(category="GEN-RFD")

    report = replayed(
        generic,
        (logged(1, judged=said, by_person=True), FEE),
        (logged(2, judged=said, by_person=True), said),
    )

    assert report["corrected"] == {"of": 2, "agreeing": 1}
    assert report["changed"] == 0


def test_nothing_replayed_is_a_report_too(generic: Pack) -> None:
    assert replayed(generic)["share"] == 0.0
