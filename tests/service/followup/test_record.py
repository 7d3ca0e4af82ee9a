"""The record of a case: what was done and who read it, as a chain that shows every change made behind its back."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

from services.followup.store.tables import CASES, CLOCK_FACTS, DAYS, FACTS, READS
from services.followup.usecases.audit import seal_next_day
from shared.contracts.notify import MessageDelivered
from tests.service.followup.bench import acknowledged, assigned, received

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from shared.store.transaction import Tx
    from tests.service.followup.bench import Bench

DAY = timedelta(days=1)


async def behind_its_back(bench: Bench, *statements: Executable) -> None:
    async def unit(tx: Tx) -> None:
        for one in statements:
            await tx.execute(one)

    await bench.service.database.run(unit)


async def checked(bench: Bench) -> Any:
    return (await bench.get("/audit/cases")).json()


async def last_id(bench: Bench, table: Any, subject: str) -> int:
    async with bench.service.database.reading() as connection:
        query = select(table.c.id).where(table.c.complaint == subject).order_by(table.c.id.desc())
        found: int = (await connection.execute(query.limit(1))).scalar_one()
    return found


@pytest.mark.req("R-014")
async def test_every_entry_of_a_worked_case_is_sealed_over_the_one_before(bench: Bench) -> None:
    subject, number = await bench.assigned()
    await bench.resolved(number)
    await bench.advance(2 * DAY)
    same = MessageDelivered.model_validate(acknowledged(number, bench.clock.now()).model_dump())
    await bench.tell(same, subject=subject)
    await bench.get(f"/cases/{number}/timeline?reason=complaint")
    await bench.do(number, "callback", {"result": "dissatisfied"})

    async with bench.service.database.reading() as connection:
        links: list[int] = []
        for table in (FACTS, CLOCK_FACTS, READS):
            links += (await connection.execute(select(table.c.link))).scalars()
    found = await checked(bench)
    assert sorted(links) == list(range(1, len(links) + 1))
    assert (found["checked"], found["links"], found["broken"]) == (1, len(links), None)


async def test_what_came_before_the_receipt_is_in_the_chain_too(bench: Bench) -> None:
    body = received(bench.clock.now())
    await bench.tell(assigned(body.number, bench.clock.now()), subject="early")
    await bench.tell(acknowledged(body.number, bench.clock.now()), subject="early")
    await bench.tell(body, subject="early")

    found = await checked(bench)

    assert (found["checked"], found["broken"]) == (1, None)
    assert found["links"] >= 3


@pytest.mark.parametrize(
    "change",
    [
        lambda subject: update(FACTS).where(FACTS.c.complaint == subject, FACTS.c.name == "contacted").values(by="account/bo"),
        lambda subject: update(FACTS).where(FACTS.c.complaint == subject, FACTS.c.name == "accepted").values(
            body={"name": "accepted", "assignment": 7}
        ),
        lambda subject: update(CLOCK_FACTS).where(CLOCK_FACTS.c.complaint == subject, CLOCK_FACTS.c.clock == "solution").values(
            due_at=None
        ),
        lambda subject: delete(FACTS).where(FACTS.c.complaint == subject, FACTS.c.name == "assigned"),
        lambda subject: update(READS).where(READS.c.complaint == subject).values(by="account/cai"),
        lambda subject: delete(READS).where(READS.c.complaint == subject),
    ],
    ids=["actor", "body", "clock", "removed", "reader", "last"],
)  # fmt: skip
async def test_what_was_altered_or_removed_is_named(bench: Bench, change: Any) -> None:
    subject, number = await bench.assigned()
    _, other = await bench.assigned()
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    await bench.get(f"/cases/{number}/timeline")
    assert (await checked(bench))["broken"] is None

    await behind_its_back(bench, change(subject))

    broken = (await checked(bench))["broken"]
    assert broken["number"] == number != other
    assert broken["link"] > 0
    assert broken["why"]


async def test_who_alters_an_entry_and_all_seals_after_it_is_caught_by_the_day(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned()
    await bench.do(number, "accept")
    await bench.advance(DAY)
    database, now = bench.service.database, bench.clock.now
    assert await seal_next_day(database, now()) == "2026-03-02"
    assert await seal_next_day(database, now()) is None
    await bench.do(number, "contact")
    await bench.advance(DAY)
    assert await seal_next_day(database, now()) == "2026-03-03"
    days = (await bench.get("/audit/days")).json()
    assert days == {"days": 2, "until": "2026-03-03", "broken": None}

    # the entries at the end are dropped and the head set back: the case alone shows nothing
    of_day = select(FACTS).where(FACTS.c.complaint == subject, FACTS.c.name == "contacted")
    async with database.reading() as connection:
        row = (await connection.execute(of_day)).one()
        before = (
            await connection.execute(
                select(CLOCK_FACTS.c.link, CLOCK_FACTS.c.seal)
                .where(CLOCK_FACTS.c.link < row.link)
                .order_by(CLOCK_FACTS.c.link.desc())
                .limit(1)
            )
        ).one()
        fact = (
            await connection.execute(
                select(FACTS.c.link, FACTS.c.seal)
                .where(FACTS.c.link < row.link)
                .order_by(FACTS.c.link.desc())
                .limit(1)
            )
        ).one()
    head = max(before, fact)
    await behind_its_back(
        bench,
        delete(FACTS).where(FACTS.c.link > head.link),
        delete(CLOCK_FACTS).where(CLOCK_FACTS.c.link > head.link),
        update(CASES).values(links=head.link, seal=head.seal),
    )

    assert (await checked(bench))["broken"] is None
    assert (await bench.get("/audit/days")).json()["broken"] == "2026-03-03"


async def test_a_day_seal_that_was_altered_is_named(bench: Bench) -> None:
    await bench.assigned()
    await bench.advance(2 * DAY)
    while await seal_next_day(bench.service.database, bench.clock.now()):
        pass

    await behind_its_back(bench, update(DAYS).values(seal="0" * 64))

    assert (await bench.get("/audit/days")).json()["broken"] == "2026-03-02"


async def test_reads_are_recorded_with_reader_and_reason_and_change_nothing_else(
    bench: Bench,
) -> None:
    _, number = await bench.assigned()
    before = await bench.case(number)

    await bench.get(f"/cases/{number}/timeline", **bench.as_staff("au"))
    await bench.get(f"/cases/{number}/export?reason=ombudsman 13800138000")
    moment = bench.clock.now().isoformat().replace("+", "%2B")
    await bench.get(f"/cases/{number}?at={moment}", **bench.as_staff("su"))

    async with bench.service.database.reading() as connection:
        rows = (await connection.execute(select(READS).order_by(READS.c.id))).all()
    assert [(row.by, row.what, row.reason) for row in rows] == [
        ("account/au", "timeline", None),
        ("key/root", "export", "ombudsman [phone]"),
        ("account/su", "moment", None),
    ]
    assert await bench.case(number) == before


async def test_a_case_is_shown_as_it_was_known_at_a_moment(bench: Bench) -> None:
    _, number = await bench.assigned()
    bench.clock.advance(timedelta(hours=1))
    early = bench.clock.now()
    bench.clock.advance(timedelta(hours=1))
    await bench.do(number, "accept")
    late = bench.clock.now()
    bench.clock.advance(timedelta(hours=1))
    await bench.do(number, "contact")

    async def at(moment: Any) -> Any:
        return await bench.client.get(
            f"/followup/v1/cases/{number}",
            params={"at": moment.isoformat()},
            headers=bench.as_key("root"),
        )

    assert [(await at(one)).json()["state"] for one in (early, late)] == ["assigned", "accepted"]
    assert (await at(late)).json()["contacted_at"] is None
    assert (await at(bench.clock.now())).json()["contacted_at"] is not None
    assert (await at(early - DAY)).status_code == 404
    assert (await bench.get(f"/cases/{number}?at=2026-03-02T09:00:00")).status_code == 422


async def test_a_case_is_exported_whole_for_a_body_outside(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.do(number, "note", {"text": "<b>联系人</b>"})

    answer = await bench.get(f"/cases/{number}/export")
    page = await bench.get(f"/cases/{number}/export?form=html")

    found = answer.json()
    digest = found.pop("sha256")
    text = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == digest
    seal = ""
    for one in found["record"]:
        told = f"{seal}\n{one['link']}\n{one['kind']}\n{found['case']['id']}\n{one['content']}"
        seal = hashlib.sha256(told.encode()).hexdigest()
        assert one["seal"] == seal
    assert found["record"][-1]["what"] == "export"
    assert "noted" in page.text
    assert "<b>联系人</b>" not in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert (
        await bench.get(f"/cases/{number}/export", **bench.as_key("stranger"))
    ).status_code == 403
