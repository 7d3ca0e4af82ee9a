"""Callbacks over HTTP: in the customer's hours, claimed, tried, linked, settled by rule; asked once more later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.contracts.followup import CallbackDone, CallbackDue

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def work_list(bench: Bench, who: dict[str, str]) -> list[dict[str, Any]]:
    answer = await bench.get("/callbacks", **who)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def due(bench: Bench) -> tuple[str, str]:
    """A case whose customer is to be called now: Wednesday 08:30."""
    subject, number = await bench.assigned()
    await bench.resolved(number)
    await bench.advance(47 * HOUR + 30 * timedelta(minutes=1))
    return subject, number


@pytest.mark.req("R-111")
async def test_three_tries_two_hours_apart_then_a_link_then_it_closes_by_rule(bench: Bench) -> None:
    subject, number = await due(bench)
    tries = {"outcome": "no_answer"}

    await bench.do(number, "try_callback", tries)
    await bench.advance(HOUR)
    case = await bench.do(number, "try_callback", tries)  # too soon: it does not count
    assert case["callback_tries"] == 2
    await bench.advance(2 * HOUR)
    # a person's `unreached` is a try like any other
    await bench.do(number, "callback", {"result": "unreached"}, **bench.as_staff("cai"))
    await bench.advance(3 * HOUR)
    case = await bench.do(number, "try_callback", tries)
    assert (case["state"], case["callback_result"]) == ("callback", None)
    assert await work_list(bench, {}) == []

    calls = await bench.said(subject, CallbackDue)
    assert [(one.attempt, one.by) for one in calls] == [
        (1, "call"), (2, "call"), (3, "call"), (3, "link"),
    ]  # fmt: skip
    link = calls[-1]
    assert link.until is not None
    await bench.advance(3 * DAY)
    case = await bench.case(number)
    assert (case["state"], case["callback_result"]) == ("closed", "unreached")
    assert [one.result for one in await bench.said(subject, CallbackDone)] == ["unreached"]


async def test_a_wrong_number_goes_to_the_link_and_who_refuses_is_not_asked_again(
    bench: Bench,
) -> None:
    subject, number = await due(bench)
    await bench.do(number, "try_callback", {"outcome": "wrong_number"})
    assert [one.by for one in await bench.said(subject, CallbackDue)] == ["call", "link"]
    # the link may still be answered
    case = await bench.do(number, "callback", {"result": "satisfied"})
    assert case["callback_result"] == "satisfied"

    _, other = await due(bench)
    case = await bench.do(other, "try_callback", {"outcome": "refused"})
    assert case["callback_result"] == "skipped"
    assert (await bench.do(other, "close"))["state"] == "closed"


@pytest.mark.req("R-111")
async def test_a_callback_is_claimed_by_one_caller_at_a_time_and_never_by_the_handler(
    bench: Bench,
) -> None:
    _, number = await due(bench)
    caller, other, handler = (bench.as_staff(one) for one in ("cai", "bo", "an"))

    [item] = await work_list(bench, caller)
    assert (item["number"], item["attempt"], item["second"], item["zone"]) == (
        number, 1, False, "Asia/Shanghai",
    )  # fmt: skip
    assert item["open_now"]
    assert at(item["open_until"]) == at("2026-03-04T12:00:00+08:00")
    assert "回访" in item["script"][0]
    assert await work_list(bench, handler) == []
    own = await bench.command(number, "claim_callback", {}, **handler)
    assert own.status_code == 403

    await bench.do(number, "claim_callback", {}, **caller)
    assert await work_list(bench, other) == []
    assert [one["claimed_by"] for one in await work_list(bench, caller)] == ["account/cai"]
    for name, body in (("claim_callback", {}), ("callback", {"result": "satisfied"})):
        refused = await bench.command(number, name, body, **other)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "claim")
    await bench.advance(31 * timedelta(minutes=1))
    caller, other = bench.as_staff("cai"), bench.as_staff("bo")
    assert [one["number"] for one in await work_list(bench, other)] == [number]
    await bench.do(number, "callback", {"result": "satisfied"}, **other)
    assert await work_list(bench, caller) == []


async def test_the_work_list_is_each_units_own_and_pages_by_key(bench: Bench) -> None:
    numbers = []
    for unit in ("north", "south", "north"):
        _, number = await bench.assigned(unit=unit)
        await bench.resolved(number)
        numbers.append(number)
    await bench.advance(3 * DAY)

    north = await work_list(bench, bench.as_key("north"))
    assert sorted(one["number"] for one in north) == sorted([numbers[0], numbers[2]])
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await bench.get(f"/callbacks?limit=1{after and '&after=' + after}")).json()
        found += [one["number"] for one in page["items"]]
        after = page["next"]
    assert sorted(found) == sorted(numbers)
    assert len(found) == len(numbers)


async def test_a_customer_may_be_called_at_a_time_of_their_own(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.resolved(number)
    wish = bench.clock.now() + 4 * DAY
    past = await bench.command(number, "plan_callback", {"at": "2026-01-01T00:00:00Z"})
    assert past.status_code == 422

    await bench.do(number, "plan_callback", {"at": wish.isoformat()})
    await bench.advance(3 * DAY)
    assert (await bench.case(number))["state"] == "resolved"
    await bench.advance(DAY)

    assert (await bench.case(number))["state"] == "callback"


@pytest.mark.req("R-110")
@pytest.mark.req("R-121")
async def test_who_had_a_severe_complaint_is_asked_once_more_after_30_days(bench: Bench) -> None:
    subject, number = await bench.assigned(severity="high")
    await bench.resolved(number)
    await bench.advance(DAY)
    await bench.do(number, "callback", {"result": "satisfied"})
    await bench.do(number, "close")
    early = await bench.command(
        number, "check_back", {"result": "satisfied"}, **bench.as_staff("an")
    )
    assert early.status_code == 403

    await bench.advance(31 * DAY)
    [item] = await work_list(bench, bench.as_staff("cai"))
    assert (item["number"], item["second"]) == (number, True)
    assert [one.second for one in await bench.said(subject, CallbackDue)] == [True]
    body = {"result": "dissatisfied", "note": "又坏了"}
    case = await bench.do(number, "check_back", body, **bench.as_staff("cai"))

    assert (case["state"], case["cycle"]) == ("received", 2)
    done = [(one.result, one.second) for one in await bench.said(subject, CallbackDone)]
    assert done == [("satisfied", False), ("dissatisfied", True)]
    assert await work_list(bench, bench.as_staff("cai")) == []


async def test_who_had_a_lesser_complaint_is_asked_once(bench: Bench) -> None:
    _, number = await due(bench)
    await bench.do(number, "callback", {"result": "satisfied"})
    await bench.do(number, "close")

    refused = await bench.command(number, "check_back", {"result": "satisfied"})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "check_open")
