"""Whole files: each row once, the report right to the row, whatever they hold and wherever it is broken off."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from services.intake.api.imports import TOGETHER, Imports
from services.intake.store import imports as import_store
from shared.contracts.intake import ComplaintReceived
from tests.service.intake.doors import count, shown
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/intake/v1/imports"
CSV = "投诉编号,投诉内容,姓名,手机号,发生时间\n{rows}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    async with open_world(folder, services=("desk", "intake")) as opened:
        yield opened


def importer(world: World) -> Imports:
    owners = [getattr(one, "__self__", None) for one in world.service("intake").service.loops]
    [found] = [one for one in owners if isinstance(one, Imports)]
    return found


async def brought(world: World, raw: bytes, query: str = "") -> httpx.Response:
    return await world.client.post(f"{PATH}{query}", content=raw, headers=world.headers())


async def taken(world: World, raw: bytes, query: str = "") -> dict[str, Any]:
    answer = await brought(world, raw, query)
    assert answer.status_code == 202, answer.text
    while await importer(world).work():
        pass
    found: dict[str, Any] = (await world.get(f"{PATH}/{answer.json()['id']}")).json()
    found["rows"] = (await world.get(f"{PATH}/{found['id']}/rows?limit=200")).json()["items"]
    return found


def counts(found: dict[str, Any]) -> tuple[str, int, int, int, int]:
    return found["state"], found["done"], found["taken"], found["known"], found["refused"]


def table(prefix: str, rows: int, bad: tuple[int, ...] = ()) -> bytes:
    lines = [
        f"{prefix}{at},{' ' if at in bad else f'第{at}台空调坏了'},王小明,1380013{at:04},2026-03-01 18:00\n"
        for at in range(rows)
    ]
    return CSV.format(rows="".join(lines)).encode()


async def test_a_table_is_a_complaint_a_row_and_the_same_file_is_the_same_import(
    world: World,
) -> None:
    before, raw = await count(world), table("a", 450, bad=(7, 321))

    first = await taken(world, raw)
    again = await taken(world, raw)
    longer = await taken(world, table("a", 452, bad=(7, 321)))

    assert counts(first) == ("done", 450, 448, 0, 2)
    # The header is the first row.
    assert [(one["row"], one["errors"][0]["field"]) for one in first["rows"]] == [
        (9, "text"),
        (323, "text"),
    ]
    assert (again["id"], await count(world)) == (first["id"], before + 450)
    assert counts(longer) == ("done", 452, 2, 448, 2)
    assert list((world.folder / "intake" / "imports").iterdir()) == []


async def test_a_dry_run_tells_what_would_be_refused_and_stores_nothing(world: World) -> None:
    before = await count(world)

    found = await taken(world, table("d", 30, bad=(3,)), "?dry_run=true")

    assert counts(found) == ("done", 30, 29, 0, 1)
    assert await count(world) == before


async def test_what_is_broken_off_goes_on_and_its_report_is_right_to_the_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, raw, calls = await count(world), table("k", TOGETHER * 3 + 5, bad=(TOGETHER + 1,)), 0
    advance = import_store.advance_import

    async def dies_at_the_second(*args: Any, **named: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the rows are written, their progress is not")
        return await advance(*args, **named)

    answer = await brought(world, raw)
    monkeypatch.setattr(import_store, "advance_import", dies_at_the_second)
    with pytest.raises(RuntimeError):
        await importer(world).work()
    halfway = (await world.get(f"{PATH}/{answer.json()['id']}")).json()
    written = await count(world) - before
    found = await taken(world, raw)

    # No row is there that the report does not tell of.
    assert (halfway["state"], halfway["done"], written) == ("waiting", TOGETHER, TOGETHER)
    assert counts(found) == ("done", TOGETHER * 3 + 5, TOGETHER * 3 + 4, 0, 1)
    assert await count(world) == before + TOGETHER * 3 + 4


async def test_history_keeps_its_own_times_and_is_said_to_nobody(world: World) -> None:
    before = await count(world)
    raw = (
        "编号,内容,姓名,电话,受理时间,办结时间,处理结果\n"
        "h1,电费多了一倍,王小明,13800138000,2024-05-06 09:30,2024-05-09 17:00,已退费\n"
        "h2,换表没人通知,,,2024-05-07,,\n"
        "h3,还没发生,,,2031-05-07,,\n"
    ).encode("gb18030")

    found, again = (
        await taken(world, raw, "?kind=history"),
        await taken(world, raw, "?kind=history"),
    )
    dry = await taken(world, raw, "?kind=history&dry_run=true")

    assert counts(found) == counts(dry) == ("done", 3, 2, 0, 1)
    assert found["rows"][0]["errors"][0]["field"] == "received_at"
    assert again["id"] == found["id"]
    assert await count(world) == before + 2
    listed = (await world.get("/intake/v1/complaints?channel=import&limit=200")).json()["items"]
    old = next(one for one in listed if one["text"] == "电费多了一倍")
    assert (old["received_at"], old["history"]) == (
        "2024-05-06T01:30:00Z",
        {"closed_at": "2024-05-09T17:00:00+08:00", "outcome": "已退费"},
    )
    await world.settle()
    said = await world.said("intake", ComplaintReceived)
    assert [one for one in said if one.body.received_at.year == 2024] == []


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["complaints", "history"])
async def test_on_postgresql_too_a_row_is_taken_once(
    postgres_databases: str, tmp_path: Path, kind: str
) -> None:
    raw = "编号,内容,受理时间\n1,坏了,2024-05-06\n2, ,2024-05-06\n1,坏了,2024-05-06\n".encode()
    raw = raw if kind == "history" else raw.replace("受理时间".encode(), "发生时间".encode())
    async with open_world(
        tmp_path, services=("desk", "intake"), database=postgres_databases
    ) as world:
        found = await taken(world, raw, f"?kind={kind}")

        assert counts(found) == ("done", 3, 1, 1, 1)
        assert await count(world) == 1


async def test_lines_of_json_are_complaints_and_broken_lines_are_named_by_their_number(
    world: World,
) -> None:
    lines = ['{"text": "坏了", "external_id": "j1", "channel": "phone"}', '{"text": ', "[]", "", '{"text": "\\ud800"}',
             json.dumps({"text": "也坏了", "location": {"area": "x"}})]  # fmt: skip

    found = await taken(world, "\n".join(lines).encode())

    assert counts(found) == ("done", 5, 2, 0, 3)
    assert [one["row"] for one in found["rows"]] == [2, 3, 5]


async def test_customers_come_as_a_table(world: World) -> None:
    raw = "customer_no,name,phone\nC1,王小明,13800138000\nC2,李,8\n".encode()

    found = await taken(world, raw, "?kind=customers")

    assert counts(found) == ("done", 2, 1, 0, 1)
    assert found["rows"][0]["errors"][0]["field"] == "contacts.0.value"


async def test_a_mapping_is_kept_by_its_name(world: World) -> None:
    put = await world.client.put(
        "/intake/v1/import-mappings/crm", json={"columns": {"Ticket": "external_id", "Body": "text", "x": "-"}},
        headers=world.headers(),
    )  # fmt: skip
    raw = b"Ticket,Body,x\nm1,=cmd(),1\n"

    found = await taken(world, raw, "?mapping=crm")

    assert put.status_code == 204
    assert counts(found) == ("done", 1, 1, 0, 0)
    listed = (await world.get("/intake/v1/complaints?external_id=m1&channel=import")).json()[
        "items"
    ]
    assert (await shown(world, listed[0]["number"]))["text"] == "=cmd()"
    assert (await brought(world, raw, "?mapping=none")).status_code == 404


def workbook(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


TEXT = 't="inlineStr"'
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    f'<row r="1"><c r="A1" {TEXT}><is><t>内容</t></is></c><c r="B1" {TEXT}><is><t>编号</t></is></c></row>'
    f'<row r="2"><c r="A2" {TEXT}><is><t>表坏了</t></is></c><c r="B2"><v>1001</v></c></row>'
    f'<row r="3"><c r="A3" t="str"><f>1+1</f><v>2</v></c><c r="B3"><v>1002</v></c></row>'
    "</sheetData></worksheet>"
)
PARTS = {
    "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "_rels/.rels": (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
        b"</Relationships>"
    ),
    "xl/workbook.xml": (
        b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        b'<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
        b"</Relationships>"
    ),
    "xl/worksheets/sheet1.xml": SHEET.encode(),
}


async def test_a_workbook_is_taken_by_what_its_cells_show(world: World) -> None:
    found = await taken(world, workbook(PARTS))

    assert counts(found) == ("done", 2, 2, 0, 0)
    listed = (await world.get("/intake/v1/complaints?external_id=1002&channel=import")).json()[
        "items"
    ]
    assert listed[0]["text"] == "2"


ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'


@pytest.mark.parametrize(("raw", "query"), [
    (b"", ""), (b"\0\1\2", ""), ("颜色\n红\n".encode(), ""), (b"text,text\na,b\n", ""), (b"PK\x03\x04broken", ""),
    (workbook(PARTS | {"xl/big.xml": b"0" * 60_000_000}), ""), (workbook(PARTS | {"xl/vbaProject.bin": b"x"}), ""),
    (workbook(PARTS | {"xl/externalLinks/externalLink1.xml": b"x"}), ""),
    (workbook(PARTS | {"xl/worksheets/sheet1.xml": ENTITY + SHEET.encode()}), ""),
    (workbook({f"xl/{at}": b"" for at in range(1_001)}), ""), (b"a" + b"," * 2_000, ""), (b"text\na\n", "?kind=all"),
    (b"text\na\n", "?kind=history"), (b"text\na\n", "?columns={"), (b'{"text": "a"}', "?kind=customers"),
    (b"text\na\n", "?unit=nowhere"),
])  # fmt: skip
async def test_a_file_that_cannot_be_taken_is_refused_at_once_and_leaves_nothing(
    world: World, raw: bytes, query: str
) -> None:
    before = await count(world), await count(world, import_store.IMPORTS)

    answer = await brought(world, raw, query)

    assert answer.status_code in {400, 413, 422}, answer.text
    assert (await count(world), await count(world, import_store.IMPORTS)) == before


async def test_a_table_that_breaks_off_fails_after_the_rows_before(world: World) -> None:
    found = await taken(world, b'id,text\nb1,a\nb2,"open\n')

    assert counts(found) == ("failed", 1, 1, 0, 0)
    assert "CSV" in found["detail"]["en"]
