"""Remedies over HTTP: proposed within limits, approved by two persons, answered, paid once, taken back; the ledger."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.contracts.desk import PolicyAccount, PolicyPack
from shared.contracts.remedies import (
    RemedyApproved,
    RemedyPaid,
    RemedyPayoutRequested,
    RemedyProposed,
    RemedyReversed,
)
from shared.packs.load import read_chain
from shared.packs.wire import chain_to_wire
from tests.service.followup.bench import open_bench

if TYPE_CHECKING:
    from pathlib import Path

    from shared.store.transaction import Tx
    from tests.service.followup.bench import Bench

GOODWILL = {"remedy": "goodwill", "reason": "等待过久", "calculation": "按等待时长酌定"}


def money(amount: str, currency: str = "CNY") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(one["field"], one["code"]) for one in answer.json()["errors"]]


async def taken(bench: Bench, *, unit: str = "root", **more: object) -> tuple[str, str]:
    subject, number = await bench.assigned(unit=unit, **more)
    await bench.do(number, "accept")
    return subject, number


async def offered(bench: Bench, number: str, amount: str, **more: object) -> dict[str, Any]:
    body = GOODWILL | {"amount": money(amount)} | more
    case = await bench.do(number, "offer_remedy", body, **bench.as_staff("an"))
    found: dict[str, Any] = case["remedies"][-1]
    return found


async def accepted(bench: Bench, number: str, id_: str = "r1.1") -> None:
    said = {"remedy": id_, "accepted": True, "channel": "phone"}
    await bench.do(number, "answer_remedy", said, **bench.as_staff("an"))


async def balance(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = (await bench.get("/ledger/balance")).json()
    assert found["balanced"], found
    held: dict[str, Any] = found["accounts"].get("CNY", {})
    return held


@pytest.mark.req("R-069")
@pytest.mark.req("R-076")
async def test_within_the_field_limit_it_is_settled_on_the_spot_and_paid_once(bench: Bench) -> None:
    subject, number = await taken(bench)

    found = await offered(bench, number, "50.00")
    assert (found["state"], found["needs"], found["amount"]) == ("approved", None, money("50.00"))
    early = await bench.command(number, "pay_remedy", {"remedy": "r1.1"})
    assert (early.status_code, codes(early)) == (409, [("remedy", "state")])
    await accepted(bench, number)
    case = await bench.do(number, "pay_remedy", {"remedy": "r1.1"}, **bench.as_staff("an"))
    reference = case["remedies"][0]["reference"]
    assert reference == f"{number}-r1.1-1"
    again = await bench.command(number, "pay_remedy", {"remedy": "r1.1"})
    assert (again.status_code, codes(again)) == (409, [("remedy", "paid")])
    assert await balance(bench) == {
        "budget": "-50.00", "committed": "0.00", "requested": "50.00", "paid": "0.00",
    }  # fmt: skip

    paid = {"reference": reference, "receipt": "B-7781"}
    first = await bench.do(number, "confirm_payout", paid)
    second = await bench.do(number, "confirm_payout", paid)

    assert first["remedies"][0]["state"] == "paid"
    assert first == second
    other = await bench.command(number, "confirm_payout", paid | {"receipt": "B-7782"})
    assert (other.status_code, codes(other)) == (409, [("reference", "settled")])
    assert (await balance(bench))["paid"] == "50.00"
    [proposed] = await bench.said(subject, RemedyProposed)
    [approved] = await bench.said(subject, RemedyApproved)
    [requested] = await bench.said(subject, RemedyPayoutRequested)
    [done] = await bench.said(subject, RemedyPaid)
    assert requested.remedy.reference == reference
    assert (done.remedy.receipt, approved.remedy.reason) == ("B-7781", "等待过久")
    assert proposed.remedy.calculation_zh == "按等待时长酌定"


@pytest.mark.req("R-078")
async def test_over_it_a_second_person_within_their_limit_has_to_approve(bench: Bench) -> None:
    subject, number = await taken(bench, unit="north")
    boss = PolicyAccount(id="ns", login="ns", display="北区主管", role="supervisor", unit="north")
    await bench_policy(bench, boss, "account/ns")

    found = await offered(bench, number, "300")
    assert (found["state"], found["needs"]) == ("proposed", "department_head")
    answered = {"remedy": "r1.1", "accepted": True, "channel": "phone"}
    for name, body in (("answer_remedy", answered), ("pay_remedy", {"remedy": "r1.1"})):
        assert (await bench.command(number, name, body)).status_code == 409
    decide = {"remedy": "r1.1", "approved": True}
    for who in (bench.as_staff("an"), bench.as_key("root"), bench.as_staff("ns")):
        refused = await bench.command(number, "decide_remedy", decide, **who)
        assert refused.status_code == 403, refused.text
    assert await bench.said(subject, RemedyApproved) == []
    case = await bench.do(number, "decide_remedy", decide, **bench.as_staff("su"))

    assert case["remedies"][0]["approved_by"] == "account/su"
    assert (await balance(bench))["committed"] == "300.00"
    again = await bench.command(number, "decide_remedy", decide, **bench.as_staff("su"))
    assert (again.status_code, codes(again)) == (409, [("remedy", "state")])


async def bench_policy(bench: Bench, body: Any, subject: str) -> None:
    bench.environment.policy.apply(bench.event(body, subject=subject))


@pytest.mark.req("R-078")
async def test_nobody_approves_what_they_proposed(bench: Bench) -> None:
    _, number = await taken(bench)
    body = GOODWILL | {"amount": money("60")}
    await bench.do(number, "offer_remedy", body, **bench.as_staff("su"))

    own = await bench.command(
        number, "decide_remedy", {"remedy": "r1.1", "approved": True}, **bench.as_staff("su")
    )

    assert own.status_code == 403
    blank = {"remedy": "r1.1", "approved": False}
    lacking = await bench.command(number, "decide_remedy", blank, **bench.as_staff("su"))
    assert (lacking.status_code, codes(lacking)) == (422, [("note", "missing")])


BROKEN: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"amount": money("12.345")}, "amount.amount", "decimals"),
    ({"amount": money("-5")}, "amount.amount", "positive"),
    ({"amount": money("0")}, "amount.amount", "positive"),
    ({"amount": money("1e15")}, "amount.amount", "decimals"),
    ({"amount": money("50", "USD")}, "amount.currency", "currency"),
    ({"amount": money("50"), "calculation": None}, "calculation", "missing"),
    ({}, "amount", "missing"),
    ({"amount": money("50"), "form": "service"}, "form", "unknown"),
    ({"amount": money("50"), "remedy": "CAT-C3"}, "remedy", "unknown"),
    ({"amount": money("50"), "instead_of": "r9.9"}, "instead_of", "unknown"),
    ({"amount": money("50"), "remedy": "punitive_fraud"}, "inputs.price", "missing"),
    ({"amount": money("599"), "remedy": "punitive_fraud", "inputs": {"price": "200"}}, "amount.amount", "under_floor"),
    ({"amount": money("499"), "remedy": "punitive_fraud", "inputs": {"price": "1"}}, "amount.amount", "under_floor"),
)  # fmt: skip


@pytest.mark.req("R-079")
async def test_money_that_breaks_a_rule_is_refused_with_the_rule_named(bench: Bench) -> None:
    subject, number = await taken(bench)

    for body, field, code in BROKEN:
        refused = await bench.command(number, "offer_remedy", GOODWILL | body)

        assert refused.status_code == 422, refused.text
        assert codes(refused) == [(field, code)], body
        if code == "under_floor":
            assert "punitive_fraud" in refused.text
            assert "Art. 55" in refused.text
    assert await bench.said(subject, RemedyProposed) == []


@pytest.mark.req("R-077")
async def test_a_refused_form_is_changed_for_another_and_both_are_recorded(bench: Bench) -> None:
    _, number = await taken(bench)
    await offered(bench, number, "50", form="voucher")
    said = {"remedy": "r1.1", "accepted": False, "channel": "phone", "reason": "不要代金券"}
    await bench.do(number, "answer_remedy", said, **bench.as_staff("an"))
    assert (await balance(bench))["committed"] == "0.00"

    await offered(bench, number, "50", instead_of="r1.1")
    await accepted(bench, number, "r1.2")

    first, second = (await bench.case(number))["remedies"]
    assert (first["state"], first["form"], first["answer_reason"]) == (
        "refused",
        "voucher",
        "不要代金券",
    )
    assert (second["state"], second["form"], second["instead_of"]) == ("accepted", "money", "r1.1")
    assert (await balance(bench))["committed"] == "50.00"
    await bench.do(number, "pay_remedy", {"remedy": "r1.2"})
    late = GOODWILL | {"amount": money("20"), "instead_of": "r1.2"}
    refused = await bench.command(number, "offer_remedy", late)
    assert (refused.status_code, codes(refused)) == (409, [("instead_of", "state")])


async def test_what_ran_out_is_neither_approved_nor_paid_and_frees_what_was_committed(
    bench: Bench,
) -> None:
    _, number = await taken(bench)
    await offered(bench, number, "60")
    await offered(bench, number, "50")
    await accepted(bench, number, "r1.2")
    assert (await balance(bench))["committed"] == "50.00"

    bench.clock.advance(timedelta(days=31))  # no timer has fired yet
    late = await bench.command(
        number, "decide_remedy", {"remedy": "r1.1", "approved": True}, **bench.as_staff("su")
    )
    unpaid = await bench.command(number, "pay_remedy", {"remedy": "r1.2"})

    for answer in (late, unpaid):
        assert (answer.status_code, codes(answer)) == (409, [("remedy", "expired")])
    await bench.advance(timedelta())
    states = [one["state"] for one in (await bench.case(number))["remedies"]]
    assert states == ["expired", "expired"]
    assert set((await balance(bench)).values()) == {"0.00"}
    after = await bench.command(number, "pay_remedy", {"remedy": "r1.2"})
    assert (after.status_code, codes(after)) == (409, [("remedy", "expired")])


async def test_a_failed_payment_gets_a_new_reference_and_the_old_one_is_not_paid_any_more(
    bench: Bench,
) -> None:
    subject, number = await taken(bench)
    await offered(bench, number, "50")
    await accepted(bench, number)
    await bench.do(number, "pay_remedy", {"remedy": "r1.1"})
    failed = {"reference": f"{number}-r1.1-1", "paid": False, "reason": "账户不符"}
    for _ in range(2):
        case = await bench.do(number, "confirm_payout", failed)
        assert case["remedies"][0]["state"] == "accepted"
    await bench.do(number, "pay_remedy", {"remedy": "r1.1"})

    stale = await bench.command(
        number, "confirm_payout", {"reference": f"{number}-r1.1-1", "receipt": "B-1"}
    )
    assert (stale.status_code, codes(stale)) == (409, [("reference", "settled")])
    await bench.do(number, "confirm_payout", {"reference": f"{number}-r1.1-2", "receipt": "B-2"})

    references = [one.remedy.reference for one in await bench.said(subject, RemedyPayoutRequested)]
    assert references == [f"{number}-r1.1-1", f"{number}-r1.1-2"]
    assert len(await bench.said(subject, RemedyPaid)) == 1
    assert (await balance(bench))["paid"] == "50.00"


async def test_another_person_takes_back_what_was_paid_once(bench: Bench) -> None:
    subject, number = await taken(bench)
    await offered(bench, number, "50")
    await accepted(bench, number)
    await bench.do(number, "pay_remedy", {"remedy": "r1.1"}, **bench.as_staff("su"))
    back = {"remedy": "r1.1", "reason": "付错了人"}
    unpaid = await bench.command(number, "reverse_payout", back)
    assert unpaid.status_code == 409
    paid = {"reference": f"{number}-r1.1-1", "receipt": "B-1"}
    await bench.do(number, "confirm_payout", paid)
    own = await bench.command(number, "reverse_payout", back, **bench.as_staff("su"))
    assert own.status_code == 403

    case = await bench.do(number, "reverse_payout", back)

    assert case["remedies"][0]["state"] == "reversed"
    assert (await bench.command(number, "reverse_payout", back)).status_code == 409
    assert len(await bench.said(subject, RemedyReversed)) == 1
    assert set((await balance(bench)).values()) == {"0.00"}
    entries = (await bench.get(f"/ledger?number={number}")).json()["items"]
    assert len(entries) == 8


async def test_however_many_ask_at_once_it_is_paid_once(bench: Bench) -> None:
    """INVARIANT: one approval makes one payout, whoever asks, however often, on however many replicas.

    Deciding by a state that was read before the case was locked would break this.
    """
    subject, number = await taken(bench)
    await offered(bench, number, "50")
    await accepted(bench, number)

    answers = await asyncio.gather(
        *(bench.command(number, "pay_remedy", {"remedy": "r1.1"}) for _ in range(8))
    )
    paid = {"reference": f"{number}-r1.1-1", "receipt": "B-1"}
    confirmed = await asyncio.gather(
        *(bench.command(number, "confirm_payout", paid) for _ in range(8))
    )

    assert sorted(one.status_code for one in answers) == [200, *[409] * 7]
    assert {one.status_code for one in confirmed} == {200}
    assert len(await bench.said(subject, RemedyPayoutRequested)) == 1
    assert len(await bench.said(subject, RemedyPaid)) == 1
    assert (await balance(bench))["paid"] == "50.00"


async def test_a_case_does_not_close_over_an_open_remedy(bench: Bench) -> None:
    _, number = await taken(bench)
    await bench.do(number, "contact", {"restated": True})
    await offered(bench, number, "50")
    await accepted(bench, number)
    told = {
        "outcome": "upheld",
        "reason": "属实",
        "remedy": "补偿",
        "told_at": bench.clock.now().isoformat(),
    }
    await bench.do(number, "resolve", told)
    await bench.do(number, "callback", {"result": "satisfied"})

    waiting = await bench.command(number, "close")
    assert codes(waiting) == [("remedies_settled", "missing")]
    await bench.do(number, "pay_remedy", {"remedy": "r1.1"})
    assert codes(await bench.command(number, "close")) == [("remedies_settled", "missing")]
    await bench.do(number, "confirm_payout", {"reference": f"{number}-r1.1-1", "receipt": "B"})

    assert (await bench.do(number, "close"))["state"] == "closed"


@pytest.mark.req("R-074")
async def test_the_page_of_a_case_shows_options_limits_and_advice_in_one_answer(
    bench: Bench,
) -> None:
    _, number = await taken(bench)
    await offered(bench, number, "50", form="voucher")

    answer = await bench.client.get(
        f"/followup/v1/cases/{number}/whole", headers=bench.as_staff("su")
    )

    whole = answer.json()
    assert whole["case"]["remedies"][0]["form"] == "voucher"
    found = whole["remedies"]
    assert (found["rank"], found["currency"], found["spent"]) == ("company", "CNY", money("50.00"))
    options = {one["code"]: one for one in found["options"]}
    assert options["goodwill"]["spot_limit"] == money("50")
    assert options["punitive_fraud"]["floor"] == money("500")
    assert options["punitive_fraud"]["advice"]["lacks"] == ["price"]
    assert options["explain"]["cost"] == money("0")
    [best] = [one for one in options.values() if one["recommended"]]
    assert best["code"] == "goodwill"
    assert "60%" in best["recommended"]["zh"]
    asked = {"remedy": "punitive_fraud", "inputs": {"price": "200"}}
    path = f"/followup/v1/cases/{number}/advice"
    advice = await bench.client.post(path, json=asked, headers=bench.as_key("reader"))
    assert advice.json()["amount"] == money("600.00")
    assert advice.json()["needs"] == "company"
    assert "Art. 55" in advice.json()["article"]["en"]
    hidden = await bench.client.post(path, json=asked, headers=bench.as_key("south"))
    assert hidden.status_code == 404
    waiting = (await bench.get("/remedies")).json()["items"]
    assert waiting == []
    approved = (
        await bench.client.get("/followup/v1/remedies?state=approved", headers=bench.as_key("root"))
    ).json()
    assert [one["number"] for one in approved["items"]] == [number]


async def _execute(sql: str, tx: Tx) -> None:
    await tx.execute(text(sql))


async def test_the_ledger_is_only_ever_added_to(bench: Bench) -> None:
    _, number = await taken(bench)
    await offered(bench, number, "50")

    for sql in ("UPDATE postings SET amount = 1", "DELETE FROM postings"):
        with pytest.raises(DBAPIError, match="only ever added to"):
            await bench.service.database.run(partial(_execute, sql))

    assert (await balance(bench))["committed"] == "50.00"


async def test_another_unit_sees_nothing_of_it(bench: Bench) -> None:
    _, number = await taken(bench, unit="north")
    await offered(bench, number, "50")
    south = bench.as_key("south")

    for path in (
        f"/cases/{number}/whole",
        "/remedies?state=approved",
        "/ledger",
        "/ledger/balance",
    ):
        answer = await bench.client.get(f"/followup/v1{path}", headers=south)
        assert answer.status_code == 404 or not (
            answer.json().get("items") or answer.json().get("accounts")
        )


async def with_budget(bench: Bench, folder: Path, budget: str) -> None:
    """A company's pack over generic, with a budget for each unit and month."""
    (folder / "acme").mkdir()
    (folder / "acme" / "pack.yaml").write_text(
        f"""
pack:
  id: acme
  version: "1.0"
  name: {{zh: 某公司, en: Acme}}
  inherits: generic
  in_force_from: 2026-01-01
compensation:
  monthly_budget: "{budget}"
""",
        encoding="utf-8",
    )
    wire = chain_to_wire(read_chain(folder, "acme"))[-1]
    body = PolicyPack(pack="acme", version="1.0", inherits=wire.inherits, body=wire.body)
    await bench_policy(bench, body, "pack/acme@1.0")


async def test_over_the_months_budget_only_the_company_approves_whoever_asks_at_once(
    bench: Bench, tmp_path: Path
) -> None:
    """INVARIANT: a unit commits no more than its budget in a month, unless the company says so.

    Adding up before the unit is locked would break this on a database with several writers.
    """
    await with_budget(bench, tmp_path, "120")
    acme = {"pack": "acme", "pack_version": "1.0"}
    numbers = [(await taken(bench, unit="north", **acme))[1] for _ in range(4)]

    cases = await asyncio.gather(
        *(
            bench.do(
                one, "offer_remedy", GOODWILL | {"amount": money("50")}, **bench.as_staff("an")
            )
            for one in numbers
        )
    )

    found = [case["remedies"][0] for case in cases]
    assert sorted(one["over_budget"] for one in found) == [False, False, True, True]
    assert {one["needs"] for one in found if one["over_budget"]} == {"company"}
    assert (await balance(bench))["committed"] == "100.00"
    over = next(case["number"] for case in cases if case["remedies"][0]["over_budget"])
    boss = PolicyAccount(id="ns", login="ns", display="北区主管", role="supervisor", unit="north")
    await bench_policy(bench, boss, "account/ns")
    decide = {"remedy": "r1.1", "approved": True}
    refused = await bench.command(over, "decide_remedy", decide, **bench.as_staff("ns"))
    assert refused.status_code == 403
    await bench.do(over, "decide_remedy", decide, **bench.as_staff("su"))
    bench.clock.advance(timedelta(days=30))  # the next month has a budget of its own
    _, next_ = await taken(bench, unit="north", **acme)
    assert (await offered(bench, next_, "50"))["over_budget"] is False


@pytest.mark.postgres
async def test_two_replicas_pay_once(own_database: str, tmp_path: Path) -> None:
    """INVARIANT: one approval makes one payout on however many replicas."""
    async with (
        open_bench(tmp_path, database=own_database) as bench,
        open_bench(tmp_path, database=own_database) as other,
    ):
        subject, number = await taken(bench)
        await offered(bench, number, "50")
        await accepted(bench, number)
        pay = [one.command(number, "pay_remedy", {"remedy": "r1.1"}) for one in (bench, other) * 4]
        asked = await asyncio.gather(*pay)
        paid = {"reference": f"{number}-r1.1-1", "receipt": "B-1"}
        told = [one.command(number, "confirm_payout", paid) for one in (bench, other) * 4]
        confirmed = await asyncio.gather(*told)

        assert sorted(one.status_code for one in asked) == [200, *[409] * 7]
        assert {one.status_code for one in confirmed} == {200}
        assert len(await bench.said(subject, RemedyPayoutRequested)) == 1
        assert len(await bench.said(subject, RemedyPaid)) == 1
        assert (await balance(bench))["paid"] == "50.00"
