"""Lists of cases over HTTP: filters, words in both languages, views, CSV, commands on many; each within its units."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.followup.store.finding import clear_index, index_anew, index_waiting
from services.followup.usecases.indexing import Indexing
from shared.contracts.values import Category
from shared.ids import new_id
from tests.service.followup.bench import assigned, received, understood

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

DAY = timedelta(days=1)
SAID = (
    ("north", "智能电表走得快，要求校表", {"area": "330106"}, "PWR-MTR", "high"),
    ("north", "The power bank caught fire while charging", {"area": "330104"}, "ECM-SAF", "critical"),
    ("south", "电梯困人半小时，电表也坏了", {"area": "440305"}, "PRP-LFT", "normal"),
    ("south", "快递不见了", {"reference_tokens": {"order_no": "tok1"}}, "ECM-LST", "low"),
)  # fmt: skip


@pytest.fixture
async def four(bench: Bench) -> list[str]:
    """Four cases in two units, all indexed."""
    numbers = []
    for unit, text, more, category, severity in SAID:
        subject, now = new_id(), bench.clock.now()
        body = received(now, text=text, **more)
        await bench.tell(body, subject=subject, unit=unit)
        said = understood(
            body.number, now, severity=severity, categories=(Category(code=category, score=1.0),)
        )
        await bench.tell(said, subject=subject, unit=unit)
        numbers.append(body.number)
    await Indexing(bench.service.database).index_some()
    return numbers


async def found(bench: Bench, query: str, **who: str) -> list[str]:
    answer = await bench.get(f"/cases?{query}", **who)
    assert answer.status_code == 200, answer.text
    return [one["number"] for one in answer.json()["items"]]


async def test_cases_are_found_by_words_and_by_what_they_are_within_the_callers_units(
    bench: Bench, four: list[str]
) -> None:
    meter, bank, lift, parcel = four
    for query, expected in (
        ("q=电表", [lift, meter]),
        ("q=表", [lift, meter]),
        ("q=校表 智能", [meter]),
        ("q=表电", []),
        ("q=困人半小时", [lift]),
        ("q=POWER", [bank]),
        ("q=char fire", [bank]),
        ("q=bank，快递", []),
        ("reference=tok1", [parcel]),
        ("reference=tok2", []),
        ("q=电表&severity=high", [meter]),
        ("category=PRP-LFT", [lift]),
        ("severity=critical", [bank]),
        ("area=3301", [bank, meter]),
        ("open=true", [parcel, lift, bank, meter]),
        ("open=false", []),
        ("state=received&limit=2", [parcel, lift]),
        ("handler=an", []),
    ):
        assert await found(bench, query) == expected, query

    north = bench.as_key("north")
    assert await found(bench, "q=电表", **north) == [meter]
    assert await found(bench, "", **north) == [bank, meter]
    assert await found(bench, "reference=tok1", **north) == []
    for wrong in ("q=，", "due_before=tomorrow", "after=x", "q=电&after=x"):
        assert (await bench.get(f"/cases?{wrong}")).status_code == 422


async def test_pages_follow_each_other_whatever_the_order(bench: Bench, four: list[str]) -> None:
    late = (bench.clock.now() + 30 * DAY).isoformat().replace("+", "%2B")
    for query in ("q=了", "", f"due_before={late}"):
        whole = await found(bench, query)
        paged: list[str] = []
        after: str | None = ""
        while after is not None:
            page = await bench.get(f"/cases?{query}&limit=1{after and '&after=' + after}")
            paged += [one["number"] for one in page.json()["items"]]
            after = page.json()["next"]
        assert paged == whole
    soon = (bench.clock.now() + timedelta(minutes=45)).isoformat().replace("+", "%2B")
    # the acknowledgements are due after five minutes, whichever the case
    assert set(await found(bench, f"due_before={soon}")) == set(four)


async def test_a_list_is_exported_as_csv_that_no_spreadsheet_runs(
    bench: Bench, four: list[str]
) -> None:
    answer = await bench.get("/cases.csv?severity=high")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["number"], row["category"], row["unit"]) for row in rows] == [
        (four[0], "PWR-MTR", "north")
    ]
    assert rows[0]["next_due_at"]
    other = await bench.get("/cases.csv", **bench.as_key("south"))
    assert other.text.count("\r\n") == 3


async def test_a_view_is_its_owners_and_replaced_under_its_name(bench: Bench) -> None:
    async def views(who: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await bench.get("/views", **bench.as_key(who))).json()[
            "items"
        ]
        return items

    path, mine = "/followup/v1/views/我的急件", bench.as_key("north")
    for query in ({"severity": "high"}, {"severity": "critical", "open": "true"}):
        saved = await bench.client.put(path, json={"query": query}, headers=mine)
        assert saved.status_code == 204
    wrong = await bench.client.put(path, json={"query": {"color": "red"}}, headers=mine)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "query.color")

    assert [(one["name"], one["query"]) for one in await views("north")] == [
        ("我的急件", {"severity": "critical", "open": "true"})
    ]
    assert await views("south") == []
    assert (await bench.client.delete(path, headers=bench.as_key("south"))).status_code == 404
    assert (await bench.client.delete(path, headers=mine)).status_code == 204


async def test_a_command_on_many_gives_each_its_own_result(bench: Bench, four: list[str]) -> None:
    for number in four[:2]:
        subject = (await bench.case(number))["id"]
        await bench.tell(assigned(number, bench.clock.now()), subject=subject, unit="north")
    sent = {"command": "accept", "cases": [{"number": one} for one in [*four, "0000-0000-000"]]}
    headers = bench.as_key("north") | {"Idempotency-Key": "k1"}
    path = "/followup/v1/cases:command"

    answers = [await bench.client.post(path, json=sent, headers=headers) for _ in range(2)]

    for answer in answers:
        results = answer.json()["items"]
        assert [one["status"] for one in results] == [200, 200, 404, 404, 404]
        assert results[0]["case"]["state"] == "accepted"
        assert results[2]["problem"]["type"] == "/problems/not-found"
    stale = {"command": "note", "cases": [{"number": four[0], "version": 1}], "body": {"text": "x"}}
    headers = bench.as_key("north")
    [one] = (await bench.client.post(path, json=stale, headers=headers)).json()["items"]
    assert one["status"] == 412
    unknown = await bench.client.post(path, json=stale | {"command": "fly"}, headers=headers)
    assert unknown.status_code == 422


async def test_what_a_backup_put_back_is_indexed_anew_and_an_index_that_is_there_stays(
    bench: Bench, four: list[str]
) -> None:
    database = bench.service.database
    await database.run(clear_index)  # a backup has the words, not the index
    assert await found(bench, "q=电表") == []

    await database.run(index_anew)
    indexed = await Indexing(database).index_some()
    await database.run(index_anew)

    assert indexed == len(SAID)
    assert await Indexing(database).index_some() == 0
    assert await found(bench, "q=电表") == [four[2], four[0]]


async def test_two_indexers_index_each_text_once(bench: Bench, four: list[str]) -> None:
    assert await bench.service.database.run(lambda tx: index_waiting(tx, most=10)) == 0
    assert len(four) == len(SAID)
